//! The proof that a line is what the readers of its format expect, whatever the user says on it.

mod behind;
mod ecs;
mod fields;
mod strict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use self::fields::a_value;
use super::keys::Json as JsonKeys;
use super::{Format as _, Formatter, LONGEST_LINE, Object};
use crate::clock::Moment;
use crate::context::{Flags, RequestId, SpanId, TraceContext, TraceId};
use crate::current::enter_hop;
use crate::logs::panic::fatal;
use crate::logs::{Lines, Logs, MemoryLines};
use crate::names::{FORMATS, attribute};
use crate::record::{
    CUT_MARK, Code, End, ErrorType, Fields, Hop, Http, HttpVersion, Kind, Method, Outcome, Route, Rpc,
    Scheme, Severity, Snapshot, Subject, Value, Work,
};
use crate::resource::Resource;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Each format, and its column in the table of names.
const ALL: [(&str, usize); 5] = [("json", 0), ("ecs", 1), ("logstash", 2), ("gelf", 3), ("otel", 4)];

fn lines(format: &str) -> (Lines, MemoryLines) {
    let (logs, resource) = options(format);
    Lines::in_memory_of(&logs, &resource)
}

/// The lines, written by a thread.
fn behind(format: &str, out: impl std::io::Write + Send + 'static) -> Lines {
    let (logs, resource) = options(format);
    Lines::written_to(out, &logs, &resource)
}

fn options(format: &str) -> (Logs, Resource) {
    let mut resource = Resource::default();
    for (name, value) in [
        (attribute::SERVICE_NAME, "book\"ings"),
        (attribute::SERVICE_VERSION, "1.2.3"),
        (attribute::SERVICE_INSTANCE_ID, "i-1"),
        (attribute::DEPLOYMENT_ENVIRONMENT_NAME, "prod"),
        ("host.name", "m-1"),
    ] {
        resource.set(name, value);
    }
    let logs = Logs::new().level("trace");
    let logs = match format {
        "json" => logs.json(),
        "ecs" => logs.ecs(),
        "logstash" => logs.logstash(),
        "gelf" => logs.gelf(),
        "otel" => logs.otel(),
        other => panic!("{other} is no format"),
    };
    (logs, resource)
}

/// A line in the format `json` with these fields of a user's.
pub(super) fn line_of(fields: impl FnOnce(&mut dyn FnMut(&str, Value))) -> Object {
    let mut said = Snapshot::new(Severity::Info, "app", "hello");
    fields(&mut |name, value| said.add(name, &value));
    let mut object = Object::default();
    // As a line that turned out too long.
    object.again(|object| Formatter::<JsonKeys>::new(&Resource::default()).event(object, &said.event()));
    object
}

/// What was written, each line read by a reader that takes no key twice.
fn read(seen: &MemoryLines) -> Vec<Json> {
    seen.all().iter().map(|line| strict::object(line)).collect()
}

fn a_hop(kind: Kind, subject: Subject) -> Hop {
    let trace_id = TraceId::new(u128::from_str_radix(TRACE, 16).expect("hex")).expect("not zero");
    let trace =
        TraceContext { trace_id, span_id: SpanId::new(0xab).expect("not zero"), flags: Flags::SAMPLED };
    let mut hop = Hop::new(trace, kind, Moment::now(), subject);
    hop.request_id = RequestId::parse(b"r-1");
    hop
}

fn a_request(kind: Kind, path: &str) -> Hop {
    let pieces = [path.as_bytes(), b"", b"payments", b"", b""];
    let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
    http.set(pieces);
    let hop = a_hop(kind, Subject::Http(http));
    hop.route.set(Route::of("/users/{id}")).expect("not set");
    hop
}

fn some_work() -> Hop {
    a_hop(
        Kind::Consumer,
        Subject::Work(Work { name: "tell".into(), system: None, destination: None, ..Work::default() }),
    )
}

fn ended(hop: &Hop, outcome: Outcome, status: Option<u16>) -> End {
    End {
        outcome,
        error_type: if outcome.is_good() { ErrorType::None } else { ErrorType::Word(outcome.as_str()) },
        status,
        rpc: None,
        at: hop.start.after_nanos(12_345_678),
        first_byte: status.map(|_| hop.start.after_nanos(1_000_000)),
        response_bytes: 46,
    }
}

/// Writes events as the bridge does.
struct Bridge {
    lines: Lines,
    hop: Arc<Hop>,
    span: Fields,
}

impl<S: tracing::Subscriber> Layer<S> for Bridge {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let place = (Some(self.hop.trace), Some(Arc::clone(&self.hop)));
        let spans = |show: &mut dyn FnMut(&Fields)| show(&self.span);
        Snapshot::lend(event, Moment::now(), place, spans, |event| self.lines.event(event));
    }
}

fn events(format: &str, log: impl FnOnce()) -> Vec<Json> {
    let (lines, seen) = lines(format);
    let mut span = Fields::default();
    span.set("table", "users");
    span.set("user", "outer");
    let bridge = Bridge { lines, hop: Arc::new(a_request(Kind::Server, "/users/7")), span };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bridge), log);
    read(&seen)
}

/// A line of each kind, with every fact that a line can have.
fn a_line_of_each_kind(format: &str) -> Vec<Json> {
    let root = std::io::Error::other("root");
    let error = crate::error::Error::thread("lines", root);
    let mut written = events(format, || {
        tracing::info!(user = 7, active = true, share = 0.5, "found");
        tracing::error!(error = &error as &dyn std::error::Error, "lost");
        tracing::warn!(active = false);
    });
    let (lines, seen) = lines(format);
    for (kind, outcome, status) in [
        (Kind::Server, Outcome::Ok, Some(200)),
        (Kind::Server, Outcome::ServerError, Some(500)),
        (Kind::Client, Outcome::Cancelled, None),
    ] {
        let mut hop = a_request(kind, "/users/7");
        let Subject::Http(http) = &mut hop.subject else { unreachable!() };
        http.set([b"/users/7", b"", b"payments", b"curl/8", b""]);
        http.peer = Some("[::ffff:10.0.0.9]:5123".parse().expect("an address"));
        if kind == Kind::Server {
            (http.names_client, http.request_bytes) = (true, Some(7));
        }
        let hop = Arc::new(hop);
        lines.hop(&hop, &ended(&hop, outcome, status));
    }
    let call = Arc::new(a_request(Kind::Client, "/users/7"));
    let refused = ErrorType::Word("connection_refused");
    lines.hop(&call, &End { error_type: refused, ..ended(&call, Outcome::ServerError, None) });
    let call = Arc::new(a_request(Kind::Server, "/shop.Orders/Place"));
    let rpc = Some(Rpc { code: Code::OK, method: Some(Route::of("shop.Orders/Place")) });
    lines.hop(&call, &End { rpc, ..ended(&call, Outcome::Ok, None) });
    let work = Arc::new(some_work());
    work.notes().get_or_insert_default().error = Some(vec!["outer".into(), "root".into()]);
    work.add("error", "the user's");
    lines.hop(&work, &ended(&work, Outcome::ServerError, None));
    lines.body_failed(&Arc::new(a_request(Kind::Client, "/users/7")), None);
    lines.say(tracing::Level::INFO, "tower_observability", "started", &[("port", 9464.into())]);
    let _entered = enter_hop(&work);
    lines.fatal(fatal("index out of range", "worker", Some(("src/app.rs", 7)), Some("0: main")));
    written.extend(read(&seen));
    written
}

/// Every key of a line; those within an object with the object's key before them.
fn keys(line: &Json) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (key, value) in line.as_object().expect("an object") {
        match value.as_object() {
            Some(inner) if key == "attributes" => keys.extend(inner.keys().cloned()),
            _ => _ = keys.insert(key.clone()),
        }
    }
    keys
}

#[test]
fn every_name_of_the_table_is_on_some_line_and_no_line_has_another_of_ours() {
    for (format, column) in ALL.into_iter().skip(1) {
        let table: BTreeSet<_> =
            FORMATS.iter().map(|row| row[column].to_owned()).filter(|key| !key.is_empty()).collect();
        let written: BTreeSet<_> = a_line_of_each_kind(format).iter().flat_map(keys).collect();
        let users: BTreeSet<_> = ["user", "active", "share", "table", "port", "error", "field_error"]
            .into_iter()
            .flat_map(|name| ["", "_", "labels.", "numeric_labels."].map(|prefix| format!("{prefix}{name}")))
            .collect();
        let missing: Vec<_> = table.difference(&written).filter(|key| *key != "attributes").collect();
        let other: Vec<_> = written.difference(&table).filter(|key| !users.contains(*key)).collect();
        assert!(missing.is_empty() && other.is_empty(), "{format}: missing {missing:?}, unknown {other:?}");
    }
}

fn a_name() -> impl Strategy<Value = String> {
    let taken: Vec<_> = FORMATS.iter().flatten().filter(|name| !name.is_empty()).copied().collect();
    let bare = |name: &str| name.trim_start_matches(['_', '@']).to_owned();
    prop_oneof![
        2 => "[a-c]{1,2}",
        2 => "[ab._ \\-\\[]{0,3}",
        2 => prop::sample::select(taken.clone()).prop_map(str::to_owned),
        1 => prop::sample::select(taken.clone()).prop_map(bare),
        1 => prop::sample::select(taken).prop_map(|name| name.rsplit('.').next().unwrap_or(name).to_owned()),
        1 => (1_usize..4).prop_map(|n| "field_".repeat(n) + "status"),
        1 => prop::sample::select(vec!["error", "id", "_id", "tags", "labels", "host", "attributes", "message"])
            .prop_map(str::to_owned),
        2 => ".{0,12}",
    ]
}

/// Every value of a line that is no object.
fn leaves(line: &Json) -> Vec<(String, Json)> {
    let mut leaves = Vec::new();
    for (key, value) in line.as_object().expect("an object") {
        match value.as_object() {
            Some(inner) => leaves.extend(inner.iter().map(|(key, value)| (key.clone(), value.clone()))),
            None => leaves.push((key.clone(), value.clone())),
        }
    }
    leaves
}

/// How a value reads, whether it was written as what it is or as text.
fn same(read: &Json, written: &Value) -> bool {
    let text = match written {
        Value::Bool(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F64(value) if read.is_number() => return value.is_finite(),
        Value::F64(value) => return read.as_str().is_some_and(|read| read == format!("{value:?}")),
        Value::Str(value) => value.to_string(),
        Value::List(texts) => texts.join(", "),
    };
    let read = read.as_str().map_or_else(|| read.to_string(), str::to_owned);
    read == text
}

/// What a format allows a user's field to be.
fn is_allowed(format: &str, key: &str, value: &Json) -> bool {
    let word =
        |key: &str| key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')) && !key.is_empty();
    match format {
        "ecs" => match (key.strip_prefix("labels."), key.strip_prefix("numeric_labels.")) {
            (Some(name), _) => word(name) && value.is_string(),
            (_, Some(name)) => word(name) && value.as_f64().is_some_and(|n| n.abs() <= 9.3e18),
            _ => key == "error.message" && value.is_string(),
        },
        "gelf" => {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            key.strip_prefix('_').is_some_and(|name| name != "id" && name.chars().all(allowed))
                && (value.is_string() || value.is_number())
        }
        "logstash" => !key.contains(['[', ']']) && !key.starts_with('_') && !key.is_empty(),
        "otel" => !key.is_empty(),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_fields_make_one_object_without_a_key_twice_in_every_format(
        fields in prop::collection::vec((a_name(), a_value()), 0..24),
        with_error in any::<bool>(),
    ) {
        for (format, column) in ALL {
            let hop = Arc::new(a_request(Kind::Server, "/users/7"));
            if with_error {
                hop.notes().get_or_insert_default().error = Some(vec!["ours".into(), "root".into()]);
            }
            let (lines, seen) = lines(format);
            lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
            let users: BTreeMap<_, _> = fields.iter().cloned().collect();
            let mut notes = hop.notes();
            let said = notes.get_or_insert_default();
            users.iter().for_each(|(name, value)| said.fields.set(name, value));
            drop(notes);
            lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
            let [without, with] = &read(&seen)[..] else { panic!("two lines") };
            let (without, with) = (leaves(without), leaves(with));
            // Two lines of one hop differ by the user's fields, and each is there once.
            let added: Vec<_> = with.iter().filter(|leaf| !without.contains(leaf)).collect();
            prop_assert_eq!(added.len(), users.len(), "{}: {:?} in {:?}", format, users, with);
            for (name, value) in &users {
                let found = added.iter().any(|(_, read)| same(read, value));
                prop_assert!(found, "{}: {:?} = {:?} is missing in {:?}", format, name, value, added);
            }
            for (key, value) in added {
                prop_assert!(is_allowed(format, key, value), "{}: {} = {}", format, key, value);
                prop_assert!(format == "json" || FORMATS.iter().all(|row| row[column] != *key || row[0] == "error"), "{}: {}", format, key);
            }
        }
    }
}

#[test]
fn an_event_names_its_request_in_every_format() {
    for (format, column) in ALL {
        let written = events(format, || tracing::info!(user = 7, "found"));
        let leaves: BTreeMap<_, _> = leaves(&written[0]).into_iter().collect();
        let said = |json: &str| &leaves[FORMATS.iter().find(|row| row[0] == json).expect("a row")[column]];
        assert_eq!(said("trace_id"), TRACE, "{format}");
        assert_eq!(
            (said("message"), said("path"), said("target")),
            (&"found".into(), &"/users/7".into(), &module_path!().into()),
            "{format}"
        );
        let of_users: Vec<_> = leaves.iter().filter(|(key, _)| key.ends_with("user")).collect();
        assert_eq!(of_users.len(), 1, "the inner field hides the outer one: {format} {of_users:?}");
        assert_eq!(of_users[0].1, 7);
    }
}

#[test]
fn a_value_that_panics_while_it_is_formatted_costs_its_field_only_in_every_format() {
    struct Panics;
    impl std::fmt::Debug for Panics {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half \"a")?;
            panic!("on purpose")
        }
    }
    for (format, _) in ALL {
        let line = events(format, || tracing::info!(bad = ?Panics, good = 1, "said")).remove(0);
        let value = |name: &str| {
            let found =
                leaves(&line).into_iter().find(|(key, _)| key.trim_start_matches('_').ends_with(name));
            found.unwrap_or_else(|| panic!("{format}: no {name} in {line}")).1
        };
        assert_eq!((value("bad"), value("good")), ("<panicked>".into(), 1.into()), "{format}");
    }
}

#[test]
fn a_line_that_is_too_long_is_cut_and_marked_in_every_format() {
    let long = "é".repeat(LONGEST_LINE);
    for (format, column) in ALL {
        let (lines, seen) = lines(format);
        let hop = Arc::new(a_request(Kind::Server, &format!("/{long}")));
        hop.add("note", &*long);
        hop.notes().get_or_insert_default().error = Some(vec![long.clone(), long.clone()]);
        lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
        lines.fatal(fatal(&long, "worker", None, None));
        lines.fatal(fatal(&" ".repeat(2 * LONGEST_LINE), &long, None, None));
        for line in seen.all() {
            assert!(line.len() <= LONGEST_LINE && line.contains(CUT_MARK), "{format}: {}", line.len());
        }
        let path = FORMATS.iter().find(|row| row[0] == "path").expect("a row")[column];
        let read = read(&seen);
        assert!(leaves(&read[0]).iter().any(|(key, _)| key == path), "{format}");
        assert_eq!((read.len(), lines.shortened()), (3, 3), "{format}");
    }
}

fn request_line(format: &str) -> Json {
    let (lines, seen) = lines(format);
    let hop = Arc::new(a_request(Kind::Server, "/users/7"));
    hop.add("customer", "Ada");
    hop.add("booking.id", &Value::from(4711));
    hop.add("paid", &Value::from(true));
    lines.hop(&hop, &ended(&hop, Outcome::ServerError, Some(500)));
    let mut line = read(&seen).remove(0);
    let members = line.as_object_mut().expect("an object");
    let (_, column) = ALL.into_iter().find(|(name, _)| *name == format).expect("a format");
    members.remove(FORMATS[0][column]).expect("a time");
    line
}

#[test]
fn the_requests_line_in_logstash() {
    let expected = json!({
        "@version": "1", "level": "ERROR", "level_value": 40000, "service": "book\"ings",
        "logger_name": "tower_observability::request", "message": "GET /users/{id} 500", "trace_id": TRACE,
        "span_id": "00000000000000ab", "trace_flags": "01", "request_id": "r-1", "method": "GET",
        "path": "/users/7", "route": "/users/{id}", "status": 500, "duration_ms": 12.345, "ttfb_ms": 1.0,
        "outcome": "server_error", "response_bytes": 46, "version": "1.2.3", "instance": "i-1",
        "customer": "Ada", "booking.id": 4711, "paid": true,
    });
    assert_eq!(request_line("logstash"), expected);
}

#[test]
fn the_requests_line_in_gelf() {
    let expected = json!({
        "version": "1.1", "level": 3, "_level_name": "ERROR", "host": "m-1", "_service": "book\"ings",
        "_target": "tower_observability::request", "short_message": "GET /users/{id} 500", "_trace_id": TRACE,
        "_span_id": "00000000000000ab", "_trace_flags": "01", "_request_id": "r-1", "_method": "GET",
        "_path": "/users/7", "_route": "/users/{id}", "_status": 500, "_duration_ms": 12.345, "_ttfb_ms": 1.0,
        "_outcome": "server_error", "_response_bytes": 46, "_version": "1.2.3", "_instance": "i-1",
        "_customer": "Ada", "_booking.id": 4711, "_paid": "true",
    });
    assert_eq!(request_line("gelf"), expected);
}

#[test]
fn the_requests_line_in_otel() {
    let expected = json!({
        "severity_text": "ERROR", "severity_number": 17,
        "resource": {
            "service.name": "book\"ings", "service.version": "1.2.3", "service.instance.id": "i-1",
            "deployment.environment.name": "prod", "host.name": "m-1",
        },
        "scope_name": "tower_observability::request", "body": "GET /users/{id} 500", "trace_id": TRACE,
        "span_id": "00000000000000ab", "trace_flags": "01",
        "attributes": {
            "observability.request_id": "r-1", "http.request.method": "GET", "url.path": "/users/7",
            "http.route": "/users/{id}", "http.response.status_code": 500, "observability.duration_ms": 12.345,
            "observability.ttfb_ms": 1.0, "observability.outcome": "server_error",
            "error.type": "server_error", "http.response.body.size": 46,
            "customer": "Ada", "booking.id": 4711, "paid": true,
        },
    });
    assert_eq!(request_line("otel"), expected);
}

#[test]
fn a_gelf_time_is_a_number_with_six_digits_and_a_blank_message_a_dash() {
    let (lines, seen) = lines("gelf");
    for message in ["", "  \u{a0}\n\u{2028}\t\u{1}", "hello"] {
        lines.fatal(fatal(message, "worker", None, None));
    }
    let read = read(&seen);
    let messages: Vec<_> = read.iter().map(|line| line["short_message"].as_str().expect("text")).collect();
    assert_eq!(messages, ["-", "-", "hello"]);
    let line = &seen.all()[0];
    let (_, time) = line.split_once("\"timestamp\":").expect("a time");
    let (seconds, rest) = time.split_once('.').expect("decimals");
    assert!(seconds.parse::<u64>().is_ok_and(|seconds| seconds > 1_700_000_000), "{line}");
    assert_eq!(rest.find(|c: char| !c.is_ascii_digit()), Some(6), "{line}");
}

#[test]
fn a_panic_has_the_level_and_the_error_type_of_its_format() {
    let said = |format: &str| {
        let (lines, seen) = lines(format);
        lines.fatal(fatal("out of spanners", "worker", Some(("src/app.rs", 7)), None));
        let leaves: BTreeMap<_, _> = leaves(&read(&seen)[0]).into_iter().collect();
        move |key: &str| leaves.get(key).cloned().unwrap_or_default()
    };
    let (ecs, otel) = (said("ecs"), said("otel"));
    assert_eq!((ecs("log.level"), ecs("error.type")), ("FATAL".into(), "panic".into()));
    assert_eq!((ecs("process.thread.name"), ecs("log.origin.file.line")), ("worker".into(), 7.into()));
    assert_eq!((otel("severity_number"), otel("error.type")), (21.into(), "panic".into()));
    assert_eq!((said("logstash")("level_value"), said("gelf")("level")), (50_000.into(), 2.into()));
}

#[test]
fn a_second_message_is_a_field_in_every_format() {
    for (format, place) in [
        ("json", "/field_message"),
        ("ecs", "/labels.message"),
        ("logstash", "/field_message"),
        ("gelf", "/_field_message"),
        ("otel", "/attributes/message"),
    ] {
        let read = events(format, || tracing::info!(message = "one", a = 1, "two"));
        // The text behind the fields comes first.
        assert_eq!(read[0].pointer(place), Some(&"one".into()), "{format}: {}", read[0]);
    }
}

#[test]
fn a_line_without_attributes_is_an_object_too() {
    let (lines, seen) = lines("otel");
    lines.say(tracing::Level::INFO, "tower_observability", "started", &[]);
    assert_eq!(read(&seen)[0]["attributes"], json!({}));
}

#[test]
fn in_logstash_no_field_of_a_user_makes_an_object_out_of_a_text_of_ours() {
    let (lines, seen) = lines("logstash");
    let fields: Vec<_> =
        ["service.name", "tags", "_id", ".a", "a..b", "a[0]"].map(|name| (name, Value::from(1))).into();
    lines.say(tracing::Level::INFO, "tower_observability", "started", &fields);
    let keys = keys(&read(&seen)[0]);
    for expected in ["field_service.name", "field_tags", "field__id", "field__a", "a__b", "a_0_"] {
        assert!(keys.contains(expected), "{expected} is not in {keys:?}");
    }
}

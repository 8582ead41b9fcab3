//! The proof that what an event said comes out of its snapshot in its order and in its own types.

use std::error::Error;
use std::fmt;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use super::*;
use crate::record::{CUT_MARK, LONGEST_VALUE};

/// Takes what an event says, beside the fields of a span.
struct Take(std::sync::mpsc::Sender<Vec<String>>);

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn show(name: &[u8], value: FieldValue<'_>) -> String {
    let name = text(name);
    match value {
        FieldValue::Bool(value) => format!("{name}={value}"),
        FieldValue::I64(value) => format!("{name}={value}i"),
        FieldValue::U64(value) => format!("{name}={value}u"),
        FieldValue::F64(value) => format!("{name}={value}f"),
        FieldValue::Text(value) => format!("{name}={}", text(value)),
        FieldValue::List(texts) => format!("{name}={:?}", texts.map(text).collect::<Vec<_>>()),
        FieldValue::Error(error, causes) => {
            format!("{name}={} <{}>", text(error), causes.map(text).collect::<Vec<_>>().join("|"))
        }
    }
}

impl<S: Subscriber> Layer<S> for Take {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        fields.set("table", "users");
        fields.set("rows", &Value::from(7));
        fields.set("tags", &Value::from_iter(["a", "", "b"]));
        let at = Moment::now();
        let spans = |show: &mut dyn FnMut(&Fields)| show(&fields);
        Snapshot::lend(event, at, (None, None), spans, |snapshot| {
            snapshot.set_thread(std::thread::current().name().unwrap_or_default());
            // As a queue keeps it.
            let kept = snapshot.clone();
            let event = kept.info.with(kept.bytes());
            let mut seen = vec![format!("{} {}", kept.info.severity.as_str(), text(event.target()))];
            seen.push(text(event.message()));
            seen.extend(event.origin().map(|(file, line)| format!("{}:{line}", text(file))));
            event.fields(|name, value| seen.push(show_field("", name, value)));
            event.span_fields(|name, value| seen.push(show_field("span: ", name, value)));
            assert_eq!(event.thread(), std::thread::current().name().map(str::as_bytes));
            let _ = self.0.send(seen);
        });
    }
}

fn show_field(before: &str, name: &[u8], value: FieldValue<'_>) -> String {
    format!("{before}{}", show(name, value))
}

fn said(say: impl FnOnce()) -> Vec<String> {
    let (sender, seen) = std::sync::mpsc::channel();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(Take(sender)), say);
    seen.recv().expect("an event")
}

const SPANS: [&str; 3] = ["span: table=users", "span: rows=7i", "span: tags=[\"a\", \"\", \"b\"]"];

#[test]
fn what_an_event_said_comes_out_in_its_order_and_in_its_own_types() {
    let seen = said(|| {
        tracing::info!(target: "app", paid = true, who = "Ada", below = -1, list = ?[1, 2], seats = 7_u64, price = 1.5, r#type = "x", empty = "", "hi {}", 1);
    });
    let own = [
        "INFO app",
        "hi 1",
        "paid=true",
        "who=Ada",
        "below=-1i",
        "list=[1, 2]",
        "seats=7u",
        "price=1.5f",
        "type=x",
        "empty=",
    ];
    assert_eq!(seen, own.into_iter().chain(SPANS).collect::<Vec<_>>());
}

#[test]
fn the_first_message_is_the_message_wherever_it_stands_and_whatever_it_is() {
    assert_eq!(said(|| tracing::info!(target: "app", a = 1, message = 5))[1..3], ["5", "a=1i"]);
    let error = std::io::Error::other("root");
    let error: &(dyn Error + 'static) = &error;
    assert_eq!(said(|| tracing::info!(message = error))[1], "root");
    assert_eq!(said(|| tracing::info!(a = 1))[1..3], ["", "a=1i"]);
    // As `#[instrument(err)]` writes it.
    let seen = said(|| tracing::info!(a = 1, error = %"no disk"));
    assert_eq!(seen[1..4], ["no disk", "a=1i", "error=no disk"]);
}

#[test]
fn an_error_brings_its_sources_and_what_is_beyond_64_bits_is_text() {
    let error = crate::error::Error::thread("lines", std::io::Error::other("root"));
    let error: &(dyn Error + 'static) = &error;
    let seen = said(|| tracing::info!(error, big = u128::MAX, small = -1_i128));
    assert_eq!(seen[2], "error=the thread lines could not be started <root>");
    assert_eq!(seen[3..5], [format!("big={}", u128::MAX), "small=-1i".to_owned()]);
    let alone = std::io::Error::other("root");
    let alone: &(dyn Error + 'static) = &alone;
    assert_eq!(said(|| tracing::info!(alone))[2], "alone=root <>");
}

#[test]
fn an_error_event_says_where_it_is_and_a_field_log_file_is_a_field() {
    let seen = said(|| tracing::error!(target: "app", { log.file = "mine" }, "where"));
    assert_eq!((&*seen[0], &*seen[3]), ("ERROR app", "log.file=mine"));
    assert!(seen[2].starts_with(file!()), "{}", seen[2]);
    let seen = said(|| tracing::info!(target: "log", { log.target = "mine" }, "no record of `log`"));
    assert_eq!((&*seen[0], &*seen[2]), ("INFO log", "log.target=mine"));
}

#[test]
fn a_record_of_the_log_crate_has_its_own_target_and_origin() {
    let record = |level| {
        let args = format_args!("hello");
        let record = log::Record::builder()
            .args(args)
            .target("app::db")
            .level(level)
            .file(Some("app.rs"))
            .line(Some(7))
            .module_path(Some("app"))
            .build();
        tracing_log::format_trace(&record).expect("a record");
    };
    let seen = said(|| record(log::Level::Error));
    assert_eq!(seen[..4], ["ERROR app::db", "hello", "app.rs:7", SPANS[0]]);
    assert_eq!(said(|| record(log::Level::Info))[..3], ["INFO app::db", "hello", SPANS[0]]);
}

#[test]
fn key_values_of_a_log_record_are_fields_of_its_event_only() {
    let record = |name| {
        let args = format_args!("hello");
        let record = log::Record::builder().args(args).target("app").level(log::Level::Info).build();
        let mut fields = Fields::default();
        fields.set(name, &Value::from(5));
        with_log_fields(fields, || tracing_log::format_trace(&record).expect("a record"));
    };
    assert_eq!(said(|| record("k"))[1..4], ["hello", "k=5i", SPANS[0]]);
    let two = said(|| {
        with_log_fields(Fields::default(), || tracing::info!("no record"));
    });
    assert_eq!(two[1..3], ["no record", SPANS[0]]);
}

#[test]
fn a_text_is_cut_at_its_limit_and_a_panic_is_its_fields_value() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far")?;
            panic!("on purpose")
        }
    }
    struct Fails;
    impl fmt::Debug for Fails {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far")?;
            Err(fmt::Error)
        }
    }
    let long = "é".repeat(LONGEST_VALUE);
    let seen = said(|| tracing::info!(long, bad = ?Panics, worse = ?Fails, good = 1));
    assert!(seen[2].ends_with(CUT_MARK) && seen[2].len() < LONGEST_VALUE + 30);
    assert_eq!(seen[3..6], ["bad=<panicked>", "worse=so far<failed>", "good=1i"]);
}

#[test]
fn all_values_of_an_event_together_are_bounded() {
    let long = "x".repeat(LONGEST_VALUE);
    let long = long.as_str();
    let seen = said(|| tracing::info!(a = long, b = long, c = long, d = long, e = long, f = 1));
    let length: usize = seen.iter().map(String::len).sum();
    assert!((LONGEST.all..LONGEST.all + 300).contains(&length), "{length}");
    assert_eq!((&*seen[6], &*seen[7]), (&*format!("e={CUT_MARK}"), "f=1i"));
}

#[test]
fn an_event_of_our_own_says_what_it_was_given() {
    let mut snapshot = Snapshot::new(Severity::Fatal, "panic", "all is lost");
    snapshot.add("a", &1.into());
    snapshot.set_origin("app.rs", 7);
    snapshot.set_target("elsewhere");
    snapshot.add("b", &"two".into());
    let event = snapshot.event();
    let mut seen = Vec::new();
    event.fields(|name, value| seen.push(show(name, value)));
    event.span_fields(|name, value| seen.push(show(name, value)));
    assert_eq!(seen, ["a=1i", "b=two"]);
    assert_eq!((event.message(), event.target()), (&b"all is lost"[..], &b"elsewhere"[..]));
    assert_eq!((event.origin(), event.thread()), (Some((&b"app.rs"[..], 7)), None));
}

#[test]
fn severities_have_the_numbers_of_the_data_model() {
    let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR].map(Severity::from);
    assert_eq!(levels.map(Severity::number), [1, 5, 9, 13, 17]);
    assert_eq!(levels.map(Severity::as_str), ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]);
    assert_eq!(Severity::Fatal.number(), 21);
}

//! What Zipkin answers about the workshop's traces.
//!
//! One booking goes to it as Zipkin's JSON, straight from the eight; one over OTLP, through the collector.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde_json::Value;

use crate::support::http::{ask, get, query};
use crate::support::systems::{COLLECTOR_OTLP, ZIPKIN};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{CALLS, SERVICES, Workshop, spans_of, spans_sent};

/// One booking, and what Zipkin knows of it.
struct Booked {
    trace_id: String,
    spans: Vec<Value>,
    /// Parent and child of each edge that it drew for the time of the booking, with calls and errors.
    edges: BTreeMap<(String, String), (u64, u64)>,
}

/// A span without what differs from run to run and from way to way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    service: String,
    name: String,
    kind: String,
    /// Service and name.
    parent: Option<(String, String)>,
    description: String,
    tags: BTreeMap<String, String>,
}

/// Who books holds this: the graph is asked for by time.
pub(crate) static BOOKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// One after the other.
static BOTH: LazyLock<[Booked; 2]> = LazyLock::new(|| {
    let straight = ZIPKIN.url("/api/v2/spans");
    let collector = COLLECTOR_OTLP.value();
    [
        booked(&[("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &straight)]),
        booked(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector)]),
    ]
});

/// Their values differ with every run.
const VOLATILE: [&str; 11] = [
    "attempts",
    "booking_id",
    "messaging.message.id",
    "observability.message.waited_ms",
    "observability.request_id",
    "observability.ttfb_ms",
    "server.port",
    "service.instance.id",
    "url.full",
    "exception.message",
    "url.path",
];

fn straight() -> &'static Booked {
    &BOTH[0]
}

fn collected() -> &'static Booked {
    &BOTH[1]
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn millis() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

fn booked(variables: &[(&str, &str)]) -> Booked {
    let _alone = BOOKING.blocking_lock();
    let begin = millis();
    let workshop = Workshop::start(variables);
    let booking = workshop.book(4711, &[]);
    assert_eq!(booking.answer.status, 201, "{booking:?}");
    workshop.lines_of(&booking.trace_id);
    // At their end all that they recorded has left.
    let sent = spans_sent(&workshop.stop());
    block_on(async {
        let trace_id = booking.trace_id;
        let spans = whole_trace(&trace_id, &sent).await;
        Booked { trace_id, spans, edges: edges(begin).await }
    })
}

/// The trace, once it has as many spans of each service as that has sent, every span's parent among them.
async fn whole_trace(trace_id: &str, sent: &BTreeMap<String, usize>) -> Vec<Value> {
    let url = ZIPKIN.url(&format!("/api/v2/trace/{trace_id}"));
    eventually(SOON, "the whole trace", async || {
        let answer = get(&url).await;
        let spans: Vec<Value> = serde_json::from_str(&answer.body).map_err(|_| answer.body.clone())?;
        let ids: BTreeSet<_> = spans.iter().filter_map(|span| span["id"].as_str()).collect();
        let is_known = |span: &Value| span["parentId"].as_str().is_none_or(|parent| ids.contains(parent));
        let came = spans_of(spans.iter().map(service));
        let is_whole = came == *sent && spans.iter().all(is_known);
        if is_whole { Ok(spans) } else { Err(format!("{came:?} of {sent:?}: {}", answer.body)) }
    })
    .await
}

async fn edges(begin: u128) -> BTreeMap<(String, String), (u64, u64)> {
    let end = millis();
    let during = [("endTs", &*end.to_string()), ("lookback", &*(end - begin).to_string())];
    let links = query(&ZIPKIN.url("/api/v2/dependencies"), &during).await.json();
    let links = links.as_array().unwrap().iter().map(|link| {
        let count = |key: &str| link[key].as_u64().unwrap_or(0);
        ((text(link, "parent"), text(link, "child")), (count("callCount"), count("errorCount")))
    });
    links.collect()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

fn service(span: &Value) -> &str {
    span["localEndpoint"]["serviceName"].as_str().unwrap_or_default()
}

fn named<'a>(spans: &'a [Value], of: &str, name: &str) -> &'a Value {
    let found = spans.iter().find(|span| service(span) == of && span["name"] == name);
    found.unwrap_or_else(|| panic!("no {name:?} of {of}: {spans:#?}"))
}

/// The calls to the provider, in order.
fn attempts(spans: &[Value]) -> Vec<&Value> {
    let mut attempts: Vec<_> =
        spans.iter().filter(|span| service(span) == "payments" && span["kind"] == "CLIENT").collect();
    attempts.sort_by_key(|span| span["timestamp"].as_u64());
    attempts
}

#[track_caller]
fn is_one_trace(booked: &Booked) {
    let ids: BTreeSet<_> = booked.spans.iter().map(|span| text(span, "traceId")).collect();
    assert_eq!(ids, BTreeSet::from([booked.trace_id.clone()]));
    let roots: Vec<_> = booked.spans.iter().filter(|span| span.get("parentId").is_none()).collect();
    assert_eq!(roots.len(), 1, "{roots:#?}");
    assert_eq!(
        (service(roots[0]), &roots[0]["name"], &roots[0]["kind"]),
        ("gateway", &"post /bookings".into(), &"SERVER".into())
    );
    assert!(booked.spans.iter().all(|span| span.get("shared").is_none() && span.get("debug").is_none()));
}

#[track_caller]
fn has_kinds(booked: &Booked) {
    for (of, name, kind) in [
        ("gateway", "post", Some("CLIENT")),
        ("bookings", "post /bookings", Some("SERVER")),
        ("bookings", "workshop.inventory/reserve", Some("CLIENT")),
        ("inventory", "workshop.inventory/reserve", Some("SERVER")),
        ("bookings", "send bookings", Some("PRODUCER")),
        ("worker", "process bookings", Some("CONSUMER")),
        ("customers", "read customers", Some("CLIENT")),
        ("vehicles", "scan all visits", None),
    ] {
        let kind = kind.map(Value::from);
        assert_eq!(named(&booked.spans, of, name).get("kind"), kind.as_ref(), "{name} of {of}");
    }
}

/// The provider lets the first attempt wait too long, answers 500 to the second, and takes the third. On a busy
/// machine one more may take too long.
#[track_caller]
fn failed_attempts(booked: &Booked) -> [&Value; 2] {
    let attempts = attempts(&booked.spans);
    let (last, failed) = attempts.split_last().unwrap();
    assert!(last["tags"].get("error").is_none(), "{last}");
    ["timeout", "500"].map(|kind| {
        let found = failed.iter().copied().find(|span| span["tags"]["error.type"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}: {attempts:#?}"))
    })
}

#[track_caller]
fn calls_between_services_are_edges(booked: &Booked) {
    for (parent, child) in CALLS {
        let edge = booked.edges.get(&(parent.to_owned(), child.to_owned()));
        assert!(edge.is_some_and(|(calls, _)| *calls >= 1), "{parent} to {child}: {:?}", booked.edges);
    }
}

#[test]
fn a_booking_straight_from_the_services_is_one_trace_with_one_root() {
    is_one_trace(straight());
    has_kinds(straight());
    let known = block_on(async { get(&ZIPKIN.url("/api/v2/services")).await.json() });
    let known: BTreeSet<_> = known.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(SERVICES.iter().all(|name| known.contains(name)), "{known:?}");
}

#[test]
fn failed_attempts_have_zipkins_error_tag_and_are_found_by_it() {
    let [timeout, refused] = failed_attempts(straight());
    assert_eq!(
        (&timeout["tags"]["otel.status_code"], &timeout["tags"]["error"]),
        (&"ERROR".into(), &"request timed out".into())
    );
    assert_eq!(
        (&refused["tags"]["error"], &refused["tags"]["http.response.status_code"]),
        (&"".into(), &"500".into())
    );
    let failed = block_on(async {
        let parameters = [("serviceName", "payments"), ("annotationQuery", "error"), ("limit", "1000")];
        query(&ZIPKIN.url("/api/v2/traces"), &parameters).await.json()
    });
    let found = failed.as_array().unwrap().iter().any(|trace| trace[0]["traceId"] == *straight().trace_id);
    assert!(found, "{}", straight().trace_id);
}

#[test]
fn the_graph_has_the_calls_the_broker_and_the_provider() {
    calls_between_services_are_edges(straight());
    let edge =
        |parent: &str, child: &str| straight().edges.get(&(parent.to_owned(), child.to_owned())).copied();
    assert_eq!(edge("bookings", "workshop-queue"), Some((1, 0)), "{:?}", straight().edges);
    assert_eq!(edge("workshop-queue", "worker"), Some((1, 0)), "{:?}", straight().edges);
    // Nobody answers for the provider: it is known by its address, and by how often it failed.
    let asked = attempts(&straight().spans).len() as u64;
    assert_eq!(edge("payments", "127.0.0.1"), Some((asked, asked - 1)), "{:?}", straight().edges);
}

#[test]
fn a_booking_over_the_collector_is_one_trace_with_one_root() {
    is_one_trace(collected());
    has_kinds(collected());
    calls_between_services_are_edges(collected());
    for failed in failed_attempts(collected()) {
        assert!(failed["tags"].get("error").is_some(), "{failed}");
    }
}

#[test]
fn both_ways_tell_the_same_of_each_span() {
    let (straight, collected) = (shapes(straight()), shapes(collected()));
    for (one, other) in straight.iter().zip(&collected) {
        assert_eq!(one, other);
    }
    assert!(straight.len() >= 20 && straight.len() == collected.len(), "{straight:#?}");
}

/// A larger batch than that is not sent, because this answer tells nobody what is wrong.
#[test]
fn zipkin_takes_ten_mebibytes_at_once_and_no_more() {
    let of_size = |bytes: usize| {
        let (begin, end) =
            ("[{\"traceId\":\"000000000000000a\",\"id\":\"000000000000000a\",\"name\":\"", "\"}]");
        format!("{begin}{}{end}", "x".repeat(bytes - begin.len() - end.len()))
    };
    let status = |bytes| {
        let (url, headers) = (ZIPKIN.url("/api/v2/spans"), [("content-type", "application/json")]);
        block_on(ask(Method::POST, &url, &headers, of_size(bytes))).status
    };
    assert_eq!(status(10 * 1024 * 1024), StatusCode::ACCEPTED);
    assert_eq!(status(10 * 1024 * 1024 + 1), StatusCode::INTERNAL_SERVER_ERROR);
}

/// Both ways in the same words. The collector (0.161) says `STATUS_CODE_ERROR`, has the description in a tag of its
/// own, gives a kind to what has none, knows the scope by its old name only, and no other side of a call.
fn shapes(booked: &Booked) -> Vec<Shape> {
    let by_id: BTreeMap<_, _> = booked.spans.iter().map(|span| (text(span, "id"), span)).collect();
    let mut shapes: Vec<_> = booked.spans.iter().map(|span| shape(span, &by_id)).collect();
    shapes.sort();
    // One attempt at the provider is as another.
    shapes.dedup();
    shapes
}

fn shape(span: &Value, by_id: &BTreeMap<String, &Value>) -> Shape {
    let tags = span["tags"].as_object().unwrap().iter();
    let mut tags: BTreeMap<String, String> =
        tags.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    for name in VOLATILE {
        tags.entry(name.to_owned()).and_modify(|value| value.clear());
    }
    // The scope is told in different words; which attempt it is, a busy machine decides.
    for name in ["otel.scope.name", "otel.scope.version", "http.request.resend_count"] {
        tags.remove(name);
    }
    // The collector adds the status by its old name as well.
    let old = tags.remove("http.status_code");
    assert!(old.is_none_or(|old| tags.get("http.response.status_code") == Some(&old)), "{span}");
    assert!(tags.remove("span.kind").is_none_or(|kind| kind == "internal" && span.get("kind").is_none()));
    let said = tags.remove("error");
    let status = tags.remove("otel.status_code").map(|code| code.replace("STATUS_CODE_", ""));
    assert_eq!(status.is_some(), said.is_some(), "{span}");
    let description = tags.remove("otel.status_description").or(said.filter(|said| said != "true"));
    tags.extend(status.map(|status| ("status".to_owned(), status)));
    let parent = by_id.get(&text(span, "parentId"));
    Shape {
        service: service(span).to_owned(),
        name: text(span, "name"),
        kind: text(span, "kind"),
        parent: parent.map(|parent| (service(parent).to_owned(), text(parent, "name"))),
        description: description.unwrap_or_default(),
        tags,
    }
}

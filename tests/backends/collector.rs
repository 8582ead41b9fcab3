//! What the OpenTelemetry Collector, an independent reader of OTLP, understands of what is sent.
//!
//! A relay stands between a service and the collector. What the collector's debug exporter prints in detail is
//! compared, field by field, with the bytes that passed, and with what the service was told to record. It does
//! not print a span's flags and dropped counts: `tests/promises` has these.

mod printed;
mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::{Observability, ObservabilityLayer, Outcome, Trust, Work, propagation, request};

use self::printed::{Fields, Printed};
use crate::shared::child::{Child, run};
use crate::support::relay::Relay;
use crate::support::systems::{COLLECTOR_OTLP, COLLECTOR_OUTPUT};
use crate::support::wait::{SOON, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const INSTANCE: &str = "service.instance.id";

#[test]
fn program() {
    run(&[("story", story)]);
}

fn parent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

/// One span of each kind, and each type of attribute.
fn story() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::builder("story")
            .version("1.2.3")
            .attribute("deployment.environment.name", "tests & proofs")
            .init()
            .unwrap();
        served(ObservabilityLayer::new(), "/users/{id}", 500).await;
        served(ObservabilityLayer::new().trust(Trust::Link), "/edge", 200).await;
        messages().await;
        report(observability).await;
    });
}

async fn report(observability: Observability) {
    println!("report: {}", observability.shutdown().await.spans);
}

/// A request that came in a trace, whose handler makes a call and has a span of its own.
async fn served(layer: ObservabilityLayer, route: &'static str, status: u16) {
    let handler = service_fn(move |_: Request<String>| async move {
        request::route(route);
        call().await;
        tracing::info_span!("look \"up\"", rows = 3, empty = "").in_scope(|| {
            tracing::warn!(seats = 4, share = 0.5, sure = false, "no seats:\nnone");
        });
        request::add("yes", true);
        request::add("below", -7);
        request::add("large", u64::MAX);
        request::add("share", 0.25);
        request::add("text", "naïve 🦀, \"quoted\"");
        if status >= 500 {
            request::error(&std::io::Error::other("no seats"));
        }
        Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap())
    });
    let incoming = Request::get("http://api.example:8080/users/7?token=s3cr3t")
        .header("traceparent", parent())
        .header("tracestate", "other=1,more=2")
        .body(String::new())
        .unwrap();
    drop(layer.layer(handler).oneshot(incoming).await.unwrap());
}

async fn call() {
    let remote = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::builder().status(404).body(String::new()).unwrap())
    });
    let outgoing = Request::post("http://pay.example/pay").body(String::new()).unwrap();
    drop(ObservabilityLayer::client().layer(remote).oneshot(outgoing).await.unwrap());
}

/// A message sent, one processed with two links, and a job that fails with a cause below its error.
async fn messages() {
    let mut headers = std::collections::HashMap::new();
    let sent = Work::producer("send bookings").system("kafka").destination("bookings");
    sent.run(async { propagation::inject(&mut headers) }).await;
    let foreign = std::collections::HashMap::from([("traceparent".to_owned(), parent())]);
    let batch = Work::consumer("process bookings").system("kafka").destination("bookings");
    let batch = batch.link(propagation::extract(&headers)).link(propagation::extract(&foreign));
    batch.run(async {}).await;
    let cause = std::io::Error::other("disk full");
    let failing = async {
        request::error(&Outer(cause));
        request::outcome(Outcome::ServerError);
    };
    Work::internal("clean up").run(failing).await;
}

#[derive(Debug)]
struct Outer(std::io::Error);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not cleaned")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

struct Told {
    spans: Vec<Printed>,
    records: Vec<Printed>,
    printed_spans: Vec<Printed>,
    printed_records: Vec<Printed>,
}

/// Everything by its id, so that the order of two printings does not matter.
fn by_id(spans: Vec<Printed>) -> BTreeMap<String, Printed> {
    let count = spans.len();
    let by_id: BTreeMap<_, _> = spans.into_iter().map(|span| (span.fields["ID"].clone(), span)).collect();
    assert_eq!(by_id.len(), count, "a span id twice");
    by_id
}

/// What the collector has printed of this process, once it is so much.
async fn printed_of(instance: &str, count: usize) -> Vec<Printed> {
    let output = COLLECTOR_OUTPUT.path();
    eventually(SOON, "what was sent, in the collector's output", async || {
        let text = fs::read_to_string(&output).map_err(|error| format!("{}: {error}", output.display()))?;
        // The last batch may be half written; a whole one ends with an empty line.
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end + 2]);
        let of_instance = printed::read(whole).into_iter();
        let of_instance: Vec<_> = of_instance.filter(|one| one.resource[INSTANCE] == instance).collect();
        if of_instance.len() >= count { Ok(of_instance) } else { Err(format!("{of_instance:#?}")) }
    })
    .await
}

/// The story as it was sent, and as the collector printed it.
async fn told() -> Told {
    let relay = Relay::start(COLLECTOR_OTLP.value()).await;
    let child = Child::new("collector", "story").env("OTEL_EXPORTER_OTLP_ENDPOINT", relay.url());
    let child = child.env("OTEL_LOGS_EXPORTER", "otlp");
    let ended = tokio::task::spawn_blocking(|| child.end().well()).await.unwrap();
    assert_eq!(ended.said("report: "), "9 delivered, 0 unconfirmed, 0 dropped");
    let (spans, records) =
        (passed(&relay, "/v1/traces", sent::spans), passed(&relay, "/v1/logs", sent::records));
    let printed = printed_of(&spans[0].resource[INSTANCE], spans.len() + records.len()).await;
    let (printed_records, printed_spans) =
        printed.into_iter().partition(|one: &Printed| one.fields.contains_key("Body"));
    Told { spans, records, printed_spans, printed_records }
}

fn passed(relay: &Relay, path: &str, read: fn(&[u8]) -> Vec<Printed>) -> Vec<Printed> {
    let passed = relay.passed(path);
    assert!(!passed.is_empty(), "nothing passed at {path}");
    assert!(passed.iter().all(|passed| passed.status == StatusCode::OK), "{passed:?}");
    passed.iter().flat_map(|passed| read(&passed.body)).collect()
}

fn named<'a>(spans: &'a [Printed], name: &str) -> &'a Printed {
    let found = spans.iter().find(|span| span.fields["Name"] == name);
    found.unwrap_or_else(|| panic!("no span {name:?}: {spans:#?}"))
}

/// These are among them.
#[track_caller]
fn is(printed: &Fields, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(printed.get(*name).map(String::as_str), Some(*value), "{name}: {printed:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_span_is_read_as_it_was_sent() {
    let told = told().await;
    let (sent, printed) = (by_id(told.spans), by_id(told.printed_spans));
    assert_eq!(sent.len(), 9);
    for (id, sent) in &sent {
        assert_eq!(printed.get(id), Some(sent), "{id}");
    }
    assert_eq!(printed.len(), sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_recorded_is_what_the_collector_understood() {
    let printed = told().await.printed_spans;
    let served = named(&printed, "GET /users/{id}");
    let fields = [
        ("Trace ID", TRACE),
        ("Parent ID", CALLER),
        ("TraceState", "other=1,more=2"),
        ("Kind", "Server"),
        ("Status code", "Error"),
        ("Status message", "no seats"),
    ];
    is(&served.fields, &fields);
    let attributes = [
        ("http.request.method", "Str(GET)"),
        ("http.route", "Str(/users/{id})"),
        ("http.response.status_code", "Int(500)"),
        ("error.type", "Str(500)"),
        ("server.port", "Int(8080)"),
        ("url.query", "Str(token=REDACTED)"),
        ("yes", "Bool(true)"),
        ("below", "Int(-7)"),
        ("large", "Str(18446744073709551615)"),
        ("share", "Double(0.25)"),
        ("text", "Str(naïve 🦀, \"quoted\")"),
        ("exception.message", "Str(no seats)"),
    ];
    is(&served.attributes, &attributes);
    let resource = [
        ("service.name", "Str(story)"),
        ("service.version", "Str(1.2.3)"),
        ("deployment.environment.name", "Str(tests & proofs)"),
        ("telemetry.sdk.language", "Str(rust)"),
    ];
    is(&served.resource, &resource);
    assert_eq!(served.scope, format!("tower-observability {}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_parents_links_and_causes_arrive() {
    let printed = told().await.printed_spans;
    let field = |name: &str, field: &str| named(&printed, name).fields[field].clone();
    let kinds = [
        ("POST", "Client"),
        ("look \"up\"", "Internal"),
        ("send bookings", "Producer"),
        ("process bookings", "Consumer"),
        ("clean up", "Internal"),
    ];
    for (name, kind) in kinds {
        assert_eq!(field(name, "Kind"), kind, "{name}");
    }
    let edge = named(&printed, "GET /edge");
    assert_eq!((&*edge.fields["Parent ID"], edge.fields["Trace ID"] == TRACE), ("", false));
    assert_eq!((&*edge.links[0]["Trace ID"], &*edge.links[0]["ID"]), (TRACE, CALLER));
    let batch = named(&printed, "process bookings");
    let linked: Vec<_> = batch.links.iter().map(|link| link["ID"].clone()).collect();
    assert_eq!(linked, [field("send bookings", "ID"), CALLER.to_owned()]);
    let failed = named(&printed, "clean up");
    assert_eq!(failed.attributes["exception.stacktrace"], "Str(not cleaned\ncaused by: disk full)");
    assert_eq!((&*failed.fields["Status code"], &*failed.fields["Status message"]), ("Error", "not cleaned"));
    let inner = named(&printed, "look \"up\"");
    assert_eq!((&*inner.attributes["rows"], &*inner.attributes["empty"]), ("Int(3)", "Str()"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_log_record_is_read_as_it_was_sent() {
    let Told { records: mut sent, printed_records: mut printed, .. } = told().await;
    // They have no ids.
    sent.sort();
    printed.sort();
    for (printed, sent) in printed.iter().zip(&sent) {
        assert_eq!(printed, sent);
    }
    assert_eq!(printed.len(), sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_record_says_what_the_service_said() {
    let printed = told().await.printed_records;
    let of_the_first = printed.iter().filter(|one| one.fields["Trace ID"] == TRACE);
    let (requests, events): (Vec<_>, Vec<_>) = of_the_first
        .partition(|one| one.fields.get("EventName").is_some_and(|name| name == "observability.request"));
    let event = events.iter().find(|one| !one.fields.contains_key("EventName")).unwrap();
    let body = "Str(no seats:\nnone)";
    is(
        &event.fields,
        &[("Body", body), ("SeverityNumber", "Warn(13)"), ("SeverityText", "WARN"), ("Flags", "1")],
    );
    // Its own fields, its span's, and which request it was.
    let attributes =
        [("seats", "Int(4)"), ("share", "Double(0.5)"), ("sure", "Bool(false)"), ("rows", "Int(3)")];
    is(&event.attributes, &attributes);
    is(&event.attributes, &[("http.route", "Str(/users/{id})"), ("url.path", "Str(/users/7)")]);
    is(&event.resource, &[("service.name", "Str(story)"), ("service.version", "Str(1.2.3)")]);
    assert_eq!(requests.len(), 1, "{requests:#?}");
    is(&requests[0].fields, &[("SeverityNumber", "Error(17)"), ("Body", "Str(GET /users/{id} 500)")]);
    is(&requests[0].attributes, &[("http.response.status_code", "Int(500)"), ("yes", "Bool(true)")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_log_record_of_a_trace_stands_in_one_of_its_spans() {
    let told = told().await;
    let spans: BTreeSet<_> =
        told.printed_spans.iter().map(|span| (&span.fields["Trace ID"], &span.fields["ID"])).collect();
    let in_a_trace = told.printed_records.iter().filter(|record| !record.fields["Trace ID"].is_empty());
    let in_a_trace: Vec<_> = in_a_trace.collect();
    assert!(in_a_trace.len() >= 8, "{in_a_trace:#?}");
    for record in in_a_trace {
        assert!(spans.contains(&(&record.fields["Trace ID"], &record.fields["Span ID"])), "{record:#?}");
    }
}

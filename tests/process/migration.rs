//! Promise: a service with a registry, a tracing-opentelemetry and a Prometheus recorder of its own is migrated in a
//! diff of under 20 lines, which the guide shows; then its signals are joined, and no span is there twice.

// Shown in the guide as a binary has them.
#[allow(unreachable_pub)]
#[path = "adoption/after.rs"]
mod after;
#[allow(unreachable_pub)]
#[path = "adoption/before.rs"]
mod before;
#[path = "adoption/sdk.rs"]
mod sdk;
mod service {
    //! What every service has, and is not the subject: where spans go, where it listens, when it ends.

    pub(super) use super::sdk::Printed;

    pub(super) type Error = Box<dyn std::error::Error>;

    /// In a service, one of opentelemetry-otlp.
    pub(super) fn exporter() -> Printed {
        Printed
    }

    pub(super) async fn listener() -> std::io::Result<tokio::net::TcpListener> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("listening: {}", listener.local_addr()?);
        Ok(listener)
    }

    pub(super) async fn stopped() {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).unwrap().recv().await;
    }
}

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::Value;
use tower_observability::{Outcome, Work, builder, interop, request};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::prelude::*;

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{Collector, the_one};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const BEFORE: &str = include_str!("adoption/before.rs");
const AFTER: &str = include_str!("adoption/after.rs");
const PAGE: &str = include_str!("../../src/guide/existing.md");

#[test]
fn program() {
    run(&[
        ("before", || before::main().unwrap()),
        ("after", || after::main().unwrap()),
        ("extension", extension),
    ]);
}

/// What libraries do that know tracing-opentelemetry.
fn extension() {
    let observability = builder("bookings").build().unwrap();
    interop::attach_contexts();
    let spans = SdkTracerProvider::builder().with_simple_exporter(service::exporter()).build();
    let theirs = tracing_opentelemetry::layer().with_tracer(spans.tracer("bookings"));
    tracing_subscriber::registry().with(observability.lines_layer()).with(theirs).init();
    let mut job = Work::internal("job").begin();
    let trace = job.within(|| request::trace().unwrap());
    job.within(|| {
        let span = tracing::info_span!("query");
        let context = span.context();
        println!(
            "same trace: {}",
            context.span().span_context().trace_id().to_string() == trace.trace_id.to_string()
        );
        let elsewhere = tracing::info_span!("elsewhere");
        println!("other parent: {}", elsewhere.set_parent(Context::new()).is_ok());
        // A thread of its own, and still the span's place in the trace.
        std::thread::spawn(move || span.in_scope(|| tracing::info!("in a thread"))).join().unwrap();
    });
    job.finish(Outcome::Ok);
}

fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    write!(stream, "{head}traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// One booking, the page, the end.
fn served(program: &str, collector: &Collector) -> (String, Ended) {
    let child = Child::new("migration", program).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let mut child = child.start();
    let address = child.line("listening: ").replace("listening: ", "");
    assert!(ask(&address, "/bookings/7").contains("booking 7: oil change"));
    let page = ask(&address, "/metrics");
    child.terminate();
    (page, child.end().well())
}

/// The spans that their pipeline exported.
fn theirs(ended: &Ended) -> Vec<Value> {
    let lines = ended.output.iter().filter_map(|line| line.strip_prefix("span: "));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn before_it_the_signals_know_nothing_of_each_other() {
    let collector = Collector::start();
    let (page, ended) = served("before", &collector);
    let spans = theirs(&ended);
    assert_eq!(spans.len(), 1);
    assert_ne!(spans[0]["trace_id"], TRACE);
    assert!(page.contains("bookings_read_total 1") && !page.contains("http_server_"), "{page}");
    assert!(!ended.output.iter().any(|line| line.starts_with('{') && line.contains("trace_id")));
    assert!(collector.spans().is_empty());
}

#[test]
fn after_it_they_are_joined_and_no_span_is_there_twice() {
    let collector = Collector::start();
    let (page, ended) = served("after", &collector);
    let lines = ended.logged();
    let closing = the_one(&lines, "closing line", |line| line["message"] == "GET /bookings/{id} 200");
    let said = the_one(&lines, "line of the handler", |line| line["message"] == "looking into the book");

    // Ours has the request, theirs has the handler's span, below it.
    let theirs = theirs(&ended);
    let booking = the_one(&theirs, "booking", |span| span["name"] == "booking");
    assert_eq!((&booking["trace_id"], &booking["parent"]), (&TRACE.into(), &closing["span_id"]));
    assert_eq!(theirs.len(), 1, "{theirs:#?}");
    let ours = collector.spans();
    let request = the_one(&ours, "request", |span| span.text("url.path") == "/bookings/7");
    assert_eq!(closing["span_id"], request.span_id());
    assert!(!ours.iter().any(|span| span.span.name == "booking"), "{ours:#?}");

    assert_eq!((&closing["trace_id"], &said["trace_id"]), (&TRACE.into(), &TRACE.into()));
    assert_eq!((&said["span_id"], &said["request_id"]), (&booking["span_id"], &closing["request_id"]));
    assert_eq!(said["route"], "/bookings/{id}");
    for part in ["bookings_read_total 1", r#"http_route="/bookings/{id}""#, r#"le="0.005"} "#] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
}

#[test]
fn the_extension_of_their_spans_works_as_it_did() {
    let ended = Child::new("migration", "extension").end().well();
    assert_eq!((ended.said("same trace: "), ended.said("other parent: ")), ("true", "true"));
    let spans = theirs(&ended);
    let query = the_one(&spans, "query", |span| span["name"] == "query");
    let elsewhere = the_one(&spans, "elsewhere", |span| span["name"] == "elsewhere");
    assert_ne!(elsewhere["trace_id"], query["trace_id"]);
    let lines = ended.logged();
    let line = the_one(&lines, "line", |line| line["message"] == "in a thread");
    assert_eq!((&line["trace_id"], &line["span_id"]), (&query["trace_id"], &query["span_id"]));
}

#[test]
fn the_guide_shows_the_diff_of_these_two_and_it_is_short() {
    let shown = PAGE.split("<!-- migration -->").nth(1).expect("the marker");
    let shown = shown.split("```diff\n").nth(1).and_then(|text| text.split("```").next()).expect("a diff");
    let without = |sign: char| -> String {
        let kept = shown.lines().filter(|line| !line.starts_with(sign));
        kept.map(|line| format!("{}\n", line.get(1..).unwrap_or_default())).collect()
    };
    let changed = shown.lines().filter(|line| line.starts_with(['+', '-'])).count();
    assert_eq!((without('+').as_str(), without('-').as_str()), (BEFORE, AFTER));
    assert!(0 < changed && changed < 20, "{changed} lines");
}

//! Promise: a trace that turns out to matter is exported whole, although the sampler left it out; nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use tokio::runtime::Builder;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::{Observability, ObservabilityLayer, Work, request};

use crate::support::child::{Child, run};
use crate::support::collector::{Answer, Collected, Collector};
use crate::support::http;

#[test]
fn program() {
    run(&[("requests", requests), ("limits", limits), ("ends", ends), ("consumers", consumers)]);
}

fn block_on<F: Future>(work: F) -> F::Output {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A call and a span below the request.
async fn look_up() {
    tracing::info_span!("query").in_scope(|| ());
    let call = ObservabilityLayer::client().layer(tower::service_fn(|request: Request<Body>| async move {
        let parent = request.headers()["traceparent"].to_str().unwrap().to_owned();
        println!("call: {}", &parent[parent.len() - 2..]);
        Ok::<_, std::io::Error>(axum::response::Response::new(Body::empty()))
    }));
    let request = Request::get("http://vehicles:8080/").body(Body::empty()).unwrap();
    call.oneshot(request).await.unwrap();
}

async fn answered() -> StatusCode {
    look_up().await;
    StatusCode::OK
}

async fn failed() -> StatusCode {
    look_up().await;
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn panicked() {
    look_up().await;
    panic!("no seats");
}

async fn slow() {
    look_up().await;
    tokio::time::sleep(Duration::from_millis(80)).await;
}

async fn logged() {
    tracing::error!("the book is torn");
    look_up().await;
}

async fn asked_for() {
    assert!(request::keep("order cancelled"));
    look_up().await;
}

fn app() -> Router {
    Router::new()
        .route("/answered", get(answered))
        .route("/failed", get(failed))
        .route("/panicked", get(panicked))
        .route("/slow", get(slow))
        .route("/reports", get(slow))
        .route("/logged", get(logged))
        .route("/asked-for", get(asked_for))
        .layer(ObservabilityLayer::new())
}

/// Asks for a path, and reads the response.
async fn ask(app: &Router, path: &str) {
    let request = Request::get(path).header("tracestate", "ot=th:c").body(Body::empty()).unwrap();
    let app = app.clone();
    let asked = tokio::spawn(async move {
        let response = app.oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    });
    let _ = asked.await;
}

async fn report(observability: Observability) {
    observability.flush(Duration::from_secs(5)).await;
    let page = http::get(&observability.admin_address().unwrap().to_string(), "/metrics");
    for line in
        page.lines().filter(|line| line.starts_with("observability_traces_kept") || line.contains("_spans_"))
    {
        println!("{line}");
    }
    println!("report: {}", observability.shutdown().await.spans);
}

fn requests() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        assert!(!request::keep("outside of a request"));
        let app = app();
        for path in ["/answered", "/failed", "/panicked", "/slow", "/reports", "/logged", "/asked-for"] {
            println!("asks: {path}");
            ask(&app, path).await;
        }
        report(observability).await;
    });
}

/// Many unsampled requests, of which the first alone fails, long after it began.
fn limits() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let app = app();
        for _ in 0..2_000 {
            ask(&app, "/answered").await;
        }
        report(observability).await;
    });
}

/// The process ends right after a request has failed.
fn ends() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        ask(&app(), "/failed").await;
        println!("report: {}", observability.shutdown().await.spans);
    });
}

/// A message is processed after its request has ended, and the processing fails.
fn consumers() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let mut message = std::collections::HashMap::new();
        Work::producer("send booking")
            .run(async { tower_observability::propagation::inject(&mut message) })
            .await;
        observability.flush(Duration::from_secs(5)).await;
        let parent = tower_observability::propagation::extract(&message);
        let processed =
            Work::consumer("process booking").parent(parent).try_run(async { Err::<(), _>("no seats") });
        let _ = processed.await;
        report(observability).await;
    });
}

fn child(program: &str, collector: &Collector) -> Child {
    Child::new("keep", program)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_TRACES_SAMPLER", "traceidratio")
        .env("OTEL_TRACES_SAMPLER_ARG", "0")
        .env("OBSERVABILITY_TRACES_KEEP", "errors,slow")
        .env("OBSERVABILITY_TRACES_KEEP_SLOW", "50,/reports=60000")
}

/// The names of the spans of each trace, by the name of its request.
fn traces(spans: &[Collected]) -> BTreeMap<&str, BTreeSet<&str>> {
    let request = |one: &Collected| {
        let root = spans
            .iter()
            .find(|span| span.trace_id() == one.trace_id() && span.span.parent_span_id.is_empty());
        root.map_or("", |root| root.span.name.as_str())
    };
    let root = |trace: &str| {
        spans.iter().find(|span| span.trace_id() == trace && span.span.parent_span_id.is_empty())
    };
    let mut traces = BTreeMap::<&str, BTreeSet<&str>>::new();
    for span in spans {
        assert!(!request(span).is_empty(), "{} has no root", span.span.name);
        let root = root(&span.trace_id()).unwrap();
        traces.entry(&root.span.name).or_default().insert(&span.span.name);
    }
    traces
}

#[test]
fn what_fails_is_slow_or_is_asked_for_is_exported_whole_and_nothing_else() {
    let collector = Collector::start();
    let ended = child("requests", &collector).end().well();
    let spans = collector.spans();
    let whole = |root: &'static str| (root, BTreeSet::from([root, "query", "GET"]));
    let expected = ["GET /asked-for", "GET /failed", "GET /logged", "GET /panicked", "GET /slow"].map(whole);
    assert_eq!(traces(&spans), BTreeMap::from(expected));
    let why =
        |name: &str| spans.iter().find(|span| span.span.name == name).unwrap().text("observability.kept");
    assert_eq!(
        ["GET /asked-for", "GET /failed", "GET /logged", "GET /panicked", "GET /slow"].map(why),
        ["order cancelled", "error", "error_event", "panic", "slow"]
    );
    for span in &spans {
        assert_eq!(span.span.flags & 1, 1, "{}: an exported span is a sampled one", span.span.name);
        assert_eq!(span.span.trace_state, "", "{}: it claims no probability", span.span.name);
    }
    let calls: Vec<_> = ended.output.iter().filter_map(|line| line.strip_prefix("call: ")).collect();
    let sampled = |flags: &&str| u8::from_str_radix(flags, 16).unwrap() & 1 == 1;
    assert_eq!(
        calls.iter().map(sampled).collect::<Vec<_>>(),
        [false, false, false, false, false, true, true],
        "once it is known, the services behind record it as well"
    );
    for kept in ["error\"} 1", "panic\"} 1", "slow\"} 1", "error_event\"} 1", "requested\"} 1", "rare\"} 0"] {
        let line = format!("observability_traces_kept_total{{reason=\"{kept}");
        assert!(ended.output.contains(&line), "{line}: {:#?}", ended.output);
    }
    // Those of the two requests that nobody asked for.
    assert!(ended.output.contains(&"observability_spans_held 6".to_owned()), "{:#?}", ended.output);
    assert_eq!(ended.said("report: "), "15 delivered, 0 unconfirmed, 0 dropped");
    let of_failed = |line: &&serde_json::Value| line["route"] == "/failed" && !line["status"].is_null();
    let logged = ended.logged();
    let line = logged.iter().find(of_failed).unwrap();
    assert!(sampled(&line["trace_flags"].as_str().unwrap()), "the line says that there is a trace: {line}");
}

#[test]
fn what_is_rare_is_kept_once() {
    let collector = Collector::start();
    let child = child("requests", &collector).env("OBSERVABILITY_TRACES_KEEP", "rare");
    let ended = child.without_env("OBSERVABILITY_TRACES_KEEP_SLOW").end().well();
    let traces = traces(&collector.spans()).len();
    // Each route once, for its first answer.
    assert_eq!(traces, 7, "{:#?}", ended.output);
}

#[test]
fn without_a_rule_nothing_of_an_unsampled_trace_is_recorded() {
    let collector = Collector::start();
    let child = child("requests", &collector).env("OBSERVABILITY_TRACES_KEEP", "none");
    let ended = child.without_env("OBSERVABILITY_TRACES_KEEP_SLOW").redirected("|| true").end();
    assert!(collector.spans().is_empty());
    assert!(
        !ended.output.iter().any(|line| line.starts_with("observability_spans_held")),
        "{:#?}",
        ended.output
    );
}

#[test]
fn what_is_held_is_bounded_and_what_is_discarded_is_counted() {
    let collector = Collector::start();
    let child = child("limits", &collector).env("OBSERVABILITY_TRACES_KEEP", "errors");
    let child = child.env("OBSERVABILITY_TRACES_KEEP_MEMORY", "131072");
    let ended = child.without_env("OBSERVABILITY_TRACES_KEEP_SLOW").end().well();
    let value = |name: &str| -> u64 {
        let line = ended.output.iter().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    };
    assert!(collector.spans().is_empty());
    assert!(value("observability_spans_held_bytes ") <= 131_072);
    let discarded: u64 = ["age", "memory", "trace_full", "queue_full", "shutdown"]
        .iter()
        .map(|reason| value(&format!("observability_spans_discarded_total{{reason=\"{reason}\"}} ")))
        .sum();
    assert_eq!(discarded + value("observability_spans_held "), 3 * 2_000);
    assert!(discarded > 5_000, "{discarded}");
}

#[test]
fn a_consumer_that_fails_keeps_its_producer() {
    let collector = Collector::start();
    child("consumers", &collector).end().well();
    let spans = collector.spans();
    let names: BTreeSet<_> = spans.iter().map(|span| span.span.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["send booking", "process booking"]));
    assert!(spans.iter().all(|span| span.text("observability.kept") == "error"));
}

#[test]
fn what_is_kept_at_the_end_has_all_the_time_that_the_end_has() {
    let collector = Collector::start();
    collector.always(Answer::Slow(Duration::from_secs(2)));
    let ended = child("ends", &collector).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "10000").end().well();
    assert_eq!(ended.said("report: "), "3 delivered, 0 unconfirmed, 0 dropped");
}

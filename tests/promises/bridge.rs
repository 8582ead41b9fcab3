//! Promise: the user's `tracing` spans become child spans of their request, wherever they run.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt as _;
use tower_observability::testing::{Instance, Span};
use tracing::Instrument as _;

async fn ask(seen: &Instance, router: Router, sampled: bool) -> Vec<Span> {
    let app = router.layer(seen.layer());
    let flags = if sampled { "01" } else { "00" };
    let traceparent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
    let request = Request::get("/").header("traceparent", traceparent).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    seen.spans()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

async fn query() {
    let work = async {
        tokio::task::yield_now().await;
        tracing::Span::current().record("rows", 3);
    };
    work.instrument(tracing::info_span!("query", rows = tracing::field::Empty)).await;
}

#[tokio::test]
async fn an_instrumented_function_is_a_child_of_its_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/",
        get(|| async {
            query().instrument(tracing::info_span!("load")).await;
        }),
    );
    let spans = ask(&seen, router, true).await;
    let (request, load, query) = (named(&spans, "GET /"), named(&spans, "load"), named(&spans, "query"));
    assert_eq!(load.parent, Some(request.trace.span_id));
    assert_eq!(query.parent, Some(load.trace.span_id));
    assert_eq!(query.attributes.get("rows"), Some(&tower_observability::Value::I64(3)));
    assert!(spans.iter().all(|span| span.trace.trace_id == request.trace.trace_id));
}

#[tokio::test]
async fn a_spawned_task_stays_in_its_trace() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/",
        get(|| async {
            tower_observability::spawn(async { tracing::info_span!("task").in_scope(|| {}) }).await.unwrap();
        }),
    );
    let spans = ask(&seen, router, true).await;
    assert_eq!(named(&spans, "task").parent, Some(named(&spans, "GET /").trace.span_id));
}

#[tokio::test]
async fn a_request_that_is_not_sampled_has_no_spans_and_all_its_lines() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/",
        get(|| async { tracing::info_span!("load", user = 7).in_scope(|| tracing::info!("found")) }),
    );
    assert!(ask(&seen, router, false).await.is_empty());
    let lines = seen.lines();
    assert_eq!((lines.len(), &lines[0]["user"]), (2, &7.into()));
    assert_eq!(lines[0]["span_id"], lines[1]["span_id"]);
}

#[tokio::test]
async fn an_error_event_fails_the_span_around_it_and_not_the_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/",
        get(|| async { tracing::info_span!("load").in_scope(|| tracing::error!("gone, but handled")) }),
    );
    let spans = ask(&seen, router, true).await;
    assert!(named(&spans, "load").is_error() && !named(&spans, "GET /").is_error());
}

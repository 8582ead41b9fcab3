//! Promise: the user's `tracing` spans become child spans of their request, wherever they run.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tower::ServiceExt as _;
use tower_observability::testing::{Instance, Request};
use tracing::Instrument as _;

async fn ask(seen: &Instance, router: Router, sampled: bool) -> Request {
    let app = router.layer(seen.layer());
    let flags = if sampled { "01" } else { "00" };
    let traceparent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
    let request =
        axum::http::Request::get("/").header("traceparent", traceparent).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    seen.only_request()
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
    let request = ask(&seen, router, true).await;
    let (load, query) = (request.child("load"), request.child("query"));
    assert!(load.is_child_of(request.span()) && query.is_child_of(load), "{request}");
    assert_eq!(query.attribute("rows"), 3);
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
    let request = ask(&seen, router, true).await;
    assert!(request.child("task").is_child_of(request.span()), "{request}");
}

#[tokio::test]
async fn a_request_that_is_not_sampled_has_no_spans_and_all_its_lines() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/",
        get(|| async { tracing::info_span!("load", user = 7).in_scope(|| tracing::info!("found")) }),
    );
    let request = ask(&seen, router, false).await;
    assert!(seen.spans().is_empty() && request.lines().len() == 2, "{seen}");
    assert_eq!(request.line("found")["user"], 7);
    assert_eq!(request.line("found")["span_id"], request.closing_line()["span_id"]);
}

#[tokio::test]
async fn an_error_event_fails_the_span_around_it_and_not_the_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/",
        get(|| async { tracing::info_span!("load").in_scope(|| tracing::error!("gone, but handled")) }),
    );
    let request = ask(&seen, router, true).await;
    assert!(request.child("load").is_error() && !request.span().is_error(), "{request}");
}

//! The stack of tower-http's layers that the guide recommends.

use std::any::Any;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Response, header};
use axum::routing::post;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_observability::ObservabilityLayer;

use super::*;

fn sorry(_: Box<dyn Any + Send>) -> Response<Body> {
    request::outcome(Outcome::Panic);
    let mut response = Response::new(Body::from("sorry"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn rude() -> &'static str {
    panic!("the handler's own")
}

fn recommended(ours: ObservabilityLayer) -> Router {
    let context = ["traceparent", "tracestate", "baggage", "x-request-id"].map(HeaderName::from_static);
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static("https://shop.example"))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(context)
        .expose_headers([HeaderName::from_static("x-request-id")]);
    Router::new()
        .route("/ok", get(|| async { "hello ".repeat(100) }))
        .route("/panic", get(rude))
        .route("/slow", get(std::future::pending::<()>))
        .route("/long", post(|body: Bytes| async { body }))
        .layer(CatchPanicLayer::custom(sorry))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(100)))
        .layer(RequestBodyLimitLayer::new(4))
        .layer(CompressionLayer::new())
        .layer(ours)
        .layer(cors)
}

#[tokio::test]
async fn every_end_is_told_as_what_it_was_and_every_answer_has_its_id() {
    for (request, outcome, status) in [
        (Request::get("/ok"), "ok", 200),
        (Request::get("/panic"), "panic", 500),
        (Request::get("/slow"), "timeout", 504),
        (Request::post("/long").header(header::CONTENT_LENGTH, 5), "client_error", 413),
        (Request::get("/nobody"), "client_error", 404),
    ] {
        let scene = Scene::of(recommended).await;
        let sized = request.headers_ref().unwrap().contains_key(header::CONTENT_LENGTH);
        let body = if sized { Bytes::from_static(b"12345") } else { Bytes::new() };
        let request =
            request.header(header::ACCEPT_ENCODING, "gzip").header(header::ORIGIN, "https://shop.example");
        let answer = scene.send(request.body(Full::new(body)).unwrap()).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS], "x-request-id");
        let told = scene.ended(outcome, status).await;
        assert_eq!(answer.headers()["x-request-id"], *told.closing_line()["request_id"].as_str().unwrap());
        assert_eq!(told.closing_line()["response_bytes"], answer.body().len(), "as on the wire");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_and_not_told() {
    let scene = Scene::of(recommended).await;
    let asked = Request::options("/ok").header(header::ORIGIN, "https://shop.example");
    let answer = scene.ask(asked.header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")).await;
    assert!(answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_HEADERS), "{answer:?}");
    scene.saw_nothing();
}

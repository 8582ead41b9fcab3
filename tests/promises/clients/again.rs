//! Promise: a call that is tried again and must not be is told, without a word of the service.

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::any;
use http::{Request, StatusCode};
use http_body_util::Empty;
use tower::{Layer, Service, ServiceExt};
use tower_observability::testing::Instance;
use tower_observability::{Work, attempts};

use super::attempts::{Body, hyper};
use crate::support::port::free_address;
use crate::support::server::Server;

/// Answers with the status of `x-answer`.
async fn answers() -> Server {
    let answer =
        |headers: HeaderMap| async move { StatusCode::from_bytes(headers["x-answer"].as_bytes()).unwrap() };
    Server::start(Router::new().fallback(any(answer))).await
}

/// Makes these calls one behind the other, as attempts of one job; returns what is said of the last one, of the job, and
/// how often it was counted.
async fn made(requests: Vec<Request<Body>>) -> (Option<String>, Option<String>, f64) {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let mut client = seen.client_layer().layer(hyper());
    Work::internal("pay")
        .run(attempts(async {
            for request in requests {
                // Whether it is answered does not matter.
                let _ = client.ready().await.unwrap().call(request).await;
            }
        }))
        .await;
    let job = seen.request("pay");
    let said = |span: &tower_observability::testing::Span| {
        let reason = span.attributes.get("observability.retry_reason").map(ToString::to_string);
        assert_eq!(reason.is_some(), span.attributes.contains_key("observability.retry"), "{span:?}");
        reason
    };
    let mut calls: Vec<_> = seen.spans().into_iter().filter(|span| span.is_child_of(job.span())).collect();
    calls.sort_by_key(|span| span.start);
    let (last, all) = (said(calls.last().unwrap()), said(job.span()));
    assert_eq!(job.closing_line()["observability.retry_reason"].as_str(), all.as_deref());
    let warned = seen.lines().into_iter().filter(|line| line["message"] == "a call that must not be retried");
    assert_eq!(warned.count(), usize::from(all.is_some()), "{seen}");
    let counted = match all {
        Some(_) => seen.metric("retries_total", &[("retry", "127.0.0.1"), ("result", "not_retryable")]),
        None => f64::from(u8::from(seen.scrape().contains("not_retryable"))),
    };
    (last, all, counted)
}

fn request(method: &str, url: &str, answer: u16) -> http::request::Builder {
    Request::builder().method(method).uri(url).header("x-answer", answer.to_string())
}

fn twice(make: impl Fn() -> http::request::Builder) -> Vec<Request<Body>> {
    (0..2).map(|_| make().body(Empty::new()).unwrap()).collect()
}

#[tokio::test]
async fn what_may_be_done_twice_and_what_was_refused_is_told_when_it_is_tried_again() {
    let server = answers().await;
    let url = server.url("/charges");
    for (method, answer, why) in [
        ("POST", 503, "POST without an idempotency key"),
        ("PATCH", 500, "PATCH without an idempotency key"),
        ("GET", 400, "after 400"),
        ("PUT", 401, "after 401"),
        ("DELETE", 403, "after 403"),
        ("POST", 404, "after 404"),
    ] {
        let (last, job, counted) = made(twice(|| request(method, &url, answer))).await;
        assert_eq!(
            (last.as_deref(), job.as_deref(), counted),
            (Some(why), Some(why), 1.0),
            "{method} {answer}"
        );
    }
}

#[tokio::test]
async fn what_may_be_tried_again_is_not() {
    let server = answers().await;
    let url = server.url("/charges");
    let nobody = free_address();
    let nowhere = format!("http://{nobody}/");
    let ready = |builder: http::request::Builder| builder.body(Empty::new()).unwrap();
    let renewed = ["old", "new"].map(|token| ready(request("GET", &url, 401).header("authorization", token)));
    let others = [ready(request("POST", &url, 500)), ready(request("POST", &server.url("/refunds"), 500))];
    for (what, requests) in [
        ("a question", twice(|| request("GET", &url, 503))),
        ("a key", twice(|| request("POST", &url, 503).header("idempotency-key", "7"))),
        ("a condition", twice(|| request("PATCH", &url, 503).header("if-match", "\"7\""))),
        ("one that was too many", twice(|| request("POST", &url, 429))),
        ("one that never arrived", twice(|| request("POST", &nowhere, 200))),
        ("new credentials", renewed.into()),
        ("another call", others.into()),
        ("only one", vec![ready(request("POST", &url, 404))]),
    ] {
        assert_eq!(made(requests).await, (None, None, 0.0), "{what}");
    }
}

#[tokio::test]
async fn outside_of_attempts_two_calls_are_two_calls() {
    let server = answers().await;
    let seen = Instance::new();
    let client = seen.client_layer().layer(hyper());
    for call in twice(|| request("POST", &server.url("/charges"), 404)) {
        client.clone().oneshot(call).await.unwrap();
    }
    assert!(!seen.scrape().contains("retries_total"), "{seen}");
}

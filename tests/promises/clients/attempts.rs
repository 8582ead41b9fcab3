//! Promise: each attempt of a retry has its own span, and each but the first says which it is.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::retry::{Policy, RetryLayer};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_observability::testing::{Instance, Span};
use tower_observability::{AttemptsLayer, Kind, attempts};

use crate::support::server::Server;

pub(super) type Body = Empty<Bytes>;

/// Tries again until there is an answer below 500; makes each request anew, without extensions.
#[derive(Clone)]
struct Anew;

/// The same, but copies the request as it is.
#[derive(Clone)]
struct Copied;

impl<R, E> Policy<Request<Body>, Response<R>, E> for Anew {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<Body>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        let failed = result.as_ref().map_or(true, |response| response.status().is_server_error());
        failed.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(Request::get(request.uri()).body(Body::new()).unwrap())
    }
}

impl<R, E> Policy<Request<Body>, Response<R>, E> for Copied {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Ready<()>> {
        Anew.retry(request, result)
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

/// Answers 503 to the first two requests of each path.
async fn flaky() -> Server {
    let seen = Arc::new(std::sync::Mutex::new(std::collections::HashMap::<String, usize>::new()));
    let answer = move |uri: axum::http::Uri| {
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(uri.path().to_owned()).or_default();
        *count += 1;
        let status = if *count > 2 { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        async move { status }
    };
    Server::start(Router::new().route("/{name}", get(answer))).await
}

pub(super) fn hyper() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn request(url: &str) -> Request<Body> {
    Request::get(url).body(Body::new()).unwrap()
}

/// The counts that the spans of calls to this path say, in the order in which they began; 0 where none does.
fn counts(seen: &Instance, path: &str) -> Vec<String> {
    let mut spans: Vec<Span> = seen.spans();
    spans.retain(|span| span.kind == Kind::Client);
    spans.retain(|span| span.attributes.get("url.full").unwrap().to_string().ends_with(path));
    spans.sort_by_key(|span| span.start);
    let count = |span: &Span| span.attributes.get("http.request.resend_count").map(ToString::to_string);
    spans.iter().map(|span| count(span).unwrap_or_else(|| "0".to_owned())).collect()
}

#[tokio::test]
async fn each_attempt_but_the_first_says_which_it_is_even_if_the_policy_makes_its_request_anew() {
    let (seen, server) = (Instance::new(), flaky().await);
    let client = ServiceBuilder::new()
        .layer(AttemptsLayer::new())
        .layer(RetryLayer::new(Anew))
        .layer(seen.client_layer())
        .service(hyper());
    let response = client.oneshot(request(&server.url("/x"))).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(counts(&seen, "/x"), ["0", "1", "2"]);
    let said: Vec<_> = seen.lines().iter().map(|line| line["http.request.resend_count"].clone()).collect();
    assert_eq!(said, [serde_json::Value::Null, 1.into()], "the lines of the two that failed");
}

#[tokio::test]
async fn calls_at_the_same_time_are_counted_apart() {
    let (seen, server) = (Instance::new(), flaky().await);
    let client = ServiceBuilder::new()
        .layer(AttemptsLayer::new())
        .layer(RetryLayer::new(Anew))
        .layer(seen.client_layer())
        .service(hyper());
    let calls = (0..8).map(|call| client.clone().oneshot(request(&server.url(&format!("/{call}")))));
    join_all(calls).await;
    for call in 0..8 {
        assert_eq!(counts(&seen, &format!("/{call}")), ["0", "1", "2"], "{call}");
    }
}

#[tokio::test]
async fn a_hedged_request_is_an_attempt_as_well() {
    let (seen, server) = (Instance::new(), flaky().await);
    let client = seen.client_layer().layer(hyper());
    let hedged = tower::service_fn(move |request: Request<Body>| {
        let both = [request.clone(), request].map(|request| client.clone().oneshot(request));
        async move { join_all(both).await.pop().unwrap() }
    });
    AttemptsLayer::new().layer(hedged).oneshot(request(&server.url("/x"))).await.unwrap();
    assert_eq!(counts(&seen, "/x"), ["0", "1"]);
}

#[tokio::test]
async fn attempts_are_counted_through_a_buffer_if_the_policy_keeps_the_requests_extensions() {
    let (seen, server) = (Instance::new(), flaky().await);
    let client = ServiceBuilder::new()
        .layer(AttemptsLayer::new())
        .layer(RetryLayer::new(Copied))
        .buffer(4)
        .layer(seen.client_layer())
        .service(hyper());
    client.oneshot(request(&server.url("/x"))).await.unwrap();
    assert_eq!(counts(&seen, "/x"), ["0", "1", "2"]);
}

#[tokio::test]
async fn a_call_made_within_an_attempt_is_none_of_its_attempts() {
    let seen = Instance::new();
    let layer = seen.client_layer();
    let tries = Arc::new(AtomicUsize::new(0));
    let with_token = tower::service_fn(move |_: Request<Body>| {
        let (layer, tries) = (layer.clone(), Arc::clone(&tries));
        async move {
            let token =
                tower::service_fn(|_: Request<Body>| ready(Ok::<_, Infallible>(Response::new(Body::new()))));
            layer.layer(token).oneshot(request("http://login.example/token")).await?;
            let status = if tries.fetch_add(1, Ordering::Relaxed) < 2 { 503 } else { 200 };
            Ok::<_, Infallible>(Response::builder().status(status).body(Body::new()).unwrap())
        }
    });
    let client = ServiceBuilder::new()
        .layer(AttemptsLayer::new())
        .layer(RetryLayer::new(Anew))
        .layer(seen.client_layer())
        .service(with_token);
    client.oneshot(request("http://shop.example/cart")).await.unwrap();
    assert_eq!(counts(&seen, "/cart"), ["0", "1", "2"]);
    assert_eq!(counts(&seen, "/token"), ["0", "0", "0"]);
}

#[tokio::test]
async fn a_loop_of_ones_own_is_counted_and_what_comes_after_it_is_not() {
    let (seen, server) = (Instance::new(), flaky().await);
    let mut client = seen.client_layer().layer(hyper());
    let url = server.url("/x");
    attempts(async {
        while client.call(request(&url)).await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(counts(&seen, "/x"), ["0", "1", "2"]);
    client.call(request(&server.url("/y"))).await.unwrap();
    assert_eq!(counts(&seen, "/y"), ["0"]);
}

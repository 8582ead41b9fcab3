//! Promise: a call that is tried again and must not be is told, without a word of the service.

use std::convert::Infallible;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::any;
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service, ServiceExt};
use tower_observability::testing::Instance;
use tower_observability::{Work, attempts};

use super::attempts::{Body, hyper};
use crate::support::port::free_address;
use crate::support::server::Server;

/// Kinds of frames of HTTP/2.
const RESET: u8 = 3;
const GOES_AWAY: u8 = 7;

/// Answers with the status of `x-answer`.
async fn answers() -> Server {
    let answer =
        |headers: HeaderMap| async move { StatusCode::from_bytes(headers["x-answer"].as_bytes()).unwrap() };
    Server::start(Router::new().fallback(any(answer))).await
}

/// Speaks HTTP/2, and answers each request by this: a reset of its stream, or the end of the connection. Returns its address.
async fn says(kind: u8, payload: &'static [u8]) -> String {
    fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
        [&[0, 0, payload.len() as u8, kind, flags], &stream[..], payload].concat()
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async move |mut connection: TcpStream| {
        // The preface, and the settings of both sides.
        connection.read_exact(&mut [0; 24]).await?;
        connection.write_all(&[frame(4, 0, [0; 4], &[]), frame(4, 1, [0; 4], &[])].concat()).await?;
        loop {
            let mut head = [0; 9];
            connection.read_exact(&mut head).await?;
            let mut body = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            connection.read_exact(&mut body).await?;
            let stream = if kind == RESET { head.last_chunk().copied().unwrap() } else { [0; 4] };
            if head[3] == 1 {
                connection.write_all(&frame(kind, 0, stream, payload)).await?;
            }
        }
    };
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _: std::io::Result<Infallible> = answer(connection).await;
            });
        }
    });
    format!("http://{address}/charges")
}

/// Makes these calls one behind the other, as attempts of one job; returns what is said of the last one, of the job, and
/// how often it was counted.
async fn made(requests: Vec<Request<Body>>) -> (Option<String>, Option<String>, f64) {
    made_by(hyper(), requests).await
}

async fn made_by(
    client: Client<HttpConnector, Body>,
    requests: Vec<Request<Body>>,
) -> (Option<String>, Option<String>, f64) {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let mut client = seen.client_layer().layer(client);
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
        // A server's own timeout, most often: it may go on.
        ("POST", 408, "POST without an idempotency key"),
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
        ("one over the wrong connection", twice(|| request("POST", &url, 421))),
        ("one that came too early", twice(|| request("POST", &url, 425))),
        ("one that never arrived", twice(|| request("POST", &nowhere, 200))),
        ("new credentials", renewed.into()),
        ("another call", others.into()),
        ("only one", vec![ready(request("POST", &url, 404))]),
    ] {
        assert_eq!(made(requests).await, (None, None, 0.0), "{what}");
    }
}

#[tokio::test]
async fn what_http_2_says_was_not_looked_at_may_be_tried_again_and_what_was_broken_off_may_not() {
    for (what, url, may) in [
        ("refused", says(RESET, &[0, 0, 0, 7]).await, true),
        ("left out by one that goes away", says(GOES_AWAY, &[0; 8]).await, true),
        ("broken off", says(RESET, &[0, 0, 0, 2]).await, false),
        ("cancelled", says(RESET, &[0, 0, 0, 8]).await, false),
    ] {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let (last, _, counted) = made_by(client, twice(|| request("POST", &url, 200))).await;
        let why = (!may).then_some("POST without an idempotency key");
        assert_eq!((last.as_deref(), counted), (why, f64::from(u8::from(!may))), "{what}");
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

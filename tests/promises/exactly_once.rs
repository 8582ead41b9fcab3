//! Promise: a request is reported once, with one outcome, the same in span, line and metric, whatever ends it;
//! and afterwards nothing is in flight.

mod bodies;
mod wire;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode, header};
use axum::routing::{any, get};
use axum::{BoxError, Router};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_observability::testing::Instance;
use tower_observability::{Kind, Outcome, Value, request};

use crate::support::server::{Server, until};

/// A server behind our layer, and what our three signals say of the one request that it gets.
struct Scene {
    seen: Instance,
    server: Server,
}

/// What the signals must agree on.
struct Expected {
    outcome: &'static str,
    status: Option<u16>,
    error_type: Option<&'static str>,
    bytes: Option<u64>,
}

fn ended(outcome: &'static str, status: u16) -> Expected {
    Expected { outcome, status: Some(status), error_type: None, bytes: None }
}

impl Expected {
    fn error(mut self, error_type: &'static str) -> Self {
        self.error_type = Some(error_type);
        self
    }

    fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    fn without_head(mut self) -> Self {
        self.status = None;
        self
    }
}

impl Scene {
    async fn of(router: Router) -> Self {
        let seen = Instance::new();
        let server = Server::start(router.layer(seen.layer())).await;
        Self { seen, server }
    }

    async fn is_reported_as(&self, expected: Expected) {
        until("the request's line", || (!self.seen.lines().is_empty()).then_some(())).await;
        let lines = self.seen.lines();
        assert_eq!(lines.len(), 1, "one line: {lines:#?}");
        let line = &lines[0];
        assert_eq!(line["outcome"], expected.outcome, "{line:#}");
        assert_eq!(line.get("status").and_then(|s| s.as_u64()), expected.status.map(u64::from), "{line:#}");
        if let Some(bytes) = expected.bytes {
            assert_eq!(line["response_bytes"], bytes, "{line:#}");
        }
        self.span_agrees(&expected, &line["span_id"]);
        self.metrics_agree(&expected);
    }

    fn span_agrees(&self, expected: &Expected, span_id: &serde_json::Value) {
        let spans: Vec<_> = self.seen.spans().into_iter().filter(|span| span.kind == Kind::Server).collect();
        assert_eq!(spans.len(), 1, "one span: {spans:#?}");
        let span = &spans[0];
        assert_eq!(*span_id, span.trace.span_id.to_string());
        let text = |key: &str| match span.attributes.get(key) {
            Some(Value::Str(text)) => Some(text.to_string()),
            _ => None,
        };
        assert_eq!(text("observability.outcome").as_deref(), Some(expected.outcome), "{span:#?}");
        assert_eq!(text("error.type").as_deref(), expected.error_type, "{span:#?}");
        assert_eq!(span.is_error(), expected.error_type.is_some(), "{span:#?}");
    }

    fn metrics_agree(&self, expected: &Expected) {
        let page = self.seen.scrape();
        let counted: Vec<_> = page
            .lines()
            .filter(|line| {
                line.starts_with("http_server_request_duration_seconds_count{") && !line.ends_with(" 0")
            })
            .collect();
        assert_eq!(counted.len(), 1, "counted once:\n{page}");
        assert!(counted[0].ends_with(" 1"), "counted once: {}", counted[0]);
        let label = |name: &str, value: Option<String>| match value {
            Some(value) => {
                assert!(counted[0].contains(&format!("{name}=\"{value}\"")), "{name}: {}", counted[0])
            }
            None => assert!(!counted[0].contains(&format!("{name}=")), "no {name}: {}", counted[0]),
        };
        label("error_type", expected.error_type.map(String::from));
        label("http_response_status_code", expected.status.map(|status| status.to_string()));
        let in_flight: Vec<_> =
            page.lines().filter(|line| line.starts_with("http_server_active_requests{")).collect();
        assert!(!in_flight.is_empty() && in_flight.iter().all(|line| line.ends_with(" 0")), "{in_flight:?}");
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        self.call(Request::get(self.server.url(path)).body(Empty::new()).unwrap(), false).await
    }

    async fn call(&self, request: Request<Empty<Bytes>>, http2: bool) -> Response<Bytes> {
        let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Writes these bytes and reads until the server closes, or until `enough` was read; then hangs up.
    async fn raw(&self, request: &str, enough: usize) -> String {
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while answer.len() < enough && stream.read_buf(&mut answer).await.unwrap() > 0 {}
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn streamed(chunks: usize) -> Body {
    Body::from_stream(stream::iter((0..chunks).map(|_| Ok::<_, Infallible>(Bytes::from_static(b"12345")))))
}

fn endless() -> Body {
    Body::from_stream(
        stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"begin")) }).chain(stream::pending()),
    )
}

#[tokio::test]
async fn a_streamed_body_ends_with_its_last_byte() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { streamed(20) }))).await;
    assert_eq!(scene.get("/x").await.body().len(), 100);
    scene.is_reported_as(ended("ok", 200).bytes(100)).await;
}

#[tokio::test]
async fn the_duration_of_a_streamed_body_is_that_of_the_whole_stream() {
    let slow = || async {
        let chunks = stream::iter(0..3).then(|_| async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok::<_, Infallible>(Bytes::from_static(b"x"))
        });
        Body::from_stream(chunks)
    };
    let scene = Scene::of(Router::new().route("/x", get(slow))).await;
    scene.get("/x").await;
    scene.is_reported_as(ended("ok", 200)).await;
    let line = &scene.seen.lines()[0];
    let (whole, first) = (line["duration_ms"].as_f64().unwrap(), line["ttfb_ms"].as_f64().unwrap());
    assert!(whole >= 90.0 && first < whole, "{line:#}");
    let span = &scene.seen.spans()[0];
    let lasted = span.end.duration_since(span.start).unwrap().as_secs_f64() * 1e3;
    assert!((lasted - whole).abs() < 0.01, "span {lasted} ms, line {whole} ms");
}

#[tokio::test]
async fn the_first_byte_of_a_late_stream_is_its_head_and_that_of_a_whole_body_is_its_end() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let late = async move || {
        let opened = Arc::clone(&opened);
        let frame = async move {
            opened.notified().await;
            Ok::<_, Infallible>("x")
        };
        Body::from_stream(stream::once(frame))
    };
    let router = Router::new().route("/late", get(late)).route("/whole", get(|| async { "whole" }));
    let scene = Scene::of(router).await;
    let asked = Instant::now();
    let mut stream = TcpStream::connect(scene.server.address).await.unwrap();
    stream.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut answer).await.unwrap();
    }
    let head = asked.elapsed();
    // So much later that no part of that time is mistaken for the first byte.
    while asked.elapsed() < 3 * head {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    stream.read_to_end(&mut answer).await.unwrap();
    until("the stream's line", || (scene.seen.lines().len() == 1).then_some(())).await;
    let line = &scene.seen.lines()[0];
    let (whole, first) = (line["duration_ms"].as_f64().unwrap(), line["ttfb_ms"].as_f64().unwrap());
    assert!(first <= head.as_secs_f64() * 1e3 && first < whole, "{head:?}: {line:#}");

    scene.get("/whole").await;
    until("the second line", || (scene.seen.lines().len() == 2).then_some(())).await;
    let line = &scene.seen.lines()[1];
    assert_eq!(line["ttfb_ms"], line["duration_ms"], "{line:#}");
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_a_frame_has_no_first_byte_before_its_end() {
    let seen = Instance::new();
    let service = ServiceBuilder::new()
        .layer(seen.layer())
        .service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(streamed(2))));
    drop(service.oneshot(Request::default()).await.unwrap());
    let line = &seen.lines()[0];
    assert_eq!((&line["outcome"], &line["ttfb_ms"]), (&"cancelled".into(), &line["duration_ms"]), "{line:#}");
}

#[tokio::test]
async fn a_body_of_known_length_is_complete_though_nobody_asks_for_its_end() {
    let folder = std::env::temp_dir().join(format!("tower-observability-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("file.txt"), vec![b'x'; 100_000]).unwrap();
    let scene = Scene::of(Router::new().fallback_service(tower_http::services::ServeDir::new(&folder))).await;
    assert_eq!(scene.get("/file.txt").await.body().len(), 100_000);
    scene.is_reported_as(ended("ok", 200).bytes(100_000)).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_answer_to_head_is_complete_with_its_head() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { streamed(20) }))).await;
    let request = Request::head(scene.server.url("/x")).body(Empty::new()).unwrap();
    assert_eq!(scene.call(request, false).await.status(), 200);
    scene.is_reported_as(ended("ok", 200)).await;
}

#[tokio::test]
async fn no_content_and_not_modified_are_complete_with_their_head() {
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let answer = move || async move { Response::builder().status(status).body(streamed(1)).unwrap() };
        let scene = Scene::of(Router::new().route("/x", get(answer))).await;
        assert_eq!(scene.get("/x").await.status(), status);
        scene.is_reported_as(ended("ok", status.as_u16())).await;
    }
}

#[tokio::test]
async fn an_empty_body_is_complete() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { Body::empty() }))).await;
    scene.get("/x").await;
    scene.is_reported_as(ended("ok", 200).bytes(0)).await;
}

#[tokio::test]
async fn trailers_pass_through_and_end_the_hop() {
    let answer = || async {
        let mut trailers = header::HeaderMap::new();
        trailers.insert("checksum", "abc".parse().unwrap());
        let frames = [Frame::data(Bytes::from_static(b"hello")), Frame::trailers(trailers)];
        Response::new(Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)))))
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Empty<Bytes>>();
    let request = Request::get(scene.server.url("/x")).body(Empty::new()).unwrap();
    let collected = client.request(request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["checksum"], "abc");
    scene.is_reported_as(ended("ok", 200).bytes(5)).await;
}

#[tokio::test]
async fn an_upgrade_ends_with_its_head() {
    let answer = |request: Request| async move {
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            hyper_util::rt::TokioIo::new(upgraded).write_all(b"echo").await.unwrap();
        });
        let head = Response::builder()
            .status(101)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "echo");
        head.body(Body::empty()).unwrap()
    };
    let scene = Scene::of(Router::new().route("/x", any(answer))).await;
    let asked = "GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let answer = scene.raw(asked, usize::MAX).await;
    assert!(answer.starts_with("HTTP/1.1 101") && answer.ends_with("echo"), "{answer}");
    scene.is_reported_as(ended("upgraded", 101)).await;
}

#[tokio::test]
async fn a_body_that_fails_after_its_head_is_a_body_error() {
    let answer = || async {
        let frames = [Ok(Bytes::from_static(b"hello")), Err(BoxError::from("the disk is gone"))];
        Body::from_stream(stream::iter(frames))
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    scene.raw("GET /x HTTP/1.1\r\nhost: a\r\n\r\n", usize::MAX).await;
    scene.is_reported_as(ended("body_error", 200).error("body_error").bytes(5)).await;
    assert_eq!(scene.seen.only_request().closing_line()["error"], "the disk is gone");
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_head_is_cancelled_and_counted() {
    let (entered, mut waiting) = tokio::sync::mpsc::channel::<()>(1);
    let answer = move || {
        let entered = entered.clone();
        async move {
            entered.send(()).await.unwrap();
            std::future::pending::<()>().await;
        }
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    let mut stream = TcpStream::connect(scene.server.address).await.unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    waiting.recv().await.unwrap();
    drop(stream);
    scene.is_reported_as(ended("cancelled", 0).without_head().error("cancelled")).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_after_the_head_is_cancelled() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { endless() }))).await;
    let answer = scene.raw("GET /x HTTP/1.1\r\nhost: a\r\n\r\n", 20).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    scene.is_reported_as(ended("cancelled", 200).error("cancelled")).await;
}

#[tokio::test]
async fn a_gateway_timeout_is_a_timeout() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { StatusCode::GATEWAY_TIMEOUT }))).await;
    scene.get("/x").await;
    scene.is_reported_as(ended("timeout", 504).error("504")).await;
}

#[tokio::test]
async fn an_elapsed_error_of_the_inner_service_is_a_timeout_and_passes_through() {
    let seen = Instance::new();
    let slow = tower::service_fn(|_: Request| std::future::pending::<Result<Response<Body>, Infallible>>());
    let service = ServiceBuilder::new().layer(seen.layer()).timeout(Duration::from_millis(5)).service(slow);
    let error = service.oneshot(Request::get("/x").body(Body::empty()).unwrap()).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>());
    let line = &seen.lines()[0];
    assert_eq!((&line["outcome"], line.get("status")), (&"timeout".into(), None), "{line:#}");
    assert!(seen.scrape().contains("error_type=\"timeout\""));
}

#[tokio::test]
async fn an_error_of_the_inner_service_is_a_server_error_with_its_causes() {
    let seen = Instance::new();
    let broken = tower::service_fn(|_: Request| async {
        Err::<Response<Body>, _>(std::io::Error::other("no database"))
    });
    let service = ServiceBuilder::new().layer(seen.layer()).service(broken);
    let error = service.oneshot(Request::get("/x").body(Body::empty()).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "no database");
    let line = &seen.lines()[0];
    assert_eq!(
        (&line["outcome"], &line["error"]),
        (&"server_error".into(), &"no database".into()),
        "{line:#}"
    );
}

#[tokio::test]
async fn an_outer_timeout_that_drops_us_is_cancelled() {
    let seen = Instance::new();
    let slow = tower::service_fn(|_: Request| std::future::pending::<Result<Response<Body>, Infallible>>());
    let service = ServiceBuilder::new().timeout(Duration::from_millis(5)).layer(seen.layer()).service(slow);
    service.oneshot(Request::get("/x").body(Body::empty()).unwrap()).await.unwrap_err();
    assert_eq!(seen.lines()[0]["outcome"], "cancelled");
}

async fn panics() -> &'static str {
    panic!("the handler's own")
}

#[tokio::test]
async fn a_panic_in_the_handler_is_a_panic_and_reaches_the_layer_that_catches_it() {
    let seen = Instance::new();
    let router = Router::new().route("/x", get(panics)).layer(seen.layer()).layer(CatchPanicLayer::new());
    let scene = Scene { server: Server::start(router).await, seen };
    assert_eq!(scene.get("/x").await.status(), 500);
    scene.is_reported_as(ended("panic", 0).without_head().error("panic")).await;
}

#[tokio::test]
async fn a_panic_caught_inside_is_the_500_that_it_became() {
    let scene = Scene::of(Router::new().route("/x", get(panics)).layer(CatchPanicLayer::new())).await;
    assert_eq!(scene.get("/x").await.status(), 500);
    scene.is_reported_as(ended("server_error", 500).error("500")).await;
}

#[tokio::test]
async fn a_panic_in_the_body_is_a_panic() {
    let answer = || async {
        Body::from_stream(stream::iter(0..2).map(|n| match n {
            0 => Ok::<_, Infallible>(Bytes::from_static(b"hello")),
            _ => panic!("the body's own"),
        }))
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    scene.raw("GET /x HTTP/1.1\r\nhost: a\r\n\r\n", usize::MAX).await;
    scene.is_reported_as(ended("panic", 200).error("panic")).await;
}

#[tokio::test]
async fn http_1_0_and_1_1_and_2_end_alike() {
    for (version, expected) in [("1.0", "1.0"), ("1.1", "1.1")] {
        let scene = Scene::of(Router::new().route("/x", get(|| async { streamed(3) }))).await;
        let asked = format!("GET /x HTTP/{version}\r\nhost: a\r\nconnection: close\r\n\r\n");
        scene.raw(&asked, usize::MAX).await;
        scene.is_reported_as(ended("ok", 200).bytes(15)).await;
        assert!(scene.seen.scrape().contains(&format!("network_protocol_version=\"{expected}\"")));
    }
    let scene = Scene::of(Router::new().route("/x", get(|| async { streamed(3) }))).await;
    let request = Request::get(scene.server.url("/x")).body(Empty::new()).unwrap();
    scene.call(request, true).await;
    scene.is_reported_as(ended("ok", 200).bytes(15)).await;
    assert!(scene.seen.scrape().contains("network_protocol_version=\"2\""));
}

#[tokio::test]
async fn the_users_word_on_the_outcome_wins_everywhere() {
    let answer = || async {
        request::outcome(Outcome::ServerError);
        "a page that says sorry"
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    scene.get("/x").await;
    scene.is_reported_as(ended("server_error", 200).error("server_error")).await;
}

#[tokio::test]
async fn a_panic_is_a_panic_whatever_the_user_said_before() {
    let answer = || async {
        request::outcome(Outcome::Ok);
        panics().await
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    scene.raw("GET /x HTTP/1.1\r\nhost: a\r\n\r\n", usize::MAX).await;
    scene.is_reported_as(ended("panic", 0).without_head().error("panic")).await;
}

#[tokio::test]
async fn a_missing_page_is_the_clients_error_and_no_error_of_ours() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { StatusCode::NOT_FOUND }))).await;
    scene.get("/x").await;
    scene.is_reported_as(ended("client_error", 404)).await;
}

#[tokio::test]
async fn after_many_ends_of_every_kind_nothing_is_in_flight_and_each_was_counted() {
    let router = Router::new()
        .route("/ok", get(|| async { streamed(3) }))
        .route("/panic", get(panics))
        .route("/endless", get(|| async { endless() }));
    let scene = Scene::of(router).await;
    for _ in 0..20 {
        scene.get("/ok").await;
        scene.raw("GET /panic HTTP/1.1\r\nhost: a\r\n\r\n", usize::MAX).await;
        scene.raw("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n", 20).await;
    }
    until("60 lines", || (scene.seen.lines().len() == 60).then_some(())).await;
    let page = scene.seen.scrape();
    let counted: f64 = page
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_count{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(counted, 60.0, "{page}");
    assert!(
        page.lines()
            .filter(|line| line.starts_with("http_server_active_requests{"))
            .all(|line| line.ends_with(" 0")),
        "{page}"
    );
    let mut outcomes = std::collections::BTreeMap::<String, usize>::new();
    for line in scene.seen.lines() {
        *outcomes.entry(line["outcome"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(
        outcomes.into_iter().collect::<Vec<_>>(),
        [("cancelled".into(), 20), ("ok".into(), 20), ("panic".into(), 20)]
    );
}

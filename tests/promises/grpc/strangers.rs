//! Anybody may write `content-type: application/grpc`: only an answer of gRPC makes a request a call.

use std::convert::Infallible;

use axum::http::StatusCode;
use axum::routing::{any, get};
use http_body_util::BodyExt as _;
use tower::{ServiceExt as _, service_fn};
use tower_observability::ObservabilityLayer;

use super::*;

/// A service of HTTP; one route panics, one never answers.
fn shop_of_http(layer: ObservabilityLayer) -> axum::Router {
    axum::Router::new()
        .route("/orders/{id}", any(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/about", get(|| async { "about" }))
        .route(
            "/falls/{*rest}",
            any(|| async {
                if true {
                    panic!("the handler's own")
                }
            }),
        )
        .route("/waits/{*rest}", any(std::future::pending::<()>))
        .layer(layer)
}

fn stranger(method: &str, path: &str, version: http::Version) -> http::Request<axum::body::Body> {
    http::Request::builder()
        .method(method)
        .uri(path)
        .version(version)
        .header("content-type", "application/grpc")
        .header("x-tenant", "blue")
        .header("grpc-timeout", "1n")
        .body(axum::body::Body::empty())
        .unwrap()
}

async fn answered(app: axum::Router, request: http::Request<axum::body::Body>) {
    app.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
}

#[tokio::test]
async fn a_request_of_http_keeps_its_route_whatever_content_it_claims() {
    for (method, version) in [
        ("GET", http::Version::HTTP_11),
        ("POST", http::Version::HTTP_11),
        ("GET", http::Version::HTTP_2),
        ("POST", http::Version::HTTP_2),
    ] {
        let seen = Instance::new();
        let layer = seen.layer().capture_request_headers(["x-tenant"]);
        answered(shop_of_http(layer), stranger(method, "/orders/4711", version)).await;
        let request = seen.only_request();
        has(request.span(), &[("http.route", "/orders/{id}"), ("error.type", "500")]);
        assert_eq!(request.span().attribute("http.request.header.x-tenant"), &["blue"]);
        let line = request.closing_line();
        assert_eq!(line["message"], format!("{method} /orders/{{id}} 500"));
        assert!(line.get("rpc_method").is_none(), "{line:#}");
        assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0);
        assert!(counted(&seen, "rpc_server_call_duration_seconds").is_empty());
    }
}

#[tokio::test]
async fn neither_a_panic_nor_a_request_without_an_answer_proves_a_method() {
    let seen = Instance::new();
    for n in 0..20 {
        let app = shop_of_http(seen.layer());
        let request = stranger("POST", &format!("/falls/a.B/{n}"), http::Version::HTTP_2);
        tokio::spawn(app.oneshot(request)).await.unwrap_err();
        let request = stranger("POST", &format!("/waits/a.B/{n}"), http::Version::HTTP_2);
        let waiting = shop_of_http(seen.layer()).oneshot(request);
        tokio::time::timeout(Duration::from_millis(1), waiting).await.unwrap_err();
    }
    assert!(counted(&seen, "rpc_server_call_duration_seconds").is_empty(), "{seen}");
    let said: std::collections::BTreeSet<_> =
        seen.lines().iter().map(|line| line["message"].to_string()).collect();
    let expected = ["\"POST /falls/{*rest} panic\"", "\"POST /waits/{*rest} cancelled\""];
    assert_eq!(said.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_panic_without_a_route_is_a_call_of_no_known_method() {
    let seen = Instance::new();
    for n in 0..20 {
        let falls = service_fn(|_: http::Request<axum::body::Body>| async {
            if true {
                panic!("the service's own")
            }
            Ok::<_, Infallible>(http::Response::new(axum::body::Body::empty()))
        });
        let request = stranger("POST", &format!("/c.D/{n}"), http::Version::HTTP_2);
        tokio::spawn(seen.layer().layer(falls).oneshot(request)).await.unwrap_err();
    }
    let counted = counted(&seen, "rpc_server_call_duration_seconds");
    assert!(counted.iter().all(|series| series.contains("rpc_method=\"_OTHER\"")), "{counted:#?}");
}

/// A service that says this status in its head, and then sends this body with these trailers.
async fn told(in_head: &'static str, body: &'static str, in_trailers: Option<&'static str>) -> Seen {
    let seen = Instance::new();
    let says = service_fn(move |_: http::Request<axum::body::Body>| async move {
        let trailers =
            in_trailers.map(|status| http::HeaderMap::from_iter([(STATUS, status.parse().unwrap())]));
        let data =
            (!body.is_empty()).then(|| http_body::Frame::data(bytes::Bytes::from_static(body.as_bytes())));
        let frames =
            data.into_iter().chain(trailers.map(http_body::Frame::trailers)).map(Ok::<_, Infallible>);
        let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
        let head = http::Response::builder().header("content-type", "application/grpc");
        Ok::<_, Infallible>(head.header("grpc-status", in_head).body(body).unwrap())
    });
    let request = stranger("POST", "/e.F/g", http::Version::HTTP_2);
    seen.layer().layer(says).oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    seen.only_request()
}

const STATUS: http::HeaderName = http::HeaderName::from_static("grpc-status");

#[tokio::test]
async fn a_status_in_a_head_is_the_last_word_only_where_nothing_follows() {
    for (in_head, body, in_trailers, expected) in [
        ("0", "data", Some("13"), "INTERNAL"),
        ("13", "data", Some("0"), "OK"),
        ("0", "data", None, "UNKNOWN"),
        ("13", "", None, "INTERNAL"),
    ] {
        let call = told(in_head, body, in_trailers).await;
        has(call.span(), &[("rpc.response.status_code", expected)]);
    }
}

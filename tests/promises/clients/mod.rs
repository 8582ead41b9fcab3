//! Promise: a call carries the context on and is reported by the conventions; what must not leave stays here.

mod again;
mod attempts;
mod pools;
mod queued;
#[cfg(feature = "reqwest")]
mod reqwest;
mod words;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode, Version};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceExt};
use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, ObservabilityLayer, side};

use crate::support::port::free_address;
use crate::support::server::Server;

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A service that answers with the headers that it was sent, as lines.
async fn echo() -> Server {
    let headers = |headers: HeaderMap| async move {
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
            .collect::<String>()
    };
    Server::start(
        Router::new()
            .route("/headers", get(headers))
            .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
            .route("/broken", get(|| async { StatusCode::SERVICE_UNAVAILABLE })),
    )
    .await
}

/// Calls through the client's side.
async fn call(layer: ObservabilityLayer<side::Client>, url: &str) -> Result<(u16, String), String> {
    let client = layer.layer(Client::builder(TokioExecutor::new()).build_http());
    let request = Request::get(url).body(Empty::<Bytes>::new()).unwrap();
    let response = client.oneshot(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

/// A router whose handler makes the call, behind the server's side; asked with context, baggage and an id.
async fn served(seen: &Instance, layer: ObservabilityLayer<side::Client>, url: String) -> String {
    let handler = move || {
        let (layer, url) = (layer.clone(), url.clone());
        async move { call(layer, &url).await.map_or_else(|error| error, |(_, body)| body) }
    };
    let router = Router::new().route("/x", get(handler)).layer(seen.layer());
    let request = Request::get("/x")
        .header("traceparent", CALLER)
        .header("tracestate", "vendor=1")
        .header("baggage", "tenant=blue")
        .header("x-request-id", "order-7");
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn client_span(seen: &Instance) -> Span {
    let mut spans: Vec<_> = seen.spans().into_iter().filter(|span| span.kind == Kind::Client).collect();
    assert_eq!(spans.len(), 1, "{spans:#?}");
    spans.remove(0)
}

#[tokio::test]
async fn a_call_from_a_handler_is_its_child_and_carries_the_context_on() {
    let (seen, server) = (Instance::new(), echo().await);
    let headers = served(&seen, seen.client_layer(), server.url("/headers")).await;
    let span = client_span(&seen);
    assert!(span.is_child_of(seen.only_request().span()), "{seen}");
    let traceparent = format!("traceparent: {}-{}-01", &CALLER[..35], span.trace.span_id);
    assert!(headers.contains(&traceparent), "{headers}");
    assert!(
        headers.contains("tracestate: vendor=1\n") && headers.contains("x-request-id: order-7\n"),
        "{headers}"
    );
    assert!(!headers.contains("baggage"), "baggage leaves only to listed hosts:\n{headers}");
}

#[tokio::test]
async fn all_calls_of_a_request_and_its_answer_have_the_same_id() {
    let (seen, server) = (Instance::new(), echo().await);
    let (layer, url) = (seen.client_layer(), server.url("/headers"));
    let handler = move || {
        let (layer, url) = (layer.clone(), url.clone());
        async move { call(layer.clone(), &url).await.unwrap().1 + &call(layer, &url).await.unwrap().1 }
    };
    let router = Router::new().route("/x", get(handler)).layer(seen.layer());
    let long = "x".repeat(128);
    for id in [None, Some("order-7"), Some(&long)] {
        let request =
            id.into_iter().fold(Request::get("/x"), |request, id| request.header("x-request-id", id));
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let echoed = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(id.is_none_or(|id| id == echoed), "{echoed}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = std::str::from_utf8(&body).unwrap();
        let sent: Vec<_> = body.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
        assert_eq!(sent, [&*echoed; 2]);
    }
}

#[tokio::test]
async fn a_call_carries_what_the_conventions_ask_of_a_client() {
    let (seen, server) = (Instance::new(), echo().await);
    let url = format!("http://{}/headers?key=secret", server.address);
    call(seen.client_layer(), &url).await.unwrap();
    let span = client_span(&seen);
    assert_eq!((span.name.as_str(), span.parent), ("GET", None));
    for (key, value) in [
        ("http.request.method", "GET".to_owned()),
        ("server.address", "127.0.0.1".to_owned()),
        ("url.full", format!("http://{}/headers?key=REDACTED", server.address)),
        ("observability.outcome", "ok".to_owned()),
    ] {
        assert_eq!(span.attribute(key), value, "{key}");
    }
    assert!(span.attributes.contains_key("server.port") && !span.attributes.contains_key("url.path"));
    let page = seen.scrape();
    let port = server.address.port();
    assert!(page.contains("http_client_request_duration_seconds_count{"), "{page}");
    assert!(
        page.contains("server_address=\"127.0.0.1\"") && page.contains(&format!("server_port=\"{port}\"")),
        "{page}"
    );
    assert!(seen.lines().is_empty(), "a call that went well writes no line");
}

#[tokio::test]
async fn baggage_goes_to_listed_hosts_and_nothing_to_denied_ones() {
    let (seen, server) = (Instance::new(), echo().await);
    let headers = served(&seen, seen.client_layer().baggage_to(["127.0.0.1"]), server.url("/headers")).await;
    assert!(headers.contains("baggage: tenant=blue\n"), "{headers}");
    let denied = seen.client_layer().no_context_to(["127.0.0.1"]).baggage_to(["127.0.0.1"]);
    let headers = served(&seen, denied, server.url("/headers")).await;
    for name in ["traceparent", "tracestate", "baggage", "x-request-id"] {
        assert!(!headers.contains(name), "{name}:\n{headers}");
    }
}

#[tokio::test]
async fn an_answer_of_400_or_more_is_an_error_of_the_call() {
    for (path, status, outcome) in [("/missing", "404", "client_error"), ("/broken", "503", "server_error")] {
        let (seen, server) = (Instance::new(), echo().await);
        call(seen.client_layer(), &server.url(path)).await.unwrap();
        let span = client_span(&seen);
        assert!(span.is_error(), "{span:#?}");
        assert_eq!(span.attribute("error.type"), status);
        assert_eq!(span.attribute("observability.outcome"), outcome);
        assert!(seen.scrape().contains(&format!("error_type=\"{status}\"")));
    }
}

#[tokio::test]
async fn a_refused_connection_says_so_in_span_line_and_metric_and_the_error_passes_through() {
    let seen = Instance::new();
    let address = free_address();
    let error = call(seen.client_layer(), &format!("http://{address}/")).await.unwrap_err();
    assert!(error.contains("Connect"), "{error}");
    let span = client_span(&seen);
    assert_eq!(span.attribute("error.type"), "connection_refused");
    assert!(span.is_error() && seen.scrape().contains("error_type=\"connection_refused\""));
    let line = &seen.lines()[0];
    assert_eq!((&line["level"], &line["outcome"]), (&"WARN".into(), &"server_error".into()), "{line:#}");
}

#[tokio::test]
async fn a_call_that_its_caller_gives_up_is_no_error() {
    let seen = Instance::new();
    let never = tower::service_fn(|_: Request| std::future::pending::<Result<Response<Body>, Infallible>>());
    let call =
        seen.client_layer().layer(never).oneshot(Request::get("http://a/").body(Body::empty()).unwrap());
    tokio::time::timeout(Duration::from_millis(5), call).await.unwrap_err();
    let span = client_span(&seen);
    assert!(!span.is_error() && !span.attributes.contains_key("error.type"), "{span:#?}");
    assert_eq!(span.attribute("observability.outcome"), "cancelled");
}

#[tokio::test]
async fn a_call_ends_at_the_head_and_a_body_that_fails_later_is_counted_apart() {
    let seen = Instance::new();
    let broken = tower::service_fn(|_: Request| async {
        let frames = [Ok(Bytes::from_static(b"hello")), Err(std::io::Error::other("reset"))];
        Ok::<_, Infallible>(Response::new(Body::from_stream(stream::iter(frames))))
    });
    let request = Request::get("http://a/").body(Body::empty()).unwrap();
    let response = seen.client_layer().layer(broken).oneshot(request).await.unwrap();
    assert_eq!(client_span(&seen).attribute("observability.outcome"), "ok", "at the head");
    response.into_body().collect().await.unwrap_err();
    seen.until("the body's line", || (seen.lines().len() == 1).then_some(())).await;
    assert_eq!(seen.lines()[0]["level"], "WARN");
    let page = seen.scrape();
    assert!(page.contains("http_client_response_body_errors_total 1"), "{page}");
    assert_eq!(seen.spans().len(), 1);
}

#[tokio::test]
async fn two_client_layers_make_one_span() {
    let seen = Instance::new();
    let answer = tower::service_fn(|request: Request| async move {
        assert_eq!(request.headers().get_all("traceparent").iter().count(), 1);
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let service = seen.client_layer().layer(seen.client_layer().layer(answer));
    service.oneshot(Request::get("http://a/x").body(Body::empty()).unwrap()).await.unwrap();
    client_span(&seen);
}

#[tokio::test]
async fn credentials_in_a_url_never_leave() {
    let seen = Instance::new();
    let answer =
        tower::service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))) });
    let request = Request::get("http://alice:s3cret@a.example/x").body(Body::empty()).unwrap();
    seen.client_layer().layer(answer).oneshot(request).await.unwrap();
    let span = client_span(&seen);
    assert!(!format!("{span:?}").contains("s3cret"), "{span:#?}");
    assert_eq!(span.attribute("server.address"), "a.example");
}

/// What a call carries that a forwarding proxy made of the request that it serves: every header copied over.
async fn forwarded(seen: &Instance, layer: ObservabilityLayer<side::Client>) -> HeaderMap {
    let proxy = tower::service_fn(move |request: Request| {
        let mirror = tower::service_fn(|request: http::Request<()>| async move {
            let mut response = Response::new(Empty::<Bytes>::new());
            // Not as the answer's headers: there an id is echoed.
            response.extensions_mut().insert(request.headers().clone());
            Ok::<_, Infallible>(response)
        });
        let mut call = http::Request::get("http://partner.example./").body(()).unwrap();
        *call.headers_mut() = request.headers().clone();
        layer.layer(mirror).oneshot(call)
    });
    let request = Request::get("/x")
        .header("traceparent", CALLER)
        .header("tracestate", "vendor=1")
        .header("baggage", "tenant=blue")
        .header("x-request-id", "order-7");
    let response = seen.layer().layer(proxy).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    response.extensions().get::<HeaderMap>().unwrap().clone()
}

#[tokio::test]
async fn what_a_proxy_copied_over_leaves_for_no_host_that_must_not_see_it() {
    let seen = Instance::new();
    let names = ["traceparent", "tracestate", "baggage", "x-request-id"];
    for (layer, carried) in [
        (seen.client_layer().no_context_to(["partner.example"]), [false; 4]),
        (seen.client_layer().no_context_to([".example"]).baggage_to([".example"]), [false; 4]),
        (seen.client_layer(), [true, true, false, true]),
        (seen.client_layer().baggage_to(["partner.example"]), [true; 4]),
    ] {
        let headers = forwarded(&seen, layer).await;
        assert_eq!(names.map(|name| headers.contains_key(name)), carried, "{headers:?}");
        assert!(headers.get("traceparent").is_none_or(|value| value != CALLER), "{headers:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_made_within_a_call_has_a_span_of_its_own() {
    let seen = Instance::new();
    let inner = seen.client_layer();
    let with_token = tower::service_fn(move |_: http::Request<()>| {
        let inner = inner.clone();
        async move {
            let answer = tower::service_fn(|_: http::Request<()>| async {
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            });
            let token = http::Request::get("http://login.example/").body(()).unwrap();
            inner.layer(answer).oneshot(token).await
        }
    });
    let call = http::Request::get("http://shop.example/").body(()).unwrap();
    seen.client_layer().layer(with_token).oneshot(call).await.unwrap();
    let hosts: Vec<_> =
        seen.spans().iter().map(|span| span.attribute("server.address").to_string()).collect();
    assert_eq!(hosts, ["login.example", "shop.example"]);
}

#[tokio::test]
async fn a_tunnel_that_we_open_is_upgraded() {
    let seen = Instance::new();
    let proxy = tower::service_fn(|_: http::Request<()>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let call = http::Request::connect("db.internal:5432").body(()).unwrap();
    seen.client_layer().layer(proxy).oneshot(call).await.unwrap();
    let span = client_span(&seen);
    assert_eq!(span.attribute("observability.outcome"), "upgraded");
    assert_eq!(span.attribute("server.address"), "db.internal");
}

#[tokio::test]
async fn the_version_of_a_call_is_the_one_that_was_agreed_on() {
    for (version, right) in [(Version::HTTP_11, "1.1"), (Version::HTTP_2, "2")] {
        let seen = Instance::new();
        let service = tower::service_fn(move |_: http::Request<()>| async move {
            Ok::<_, Infallible>(http::Response::builder().version(version).body(Body::empty()).unwrap())
        });
        let request = http::Request::get("https://stock.example/").body(()).unwrap();
        seen.client_layer().layer(service).oneshot(request).await.unwrap();
        assert_eq!(client_span(&seen).attribute("network.protocol.version"), right);
    }
}

#[tokio::test]
async fn a_call_to_another_port_within_a_call_is_one_of_its_own() {
    let seen = Instance::new();
    let answer = || {
        tower::service_fn(|_: http::Request<()>| async {
            Ok::<_, Infallible>(http::Response::new(Body::empty()))
        })
    };
    let ask = |port: u16| http::Request::post(format!("http://localhost:{port}/")).body(()).unwrap();
    let layer = seen.client_layer();
    let outer = tower::service_fn(move |_: http::Request<()>| {
        let (same, token) = (layer.layer(answer()), layer.layer(answer()));
        async move {
            same.oneshot(ask(3000)).await?;
            token.oneshot(ask(4000)).await
        }
    });
    seen.client_layer().layer(outer).oneshot(ask(3000)).await.unwrap();
    let ports: Vec<_> = seen.spans().iter().map(|span| span.attribute("server.port").to_string()).collect();
    assert_eq!(ports, ["4000", "3000"]);
}

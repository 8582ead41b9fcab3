//! Promise: behind a proxy, span, line and metric name the client's own request, if the proxy is trusted; and nobody else can
//! make them say anything.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use axum::routing::get;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use tower_observability::ObservabilityLayer;
use tower_observability::propagation::Proxies;
use tower_observability::testing::{Instance, Span};

const OF_A_PROXY: &str = "x-forwarded-for: 6.6.6.6, 203.0.113.9\r\nx-forwarded-proto: https\r\n\
                          x-forwarded-host: shop.example:8443\r\n";

/// The span of one request with these header lines, over a real connection.
async fn served(seen: &Instance, layer: ObservabilityLayer, headers: &str) -> Span {
    let router = Router::new().route("/users/{id}", get(|| async { "hello" })).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head =
        format!("GET /users/7 HTTP/1.1\r\nhost: inner.example:3000\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.read_to_string(&mut String::new()).await.unwrap();
    server.abort();
    seen.until("the request's end", || seen.spans().pop()).await
}

fn said(span: &Span) -> [String; 4] {
    ["url.scheme", "server.address", "server.port", "client.address"]
        .map(|key| span.attributes.get(key).map(ToString::to_string).unwrap_or_default())
}

#[tokio::test]
async fn nothing_is_believed_by_default() {
    let seen = Instance::new();
    let forwarded = "forwarded: for=203.0.113.9;proto=https;host=shop.example\r\n";
    let span = served(&seen, seen.layer(), &[OF_A_PROXY, forwarded].concat()).await;
    assert_eq!(said(&span), ["http", "inner.example", "3000", "127.0.0.1"]);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_on_span_and_metric() {
    let seen = Instance::new();
    let layer = seen.layer().trusted_proxies(Proxies::at(["127.0.0.0/8"]));
    let span = served(&seen, layer, OF_A_PROXY).await;
    assert_eq!(said(&span), ["https", "shop.example", "8443", "203.0.113.9"]);
    assert_eq!(span.attribute("network.peer.address"), "127.0.0.1", "the connection's other end");
    let label = [("url_scheme", "https"), ("http_route", "/users/{id}")];
    assert_eq!(seen.metric("http_server_request_duration_seconds_count", &label), 1.0);
    assert_eq!(seen.metric("http_server_active_requests", &[("url_scheme", "https")]), 0.0);
}

#[tokio::test]
async fn the_header_of_the_rfc_is_read_instead_if_the_proxy_writes_that_one() {
    let seen = Instance::new();
    let layer = seen.layer().trusted_proxies(Proxies::hops(1).forwarded());
    let lines = "forwarded: for=6.6.6.6;host=evil\r\n\
                 Forwarded: For=\"[2001:db8::1]:4711\";Proto=HTTPS;Host=\"shop.example\"\r\n";
    let span = served(&seen, layer, &[OF_A_PROXY, lines].concat()).await;
    assert_eq!(said(&span), ["https", "shop.example", "", "2001:db8::1"]);
}

#[tokio::test]
async fn a_stranger_is_not_believed_and_a_client_that_is_not_known_has_no_address() {
    let seen = Instance::new();
    let layer = seen.layer().trusted_proxies(Proxies::at(["10.0.0.0/8"]));
    assert_eq!(said(&served(&seen, layer, OF_A_PROXY).await)[3], "127.0.0.1");
    for hidden in ["unknown", "_hidden", "6.6.6.6, _hidden", "not an address"] {
        let seen = Instance::new();
        let layer = seen.layer().trusted_proxies(Proxies::hops(1));
        let span = served(&seen, layer, &format!("x-forwarded-for: {hidden}\r\n")).await;
        assert_eq!(said(&span), ["http", "inner.example", "3000", ""], "{hidden}");
        assert_eq!(span.attribute("network.peer.address"), "127.0.0.1", "{hidden}");
    }
}

#[tokio::test]
async fn without_a_peer_address_nobody_is_trusted_by_address() {
    for (proxies, scheme) in [(Proxies::at(["0.0.0.0/0", "::/0"]), "http"), (Proxies::hops(1), "https")] {
        let seen = Instance::new();
        let layer = seen.layer().trusted_proxies(proxies);
        let router = Router::new().route("/", get(|| async { "hello" })).layer(layer);
        let request = Request::get("/").header("x-forwarded-proto", "https");
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(seen.spans().remove(0).attribute("url.scheme"), scheme);
    }
}

fn any_line() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    const NAMES: &[&str] = &["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "host"];
    let byte = prop_oneof![4 => prop::sample::select(&b"\",;\\=: []:x1.for"[..]), 1 => 0x20_u8..0x7f, 1 => 0x80_u8..];
    (prop::sample::select(NAMES), proptest::collection::vec(byte, 0..120))
        .prop_map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(&value).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_headers_of_a_stranger_change_the_answer_or_the_count(
        lines in proptest::collection::vec(any_line(), 0..12), forwarded in any::<bool>(), hops in 1_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let seen = Instance::new();
        let proxies = Proxies::hops(hops);
        let layer = seen.layer().trusted_proxies(if forwarded { proxies.forwarded() } else { proxies });
        let router = Router::new().route("/", get(|| async { "hello" })).layer(layer);
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static("/");
        *request.headers_mut() = lines.into_iter().collect::<HeaderMap>();
        let answer = runtime.block_on(router.oneshot(request)).unwrap();
        prop_assert_eq!(answer.status().as_u16(), 200);
        runtime.block_on(axum::body::to_bytes(answer.into_body(), 100)).unwrap();
        let [scheme, address, _, client] = said(&seen.spans()[0]);
        prop_assert!(["http", "https"].contains(&scheme.as_str()));
        prop_assert!(address.is_ascii() && address.len() <= 261 && !address.contains(' '), "{}", address);
        prop_assert!(client.is_empty() || client.parse::<std::net::IpAddr>().is_ok(), "{}", client);
    }
}

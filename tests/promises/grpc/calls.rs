//! The client's side: a channel under the layer, observed until its status.

use tower::{BoxError, Layer, ServiceBuilder};
use tower_observability::{Observed, side};

use super::*;
use crate::support::port::free_address;
use tonic::transport::Channel;

/// A shop that nobody watches, and a client that is.
async fn scene() -> (Instance, Shop, Client<Observed<Channel, side::Client>>) {
    let (seen, shop) = (Instance::new(), Shop::open(None).await);
    let channel = seen.client_layer().layer(shop.channel().await);
    let client = Client::new(channel, shop.origin());
    (seen, shop, client)
}

async fn span(seen: &Instance) -> Span {
    let only = || match &seen.spans()[..] {
        [span] => Some(span.clone()),
        _ => None,
    };
    seen.until("the call's span", only).await
}

#[tokio::test]
async fn a_call_has_what_the_conventions_ask_of_a_client() {
    let (seen, shop, mut client) = scene().await;
    client.place(order(Code::Ok, "")).await.unwrap();
    let span = span(&seen).await;
    assert_eq!((span.name.as_str(), span.kind, span.is_error()), ("shop.Orders/Place", Kind::Client, false));
    has(&span, &[("rpc.system.name", "grpc"), ("rpc.method", "shop.Orders/Place")]);
    has(&span, &[("rpc.response.status_code", "OK"), ("server.address", "127.0.0.1")]);
    assert_eq!(*span.attribute("server.port"), i64::from(shop.address.port()));
    assert!(
        !span.attributes.contains_key("url.full") && !span.attributes.contains_key("http.request.method")
    );
    let series = format!(
        r#"{{rpc_method="shop.Orders/Place",rpc_response_status_code="OK",rpc_system_name="grpc",server_address="127.0.0.1",server_port="{}"}} 1"#,
        shop.address.port()
    );
    assert_eq!(counted(&seen, "rpc_client_call_duration_seconds"), [series]);
    assert!(counted(&seen, "http_client_request_duration_seconds").is_empty());
    assert!(seen.lines().is_empty(), "a call that went well writes no line");
}

#[tokio::test]
async fn any_status_but_ok_is_an_error_of_the_call() {
    for (code, name, outcome) in [
        (Code::NotFound, "NOT_FOUND", "client_error"),
        (Code::Cancelled, "CANCELLED", "cancelled"),
        (Code::Unimplemented, "UNIMPLEMENTED", "server_error"),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "timeout"),
    ] {
        let (seen, _shop, mut client) = scene().await;
        client.place(order(code, "sold out")).await.unwrap_err();
        let span = span(&seen).await;
        assert!(span.is_error(), "{span:#?}");
        has(
            &span,
            &[("rpc.response.status_code", name), ("error.type", name), ("rpc.method", "shop.Orders/Place")],
        );
        has(&span, &[("observability.outcome", outcome), ("exception.message", "sold out")]);
        let line = &seen.lines()[0];
        assert_eq!((&line["rpc_status"], &line["level"]), (&name.into(), &"WARN".into()), "{line:#}");
        let called = line["message"].as_str().unwrap();
        assert!(
            called.starts_with("POST 127.0.0.1:") && called.ends_with(&format!("/shop.Orders/Place {name}")),
            "{called}"
        );
    }
}

#[tokio::test]
async fn a_url_in_what_a_callee_says_has_no_query() {
    let (seen, _shop, mut client) = scene().await;
    client
        .place(order(Code::Internal, "no answer of https://bank.example/pay?key=s3cret"))
        .await
        .unwrap_err();
    has(&span(&seen).await, &[("exception.message", "no answer of https://bank.example/pay?REDACTED")]);
    assert!(!format!("{:?}{:?}", seen.spans(), seen.lines()).contains("s3cret"));
}

#[tokio::test]
async fn a_stream_is_over_with_its_status_not_with_its_head() {
    let (seen, _shop, mut client) = scene().await;
    let asked = Order { sizes: vec![1, 2], ..order(Code::DataLoss, "burnt") };
    let mut replies = client.list(asked).await.unwrap().into_inner();
    assert!(replies.message().await.unwrap().is_some());
    assert!(seen.spans().is_empty(), "it is not over");
    assert!(replies.message().await.unwrap().is_some());
    replies.message().await.unwrap_err();
    has(&span(&seen).await, &[("rpc.response.status_code", "DATA_LOSS"), ("error.type", "DATA_LOSS")]);
}

#[tokio::test]
async fn a_stream_that_we_leave_is_cancelled_and_no_error() {
    let (seen, _shop, mut client) = scene().await;
    let mut replies =
        client.list(Order { sizes: vec![1; 9], ..Order::default() }).await.unwrap().into_inner();
    replies.message().await.unwrap().unwrap();
    drop(replies);
    let span = span(&seen).await;
    has(&span, &[("rpc.response.status_code", "CANCELLED"), ("observability.outcome", "cancelled")]);
    assert!(!span.is_error() && !span.attributes.contains_key("error.type"), "{span:#?}");
}

#[tokio::test]
async fn our_own_patience_ends_as_a_timeout() {
    let (seen, _shop, mut client) = scene().await;
    let mut request = Request::new(Order::default());
    request.set_timeout(Duration::from_millis(20));
    client.unary("/shop.Orders/Wait", request).await.unwrap_err();
    let span = span(&seen).await;
    has(&span, &[("observability.outcome", "timeout"), ("error.type", "DEADLINE_EXCEEDED")]);
}

#[tokio::test]
async fn who_is_not_there_is_unavailable_and_a_readable_error_says_why() {
    for readable in [false, true] {
        let seen = Instance::new();
        let address = free_address();
        let origin: http::Uri = format!("http://{address}").parse().unwrap();
        let channel = tonic::transport::Endpoint::from(origin.clone()).connect_lazy();
        let code = if readable {
            let channel =
                ServiceBuilder::new().layer(seen.client_layer()).map_err(BoxError::from).service(channel);
            Client::new(channel, origin).place(Order::default()).await.unwrap_err().code()
        } else {
            Client::new(seen.client_layer().layer(channel), origin)
                .place(Order::default())
                .await
                .unwrap_err()
                .code()
        };
        assert_eq!(code, Code::Unavailable);
        let span = span(&seen).await;
        let error = if readable { "connection_refused" } else { "UNAVAILABLE" };
        has(&span, &[("rpc.response.status_code", "UNAVAILABLE"), ("error.type", error)]);
        has(&span, &[("observability.outcome", "server_error"), ("rpc.method", "shop.Orders/Place")]);
    }
}

#[tokio::test]
async fn a_call_from_a_handler_is_its_child_in_the_other_service_too() {
    let (caller, callee) = (Instance::new(), Instance::new());
    let shop = Shop::open(Some(callee.layer())).await;
    let channel = caller.client_layer().layer(shop.channel().await);
    let client = Client::new(channel, shop.origin());
    let handler = move || {
        let mut client = client.clone();
        async move { client.place(order(Code::Ok, "")).await.map(drop).map_err(|status| status.to_string()) }
    };
    let router = axum::Router::new().route("/x", axum::routing::get(handler)).layer(caller.layer());
    let request =
        http::Request::get("/x").header("x-request-id", "order-7").body(axum::body::Body::empty()).unwrap();
    tower::ServiceExt::oneshot(router, request).await.unwrap();
    let served = only(&callee).await;
    let asked = caller.only_request();
    let call = asked.child("shop.Orders/Place");
    assert!(call.is_child_of(asked.span()) && served.span().is_child_of(call), "{caller}{callee}");
    assert_eq!(served.closing_line()["request_id"], "order-7");
}

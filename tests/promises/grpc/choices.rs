//! What a layer may be told to tell holds for calls of gRPC as well, by gRPC's own names.

use std::convert::Infallible;

use tower::{Layer, ServiceExt, service_fn};
use tower_observability::{ObservabilityLayer, attempts, request};

use super::*;

const CHECK: &str = "/grpc.health.v1.Health/Check";

async fn shop_told(change: impl FnOnce(ObservabilityLayer) -> ObservabilityLayer) -> (Instance, Shop) {
    let seen = Instance::new();
    let shop = Shop::open(Some(change(seen.layer()))).await;
    (seen, shop)
}

/// An order that goes well, with a header that the service sends back.
fn echoed() -> Request<Order> {
    let mut request = Request::new(order(Code::Ok, ""));
    request.metadata_mut().insert("x-tenant", "blue".parse().unwrap());
    request
}

/// What the layer makes of a call that is answered with this status, without a server.
async fn answered(layer: ObservabilityLayer, path: &str, status: tonic::Status) {
    let says = service_fn(move |_: http::Request<tonic::body::Body>| {
        let status = status.clone();
        async move { Ok::<_, Infallible>(status.into_http::<tonic::body::Body>()) }
    });
    let request = http::Request::post(path).version(http::Version::HTTP_2);
    let request =
        request.header("content-type", "application/grpc").body(tonic::body::Body::default()).unwrap();
    layer.layer(says).oneshot(request).await.unwrap();
}

#[tokio::test]
async fn captured_headers_have_grpcs_names_on_span_and_line() {
    let (seen, shop) = shop_told(|layer| {
        layer.capture_request_headers(["x-tenant", "te"]).capture_response_headers(["content-type"])
    })
    .await;
    shop.client().await.place(echoed()).await.unwrap();
    let call = only(&seen).await;
    let captured = |span: &Span| {
        let keys =
            span.attributes.keys().filter(|key| key.contains(".metadata.") || key.contains(".header."));
        keys.cloned().collect::<Vec<_>>()
    };
    let names =
        ["rpc.request.metadata.te", "rpc.request.metadata.x-tenant", "rpc.response.metadata.content-type"];
    assert_eq!(captured(call.span()), names);
    assert_eq!(call.closing_line()["rpc.request.metadata.x-tenant"], "blue");
}

#[tokio::test]
async fn a_callers_captured_headers_have_the_same_names() {
    let (seen, shop) = (Instance::new(), Shop::open(None).await);
    let layer = seen.client_layer().capture_request_headers(["x-tenant"]);
    let channel = layer.capture_response_headers(["content-type"]).layer(shop.channel().await);
    Client::new(channel, shop.origin()).place(echoed()).await.unwrap();
    let span = seen.until("the call's span", || seen.spans().pop()).await;
    for name in ["rpc.request.metadata.x-tenant", "rpc.response.metadata.content-type"] {
        assert!(span.attributes.contains_key(name), "{name}: {span:#?}");
    }
}

#[tokio::test]
async fn hooks_see_the_heads_of_a_call_and_may_name_its_span() {
    let (seen, shop) = shop_told(|layer| {
        let layer = layer.on_request(|parts| {
            request::add("asked", parts.uri.path().len() as u64);
        });
        let layer = layer.on_response(|parts| {
            request::add("answered", u64::from(parts.status.as_u16()));
        });
        layer.span_name(|method, to| format!("{method} to {}", to.unwrap_or("nowhere")))
    })
    .await;
    shop.client().await.place(order(Code::NotFound, "sold out")).await.unwrap_err();
    let call = only(&seen).await;
    assert_eq!(call.span().name, "POST to shop.Orders/Place");
    let line = call.closing_line();
    assert_eq!((&line["asked"], &line["answered"]), (&18.into(), &200.into()));
    assert_eq!((&line["rpc_status"], &line["error"]), (&"NOT_FOUND".into(), &"sold out".into()));
}

#[tokio::test]
async fn a_probe_over_grpc_is_unseen_while_it_is_answered_well() {
    let seen = Instance::new();
    answered(seen.layer(), CHECK, tonic::Status::ok("")).await;
    assert!(seen.spans().is_empty() && seen.lines().is_empty());
    answered(seen.layer(), CHECK, tonic::Status::unavailable("no database")).await;
    assert_eq!(seen.only_request().closing_line()["rpc_status"], "UNAVAILABLE");
}

#[tokio::test]
async fn each_attempt_of_a_call_but_the_first_says_which_it_is() {
    let (seen, shop) = (Instance::new(), Shop::open(None).await);
    let mut client = Client::new(seen.client_layer().layer(shop.channel().await), shop.origin());
    attempts(async {
        client.place(order(Code::Unavailable, "")).await.unwrap_err();
        client.place(order(Code::Ok, "")).await.unwrap();
    })
    .await;
    let count = |span: &Span| span.attributes.get("http.request.resend_count").map(ToString::to_string);
    let spans = seen.until("both", || Some(seen.spans()).filter(|spans| spans.len() == 2)).await;
    assert_eq!(spans.iter().filter_map(count).collect::<Vec<_>>(), ["1"]);
}

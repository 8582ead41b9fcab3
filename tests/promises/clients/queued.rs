//! A call that another task makes, as that of `tower::buffer`, has the context of its request if the layer is outside of that,
//! or the request is a span.

use tower::ServiceBuilder;

use super::*;

/// Where the client's layer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Below,
}

/// The `traceparent` that a call through a buffer carries, made in a request of the caller's trace.
async fn sent(place: Place, as_span: bool) -> String {
    let (seen, server) = (Instance::new(), echo().await);
    let _subscriber = seen.subscribe();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    // Both are there, so that the types are the same; one observes.
    let layer = |of: Place| seen.client_layer().filter(move |_| place == of);
    let client = ServiceBuilder::new()
        .layer(layer(Place::Outside))
        .buffer(4)
        .layer(layer(Place::Below))
        .service(client);
    let url = server.url("/headers");
    let handler = move || async move {
        let request = Request::get(url).body(Empty::<Bytes>::new()).unwrap();
        let body = client.oneshot(request).await.map_err(|error| error.to_string()).unwrap().into_body();
        let body = BodyExt::collect(body).await.map_err(|_| "a body").unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let server_layer = if as_span { seen.layer().request_span() } else { seen.layer() };
    let router = Router::new().route("/x", get(handler)).layer(server_layer);
    let request = Request::get("/x").header("traceparent", CALLER).body(Body::empty()).unwrap();
    let body = router.oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let headers = std::str::from_utf8(&body).unwrap();
    let line = headers.lines().find_map(|line| line.strip_prefix("traceparent: "));
    line.unwrap_or_else(|| panic!("no traceparent:\n{headers}")).to_owned()
}

#[tokio::test]
async fn a_call_through_a_buffer_is_the_requests_own_where_the_layer_is_outside_or_the_request_a_span() {
    for (place, as_span, is_of_the_request) in [
        (Place::Outside, false, true),
        (Place::Outside, true, true),
        (Place::Below, true, true),
        (Place::Below, false, false),
    ] {
        let sent = sent(place, as_span).await;
        let is_outside = place == Place::Outside;
        assert_eq!(
            sent.starts_with(&CALLER[..35]),
            is_of_the_request,
            "outside {is_outside}, a span {as_span}: {sent}"
        );
    }
}

//! The cases of gRPC's interoperability tests, with and without the layer: what the caller sees is the same.

use super::*;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, StdError};
use tonic::{Response, Status};
use tower::Layer;

const BIG: u32 = 314_159;

/// What a caller sees of an answer: its status, its size, its metadata but those that we add.
fn shown(answer: Result<Response<shop::Reply>, Status>) -> String {
    let own = |metadata: &tonic::metadata::MetadataMap| {
        let headers = metadata.clone().into_headers();
        let own = headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
        own.map(|(name, value)| format!(" {name}={value:?}")).collect::<String>()
    };
    match answer {
        Ok(reply) => format!("{} bytes{}", reply.get_ref().payload.len(), own(reply.metadata())),
        Err(status) => format!("{:?} {:?}{}", status.code(), status.message(), own(status.metadata())),
    }
}

async fn drained(replies: Result<Response<tonic::Streaming<shop::Reply>>, Status>) -> String {
    let mut seen = String::new();
    let mut replies = match replies {
        Ok(replies) => replies.into_inner(),
        Err(status) => return shown(Err(status)),
    };
    loop {
        match replies.message().await {
            Ok(Some(reply)) => seen += &format!("{} ", reply.payload.len()),
            Ok(None) => return seen + &format!("{:?}", replies.trailers().await.unwrap()),
            Err(status) => return seen + &shown(Err(status)),
        }
    }
}

/// Runs every case and says what it saw.
async fn all<T>(shop: &Shop, mut client: Client<T>) -> Vec<(&'static str, String)>
where
    T: GrpcService<tonic::body::Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: HttpBody<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    let sized =
        |sizes: &[u32], payload| Order { sizes: sizes.into(), payload: vec![0; payload], ..Order::default() };
    let mut seen = Vec::new();
    seen.push(("empty_unary", shown(client.place(Order::default()).await)));
    seen.push(("large_unary", shown(client.place(sized(&[BIG], 271_828)).await)));
    let orders = [27_182, 8, 1_828, 45_904].map(|length| sized(&[], length)).to_vec();
    seen.push(("client_streaming", shown(client.total(orders).await)));
    seen.push(("server_streaming", drained(client.list(sized(&[31_415, 9, 2_653, 58_979], 0)).await).await));
    let turns = [(31_415, 27_182), (9, 8), (2_653, 1_828), (58_979, 45_904)];
    let turns = turns.map(|(size, payload)| sized(&[size], payload));
    seen.push(("ping_pong", drained(client.talk(stream::iter(turns)).await).await));
    seen.push(("empty_stream", drained(client.talk(stream::empty()).await).await));
    let mut request = Request::new(sized(&[BIG], 1));
    request.metadata_mut().insert("x-grpc-test-echo-initial", "test_initial_metadata_value".parse().unwrap());
    seen.push(("custom_metadata", shown(client.place(request).await)));
    let said = order(Code::Unknown, "test status message");
    seen.push(("status_code_and_message", shown(client.place(said.clone()).await)));
    seen.push(("status_code_and_message, streamed", drained(client.talk(stream::iter([said])).await).await));
    let special = order(Code::Unknown, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n");
    seen.push(("special_status_message", shown(client.place(special).await)));
    seen.push(("unimplemented_method", shown(client.unary("/shop.Orders/None", Order::default()).await)));
    seen.push(("unimplemented_service", shown(client.unary("/shop.None/None", Order::default()).await)));
    let begun = client.unary("/shop.Orders/Wait", Order::default());
    let cancelled = tokio::select! { answer = begun => shown(answer), () = shop.orders.waits.notified() => "cancelled".into() };
    seen.push(("cancel_after_begin", cancelled));
    let endless = Order { sizes: vec![31_415], ..order(Code::Ok, shop::AND_WAIT) };
    let mut replies = client.list(endless).await.unwrap().into_inner();
    seen.push((
        "cancel_after_first_response",
        replies.message().await.unwrap().unwrap().payload.len().to_string(),
    ));
    drop(replies);
    let mut request = Request::new(Order::default());
    request.set_timeout(Duration::from_millis(20));
    seen.push(("timeout_on_sleeping_server", shown(client.unary("/shop.Orders/Wait", request).await)));
    seen
}

#[tokio::test]
async fn tonic_behaves_the_same_with_and_without_the_layer() {
    let bare = Shop::open(None).await;
    let expected = all(&bare, bare.client().await).await;
    assert_eq!(expected.len(), 15);
    let seen = Instance::new();
    let watched = Shop::open(Some(seen.layer())).await;
    let channel = seen.client_layer().layer(watched.channel().await);
    let observed = all(&watched, Client::new(channel, watched.origin())).await;
    assert_eq!(observed, expected);
    // Each case is one hop on either side, and none is left running.
    let hops = |kind| seen.spans().iter().filter(|span| span.kind == kind).count();
    seen.until("all spans", || (hops(Kind::Server) == 15 && hops(Kind::Client) == 15).then_some(())).await;
    assert!(
        seen.scrape()
            .lines()
            .filter(|line| line.starts_with("http_server_active_requests{"))
            .all(|l| l.ends_with(" 0"))
    );
}

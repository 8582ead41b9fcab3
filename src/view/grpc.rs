//! OTLP over gRPC: three methods, each one message in and one out.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use http_body_util::{BodyExt, Full};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use prost::Message;

use super::receive::{Answer, Encoding, Refused, Signal, decompress, keep};
use super::server::protect;
use super::shared::Shared;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The codes of gRPC that are answered, beside those of what was refused.
const OK: u16 = 0;
const UNIMPLEMENTED: u16 = 12;

/// The routes of the three services, at a port of their own.
pub(super) fn router(shared: Shared) -> Router {
    let unknown = async || failed(UNIMPLEMENTED, "only the Export methods of OTLP are here");
    services().fallback(unknown).with_state(shared).layer(from_fn(protect))
}

/// The same beside the page: a client that was told another protocol than the usual one sends to the usual port as well.
pub(super) fn beside(shared: Shared) -> Router {
    services().with_state(shared).layer(from_fn(protect))
}

fn services() -> Router<Shared> {
    let path = |signal: &str, service: &str| {
        format!("/opentelemetry.proto.collector.{signal}.v1.{service}Service/Export")
    };
    Router::new()
        .route(&path("trace", "Trace"), taker(Signal::Traces))
        .route(&path("logs", "Logs"), taker(Signal::Logs))
        .route(&path("metrics", "Metrics"), taker(Signal::Metrics))
}

fn taker(signal: Signal) -> MethodRouter<Shared> {
    post(move |State(shared): State<Shared>, request: Request| export(shared, signal, request))
}

async fn export(shared: Shared, signal: Signal, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if !text("content-type").is_some_and(|text| text.starts_with("application/grpc")) {
        return axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    if !matches!(text("grpc-encoding"), None | Some("identity" | "gzip")) {
        let mut response = failed(UNIMPLEMENTED, "the encoding is neither gzip nor identity");
        let accepted = HeaderValue::from_static("identity,gzip");
        response.headers_mut().insert("grpc-accept-encoding", accepted);
        return response;
    }
    let kept = shared.take(body, move |store, body| match message(&body)? {
        (true, message) => keep(store, signal, Encoding::Protobuf, &decompress(&message)?),
        (false, message) => keep(store, signal, Encoding::Protobuf, &message),
    });
    match kept.await {
        Ok(answer) => succeeded(&answer),
        Err(why) => failed(why.code().into(), why.why()),
    }
}

/// Is it compressed, and the one message of a body.
fn message(body: &Bytes) -> Result<(bool, Bytes), Refused> {
    let wrong = || Refused::Malformed("the body is not one message of gRPC".to_owned());
    let (prefix, message) = body.split_first_chunk::<5>().ok_or_else(wrong)?;
    let [compressed @ 0..=1, length @ ..] = *prefix else { return Err(wrong()) };
    if u32::from_be_bytes(length) as usize != message.len() {
        return Err(wrong());
    }
    Ok((compressed == 1, body.slice_ref(message)))
}

fn succeeded(answer: &Answer) -> Response {
    let message = answer.encode_to_vec();
    // An answer is some text at most.
    let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    let frame: Vec<u8> = [0].into_iter().chain(length).chain(message).collect();
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from(OK))]);
    let body = Full::new(Bytes::from(frame)).with_trailers(std::future::ready(Some(Ok(trailers))));
    ([(header::CONTENT_TYPE, "application/grpc")], Body::new(body)).into_response()
}

fn failed(code: u16, why: &str) -> Response {
    let why = utf8_percent_encode(why, CONTROLS).to_string();
    let why = HeaderValue::from_str(&why).unwrap_or_else(|_| HeaderValue::from_static(""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
        (STATUS, HeaderValue::from(code)),
        (MESSAGE, why),
    ];
    (headers, ()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_whole_message() {
        assert_eq!(message(&Bytes::from_static(b"\x01\0\0\0\x02ab")), Ok((true, Bytes::from_static(b"ab"))));
        for wrong in [&b""[..], b"\0\0\0\0", b"\x02\0\0\0\0", b"\0\0\0\0\x01", b"\0\0\0\0\0a"] {
            assert!(message(&Bytes::from_static(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[cfg(feature = "otlp-grpc")]
    #[tokio::test]
    async fn the_page_s_port_speaks_grpc_as_well() {
        use hyper_util::rt::{TokioExecutor, TokioIo};
        let viewer = crate::View::new().address(([127, 0, 0, 1], 0)).start().await.unwrap();
        let stream = tokio::net::TcpStream::connect(viewer.address()).await.unwrap();
        let (mut client, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        let request = axum::http::Request::post(format!("{}{path}", viewer.url()))
            .header("content-type", "application/grpc")
            .body(Full::new(Bytes::from_static(b"\0\0\0\0\0")))
            .unwrap();
        let answer = client.send_request(request).await.unwrap();
        let trailers = answer.into_body().collect().await.unwrap().trailers().cloned().unwrap();
        assert_eq!(trailers.get(STATUS).unwrap(), "0");
    }
}

//! How the collector answers: connections, and each [`Answer`] as bytes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::{Answer, Received, Shared};

pub(super) async fn serve(listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        if matches!(shared.state().always, Answer::Reset) {
            stream.set_zero_linger().unwrap();
        }
        let shared = Arc::clone(&shared);
        let Some(tls) = tls.clone() else {
            tokio::spawn(converse(stream, shared));
            continue;
        };
        tokio::spawn(async move {
            match tls.accept(stream).into_fallible().await {
                Ok(stream) => converse(stream, shared).await,
                // Closed with something unread in it, the client would be reset and never see the alert.
                Err((_, mut stream)) => {
                    let mut sink = [0; 4096];
                    while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {}
                }
            }
        });
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, shared: Arc<Shared>) {
    let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&shared)));
    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // A connection that a script cut off is no error.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answered = Response<BoxBody<Bytes, Failure>>;

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Answered, Failure> {
    let (head, body) = request.into_parts();
    let is = |kind| head.headers.get(http::header::CONTENT_TYPE).is_some_and(|content| content == kind);
    let is_json = is("application/json") || is("application/x-sentry-envelope");
    let is_grpc = is("application/grpc");
    let raw = body.collect().await?.to_bytes();
    let raw = if is_grpc { raw.slice(5..) } else { raw };
    let raw = unpacked(&head.headers, raw)?;
    let path = head.uri.path().to_owned();
    let (mut body, mut logs, mut metrics) = Default::default();
    let is_of = |name: &str, service: &str| path.ends_with(name) || path.contains(service);
    match () {
        () if is_json => {}
        () if is_of("/v1/logs", "LogsService") => logs = ExportLogsServiceRequest::decode(raw.clone())?,
        () if is_of("/v1/metrics", "MetricsService") => {
            metrics = ExportMetricsServiceRequest::decode(raw.clone())?;
        }
        () => body = ExportTraceServiceRequest::decode(raw.clone())?,
    }
    let (version, headers) = (head.version, head.headers);
    let answer = shared.take(Received { path, version, headers, raw, body, logs, metrics });
    match answer {
        Answer::Ok => Ok(answered(is_grpc, ExportTraceServiceResponse { partial_success: None })),
        Answer::Partial(rejected_spans, error_message) => {
            let partial = ExportTracePartialSuccess { rejected_spans, error_message };
            Ok(answered(is_grpc, ExportTraceServiceResponse { partial_success: Some(partial) }))
        }
        Answer::Status(status) => Ok(Response::builder().status(status).body(empty())?),
        Answer::RetryAfter(status, after) => {
            Ok(Response::builder().status(status).header("retry-after", after).body(empty())?)
        }
        Answer::Grpc(code, message) => Ok(refused(code, message).body(empty())?),
        Answer::GrpcRetry(code, after) => {
            Ok(refused(code, "later").header("grpc-status-details-bin", retry_info(after)).body(empty())?)
        }
        Answer::Hang => {
            std::future::pending::<Infallible>().await;
            Err("never".into())
        }
        Answer::Disconnect | Answer::Reset => Err("the script says so".into()),
        Answer::Slow(time) => {
            tokio::time::sleep(time).await;
            Ok(answered(is_grpc, ExportTraceServiceResponse { partial_success: None }))
        }
        Answer::Foreign(kind, body) => {
            let response = Response::builder().header(http::header::CONTENT_TYPE, kind);
            Ok(response.body(whole(Bytes::from_static(body)))?)
        }
        Answer::BreaksOff => Ok(broken_off(is_grpc)),
    }
}

fn empty() -> BoxBody<Bytes, Failure> {
    whole(Bytes::new())
}

fn whole(body: Bytes) -> BoxBody<Bytes, Failure> {
    Full::new(body).map_err(|never| match never {}).boxed()
}

fn broken_off(is_grpc: bool) -> Answered {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"\0\0\0")))]);
    let end = stream::once(async {
        // What was written is flushed meanwhile.
        tokio::task::yield_now().await;
        Err("the script says so".into())
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(first.chain(end))));
    let kind = if is_grpc { "application/grpc" } else { "application/x-protobuf" };
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("6"));
    response
}

fn unpacked(headers: &HeaderMap, raw: Bytes) -> std::io::Result<Bytes> {
    let is_packed = ["content-encoding", "grpc-encoding"].iter().any(|name| headers.contains_key(*name));
    if !is_packed {
        return Ok(raw);
    }
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*raw), &mut unpacked)?;
    Ok(unpacked.into())
}

// The answer to log records has the same bytes: only the names of its fields differ.
fn answered(is_grpc: bool, body: ExportTraceServiceResponse) -> Answered {
    let body = body.encode_to_vec();
    if !is_grpc {
        let mut response = Response::new(whole(Bytes::from(body)));
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-protobuf"));
        return response;
    }
    let framed = [&[0][..], &(body.len() as u32).to_be_bytes(), &body].concat();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let body = whole(Bytes::from(framed)).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed());
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/grpc"));
    response
}

/// A head that says it all, as servers send it that have no message.
fn refused(code: u8, message: &str) -> http::response::Builder {
    let head = Response::builder().header(http::header::CONTENT_TYPE, "application/grpc");
    head.header("grpc-status", code.to_string()).header("grpc-message", message)
}

/// `google.rpc.Status` with a `RetryInfo` among its details, by hand: so short that each length is one byte.
fn retry_info(after: Duration) -> String {
    let delay = [&[0x08, after.as_secs() as u8][..]].concat();
    let info = [&[0x0a, delay.len() as u8][..], &delay].concat();
    let kind = b"type.googleapis.com/google.rpc.RetryInfo";
    let any = [&[0x0a, kind.len() as u8][..], kind, &[0x12, info.len() as u8], &info].concat();
    base64::engine::general_purpose::STANDARD_NO_PAD.encode([&[0x1a, any.len() as u8][..], &any].concat())
}

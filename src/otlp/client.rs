//! The client of a collector: a request of OTLP over HTTP or gRPC, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

#[cfg(not(feature = "gzip"))]
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(feature = "otlp-grpc")]
use super::grpc;
#[cfg(feature = "gzip")]
use super::gzip::compressed;
use super::{OtlpConfig, answer};
use crate::export::{Answer, Attempt, Delivery, Encoded, HttpClient, Payload, Sent};

/// As the OTLP specification asks for; the name of this crate is before it.
const AGENT: &str = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));

/// How gRPC says that a message is compressed.
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The client of one signal's collector.
#[derive(Debug)]
pub(crate) struct OtlpClient {
    http: Arc<HttpClient>,
    headers: HeaderMap,
    is_grpc: bool,
    is_compressed: bool,
}

/// Options refuse gRPC before a client is made for it.
#[cfg(not(feature = "otlp-grpc"))]
mod grpc {
    use bytes::Bytes;

    use crate::export::{Answer, Delivery};

    pub(super) fn frame(message: Bytes, _: bool) -> Bytes {
        message
    }

    pub(super) fn read(_: Answer) -> Result<Bytes, Delivery> {
        Err(Delivery::Refused { reason: "gRPC is not built in".to_owned() })
    }
}

#[cfg(not(feature = "gzip"))]
fn compressed(bytes: Bytes) -> Bytes {
    bytes
}

impl OtlpClient {
    /// The client of this URL.
    ///
    /// # Errors
    ///
    /// The URL, a header or a file of TLS cannot be used; the text says why, without a secret.
    pub(crate) fn new(config: &OtlpConfig, url: &str) -> Result<Self, String> {
        let (is_grpc, is_compressed) = (config.is_grpc(), config.is_compressed());
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let kind = if is_grpc { "application/grpc" } else { "application/x-protobuf" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if is_grpc {
            // Without it, a proxy may take the trailers off.
            headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
        }
        if is_compressed {
            let name = if is_grpc { GRPC_ENCODING } else { CONTENT_ENCODING };
            headers.insert(name, HeaderValue::from_static("gzip"));
        }
        let http = Arc::new(HttpClient::new(&config.endpoint(url))?);
        Ok(Self { http, headers, is_grpc, is_compressed })
    }

    /// The requests as they are sent.
    pub(crate) fn wrapped(&self, encoded: Encoded) -> Encoded {
        let payloads = encoded.payloads.into_iter().map(|payload| self.wrap(payload)).collect();
        Encoded { payloads, ..encoded }
    }

    fn wrap(&self, payload: Payload) -> Payload {
        let body = if self.is_compressed { compressed(payload.body) } else { payload.body };
        let body = if self.is_grpc { grpc::frame(body, self.is_compressed) } else { body };
        Payload { body, ..payload }
    }

    /// Sends a request that was wrapped.
    pub(crate) fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        let (http, headers, is_grpc) = (Arc::clone(&self.http), self.headers.clone(), self.is_grpc);
        Box::pin(async move {
            let answer = http.post(headers, payload.body, timeout, sent).await;
            answer.map_or_else(std::convert::identity, |answer| meaning(answer, is_grpc))
        })
    }
}

/// What an answer says became of the request.
pub(crate) fn meaning(answer: Answer, is_grpc: bool) -> Delivery {
    let read = if is_grpc {
        grpc::read(answer).map(|body| answer::of_grpc(&body))
    } else {
        answer::of_http(&answer)
    };
    read.unwrap_or_else(std::convert::identity)
}

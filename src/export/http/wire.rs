//! Owns the HTTP client of every export: it posts an encoded batch once, and says what became of it.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::answer;
use crate::export::Delivery;

/// What a client may send (OTLP specification).
const LARGEST_REQUEST: usize = 64 * 1024 * 1024;
/// What a client need read (OTLP specification).
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// A host that does not answer at all shall not eat a whole attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Stands before the encoder's own name, as the specification says of a distribution.
const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The client of one URL.
pub(crate) struct Wire {
    client: Client<HttpConnector, Outgoing>,
    uri: Uri,
    headers: HeaderMap,
    left: Arc<AtomicBool>,
}

/// The encoded batch; it notes when its bytes are asked for, which is when a connection stands.
struct Outgoing {
    bytes: Option<Bytes>,
    left: Arc<AtomicBool>,
}

impl Wire {
    /// A client of this URL, with these headers on every request.
    ///
    /// # Errors
    ///
    /// The URL or a header is none; the text shows no value of a header.
    pub(crate) fn new(url: &str, headers: &[(String, String)]) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "the endpoint is not a URL".to_owned())?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1)
            .build(connector);
        let headers = header_map(headers)?;
        Ok(Self { client, uri, headers, left: Arc::default() })
    }

    /// Posts a body of this type within `timeout`: the answer's body if the batch was taken, else what became
    /// of it.
    pub(crate) async fn post(
        &self,
        content_type: &'static str,
        body: impl Into<Bytes>,
        timeout: Duration,
    ) -> Result<Bytes, Delivery> {
        let mut request = Request::new(body.into());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.forward(request, timeout).await
    }

    /// Posts what somebody else encoded. Of his request only the body, what it is, and his name are sent.
    pub(crate) async fn forward(
        &self,
        encoded: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Bytes, Delivery> {
        self.left.store(false, Ordering::Relaxed);
        let bytes = encoded.body().len();
        if bytes > LARGEST_REQUEST {
            return Err(Delivery::TooLarge { bytes });
        }
        match tokio::time::timeout(timeout, self.exchange(encoded)).await {
            Ok(answer) => answer,
            Err(_) if self.has_left() => {
                Err(Delivery::Unanswered { again: false, reason: format!("no answer within {timeout:?}") })
            }
            Err(_) => {
                Err(Delivery::Retry { after: None, reason: format!("no connection within {timeout:?}") })
            }
        }
    }

    /// Have bytes of the last request left?
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    async fn exchange(&self, encoded: Request<Bytes>) -> Result<Bytes, Delivery> {
        match self.client.request(self.request(encoded)).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                answer::read(head.status, &head.headers, whole(body).await)
            }
            Err(error) if self.has_left() => Err(Delivery::Unanswered {
                again: true,
                reason: format!("the collector hung up ({})", chain(&error)),
            }),
            Err(error) => Err(Delivery::Retry { after: None, reason: chain(&error) }),
        }
    }

    /// Our own request around the encoder's bytes: nothing else that a library found in the environment is sent.
    fn request(&self, encoded: Request<Bytes>) -> Request<Outgoing> {
        let (head, bytes) = encoded.into_parts();
        let mut request = Request::new(Outgoing { bytes: Some(bytes), left: Arc::clone(&self.left) });
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, agent(head.headers.get(USER_AGENT)));
        headers.extend(self.headers.clone());
        for name in [CONTENT_TYPE, CONTENT_ENCODING] {
            if let Some(value) = head.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        request
    }
}

fn agent(encoder: Option<&HeaderValue>) -> HeaderValue {
    let encoder = encoder.and_then(|name| name.to_str().ok()).unwrap_or_default();
    HeaderValue::try_from(format!("{AGENT} {encoder}").trim_end()).unwrap_or(HeaderValue::from_static(AGENT))
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let known = HeaderName::try_from(name).map_err(|_| format!("{name:?} is not a header's name"))?;
        let mut value =
            HeaderValue::try_from(value).map_err(|_| format!("the header {name} has no valid value"))?;
        value.set_sensitive(true);
        map.append(known, value);
    }
    Ok(map)
}

/// The body, unless it breaks off. One that is too long counts as empty: the status says enough.
async fn whole(body: Incoming) -> Option<Bytes> {
    match Limited::new(body, LARGEST_ANSWER).collect().await {
        Ok(body) => Some(body.to_bytes()),
        Err(error) => error.is::<http_body_util::LengthLimitError>().then(Bytes::new),
    }
}

/// The error with its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.extend([": ", &cause.to_string()]);
        source = cause.source();
    }
    text
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.left.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

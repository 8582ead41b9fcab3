//! Owns the HTTP client under opentelemetry-otlp: it sends the encoded batch and keeps the whole answer.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_http::{HttpClient, HttpError};

use super::answer;
use crate::spans::Delivery;

/// What a client may send (OTLP specification).
const LARGEST_REQUEST: usize = 64 * 1024 * 1024;
/// What a client need read (OTLP specification).
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// A host that does not answer at all shall not eat a whole attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Stands before the library's own name, as the specification says of a distribution.
const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The client.
pub(super) struct Wire {
    client: Client<HttpConnector, Outgoing>,
    uri: Uri,
    headers: HeaderMap,
    state: Mutex<State>,
    left: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    timeout: Duration,
    delivery: Option<Delivery>,
}

/// The encoded batch; it notes when its bytes are asked for, which is when a connection stands.
struct Outgoing {
    bytes: Option<Bytes>,
    left: Arc<AtomicBool>,
}

impl Wire {
    pub(super) fn new(url: &str, headers: &[(String, String)]) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "the endpoint is not a URL".to_owned())?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1)
            .build(connector);
        let headers = header_map(headers)?;
        Ok(Self { client, uri, headers, state: Mutex::default(), left: Arc::default() })
    }

    /// The next request is an attempt of this length.
    pub(super) fn begin(&self, timeout: Duration) {
        self.left.store(false, Ordering::Relaxed);
        *self.state() = State { timeout, delivery: None };
    }

    /// What became of the attempt; `None` if no request was made.
    pub(super) fn delivery(&self) -> Option<Delivery> {
        self.state().delivery.take()
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, encoded: Request<Bytes>, timeout: Duration) -> Delivery {
        let bytes = encoded.body().len();
        if bytes > LARGEST_REQUEST {
            return Delivery::TooLarge { bytes };
        }
        match tokio::time::timeout(timeout, self.exchange(encoded)).await {
            Ok(delivery) => delivery,
            Err(_) if self.has_left() => {
                Delivery::Unanswered { again: false, reason: format!("no answer within {timeout:?}") }
            }
            Err(_) => Delivery::Retry { after: None, reason: format!("no connection within {timeout:?}") },
        }
    }

    async fn exchange(&self, encoded: Request<Bytes>) -> Delivery {
        match self.client.request(self.request(encoded)).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                answer::delivery(head.status, &head.headers, whole(body).await)
            }
            Err(error) if self.has_left() => Delivery::Unanswered {
                again: true,
                reason: format!("the collector hung up ({})", chain(&error)),
            },
            Err(error) => Delivery::Retry { after: None, reason: chain(&error) },
        }
    }

    /// Our own request around the library's bytes: nothing else that it found in the environment is sent.
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

fn agent(library: Option<&HeaderValue>) -> HeaderValue {
    let library = library.and_then(|name| name.to_str().ok()).unwrap_or_default();
    HeaderValue::try_from(format!("{AGENT} {library}").trim_end()).unwrap_or(HeaderValue::from_static(AGENT))
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

#[async_trait::async_trait]
impl HttpClient for Wire {
    async fn send_bytes(&self, encoded: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let timeout = self.state().timeout;
        let delivery = self.send(encoded, timeout).await;
        self.state().delivery = Some(delivery);
        Ok(Response::new(Bytes::new()))
    }
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

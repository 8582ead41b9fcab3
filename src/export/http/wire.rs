//! The HTTP client of every export: it posts an encoded batch once, and says what became of it.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::outgoing::Outgoing;
use super::{LARGEST_ANSWER, answer, grpc, gzip, tls};
use crate::error::WithCauses;
use crate::export::{Delivery, Link};

/// What a client may send (OTLP specification).
const LARGEST_REQUEST: usize = 64 * 1024 * 1024;
/// A host that does not answer at all shall not eat a whole attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Stands before the encoder's own name, as the specification says of a distribution.
const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// How gRPC says that a message is compressed.
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// The client of one URL.
pub(crate) struct Wire {
    connector: tls::Connector,
    client: Mutex<Client<tls::Connector, Outgoing>>,
    link: Link,
    uri: Uri,
    headers: HeaderMap,
    left: Arc<AtomicBool>,
}

impl Wire {
    /// A client of this way out.
    ///
    /// # Errors
    ///
    /// The URL, a header or a file is none; the text shows no value of a header, and nothing of a file.
    pub(crate) fn new(link: &Link) -> Result<Self, String> {
        let uri = uri(link).ok_or("the endpoint is not a URL")?;
        let headers = header_map(&link.headers)?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let connector = tls::connector(connector, link)?;
        let client = Mutex::new(client(&connector, link));
        Ok(Self { connector, client, link: link.clone(), uri, headers, left: Arc::default() })
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
                self.connect_anew();
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
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match client.request(self.request(encoded)).await {
            Ok(answer) if self.link.grpc.is_some() => grpc::read(answer).await,
            Ok(answer) => read(answer, self.link.is_otlp).await,
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &(dyn Error + 'static)) -> Delivery {
        match tls::explain(error, &self.link) {
            Some(reason) => Delivery::Unreachable { reason },
            None if is_strange(error) => Delivery::Unanswered { again: true, reason: self.strange() },
            None if self.has_left() => Delivery::Unanswered {
                again: true,
                reason: format!("the collector hung up ({})", chain(error)),
            },
            None => Delivery::Unreachable { reason: chain(error) },
        }
    }

    fn strange(&self) -> String {
        let or_grpc = if self.link.is_otlp { " or gRPC (OTEL_EXPORTER_OTLP_PROTOCOL=grpc)" } else { "" };
        format!("what answers there does not speak HTTP/1; TLS (https://){or_grpc} may be what it wants")
    }

    /// Over HTTP/1 a request that is given up takes its connection with it. One of HTTP/2 stays, and nobody knows
    /// whether its other side is still there.
    fn connect_anew(&self) {
        let anew = client(&self.connector, &self.link);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = anew;
    }

    /// Our own request around the encoder's bytes: nothing else that a library found in the environment is sent.
    fn request(&self, encoded: Request<Bytes>) -> Request<Outgoing> {
        let (head, bytes) = encoded.into_parts();
        let mut encoding = head.headers.get(CONTENT_ENCODING).cloned();
        let mut bytes = bytes;
        if self.link.gzip && encoding.is_none() {
            (bytes, encoding) = (gzip::pack(bytes), Some(GZIP));
        }
        let is_grpc = self.link.grpc.is_some();
        if is_grpc {
            bytes = grpc::frame(bytes, encoding.is_some());
        }
        let mut request = Request::new(Outgoing::new(bytes, Arc::clone(&self.left)));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, agent(head.headers.get(USER_AGENT)));
        headers.extend(self.headers.clone());
        if let Some(kind) = head.headers.get(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, kind.clone());
        }
        if let Some(encoding) = encoding {
            headers.insert(if is_grpc { GRPC_ENCODING } else { CONTENT_ENCODING }, encoding);
        }
        if is_grpc {
            grpc::address(headers);
        }
        request
    }
}

fn uri(link: &Link) -> Option<Uri> {
    let uri: Uri = link.url.parse().ok()?;
    let Some(method) = link.grpc else { return Some(uri) };
    // What HTTP/1 leaves out of `host`, HTTP/2 would send with `:authority`.
    let authority = uri.authority()?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}{method}", uri.scheme_str()?).parse().ok()
}

fn client(connector: &tls::Connector, link: &Link) -> Client<tls::Connector, Outgoing> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_max_idle_per_host(1);
    if link.grpc.is_some() {
        grpc::prepare(&mut builder);
    }
    builder.build(connector.clone())
}

async fn read(answer: Response<Incoming>, is_otlp: bool) -> Result<Bytes, Delivery> {
    let (head, body) = answer.into_parts();
    answer::read(head.status, &head.headers, whole(body).await, is_otlp)
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

/// Is it an answer that is not HTTP?
fn is_strange(error: &(dyn Error + 'static)) -> bool {
    let hyper = error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
    hyper || error.source().is_some_and(is_strange)
}

/// The error with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    WithCauses { error, separator: ": " }.to_string()
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("link", &self.link).finish_non_exhaustive()
    }
}

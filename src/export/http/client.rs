//! The HTTP client of every export: it posts an encoded request once, and hands out the answer, or what else became of
//! the request.

use std::error::Error;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::Outgoing;
use super::resolver::Resolver;
use super::{Endpoint, tls};
use crate::error::WithCauses;
use crate::export::{Delivery, Sent};

/// What a client need read (OTLP specification).
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// What an examination reads: the page of a service, or what a store knows of all of them.
#[cfg(feature = "cli")]
const LARGEST_PAGE: usize = 64 * 1024 * 1024;
/// A host that does not answer at all must not use up a whole attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// As many connections are kept as requests may be in flight.
const MOST_IDLE: usize = 8;

/// The name of this crate, before that of an encoder, as the specification says of a distribution.
const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The client of one endpoint.
pub(crate) struct HttpClient {
    connector: tls::Connector,
    client: Mutex<Client<tls::Connector, Outgoing>>,
    endpoint: Endpoint,
    uri: Uri,
    headers: HeaderMap,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    #[allow(dead_code)] // only gRPC, a feature, reads them
    pub(crate) trailers: Option<HeaderMap>,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    TooLong,
    BrokenOff,
}

impl Body {
    /// What of it is known.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::TooLong | Self::BrokenOff => b"",
        }
    }
}

impl HttpClient {
    /// # Errors
    ///
    /// The URL, a header or a file cannot be used; the text shows no value of a header, and nothing of a file.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, String> {
        let uri = without_credentials(&endpoint.url).ok_or("the endpoint is not a URL")?;
        let headers = header_map(&endpoint.headers)?;
        let mut connector = HttpConnector::new_with_resolver(Resolver::default());
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let connector = tls::connector(connector, endpoint)?;
        let client = Mutex::new(client(&connector, endpoint));
        Ok(Self { connector, client, endpoint: endpoint.clone(), uri, headers })
    }

    /// Posts a body with these headers beside the endpoint's, within `timeout`; `sent` says whether bytes of it left.
    pub(crate) async fn post(
        &self,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
        sent: Sent,
    ) -> Result<Answer, Delivery> {
        let request = self.request(headers, Outgoing::new(body, Sent::clone(&sent)));
        match tokio::time::timeout(timeout, self.exchange(request, &sent, LARGEST_ANSWER)).await {
            Ok(answer) => answer,
            Err(_) if sent.load(Ordering::Relaxed) => {
                self.connect_anew();
                Err(Delivery::Unanswered { again: false, reason: format!("no answer within {timeout:?}") })
            }
            Err(_) => {
                Err(Delivery::Retry { after: None, reason: format!("no connection within {timeout:?}") })
            }
        }
    }

    async fn exchange(
        &self,
        request: Request<Outgoing>,
        sent: &Sent,
        most: usize,
    ) -> Result<Answer, Delivery> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match client.request(request).await {
            Ok(answer) => Ok(read(answer, most).await),
            Err(error) => Err(self.failed(&error, sent.load(Ordering::Relaxed))),
        }
    }

    fn failed(&self, error: &(dyn Error + 'static), sent: bool) -> Delivery {
        match tls::explain(error, &self.endpoint) {
            Some(reason) => Delivery::Unreachable { reason },
            // It is HTTP, and may well be a success.
            None if is_error(error, hyper::Error::is_parse_too_large) => Delivery::Unanswered {
                again: false,
                reason: "the response's header section is too large".to_owned(),
            },
            None if is_error(error, hyper::Error::is_parse) => {
                Delivery::Unanswered { again: true, reason: self.not_http() }
            }
            None if sent => Delivery::Unanswered {
                again: true,
                reason: format!("the collector hung up ({})", chain(error)),
            },
            None => Delivery::Unreachable { reason: chain(error) },
        }
    }

    fn not_http(&self) -> String {
        let or_grpc = if self.endpoint.is_otlp { " or gRPC (OTEL_EXPORTER_OTLP_PROTOCOL=grpc)" } else { "" };
        format!("what answers there does not speak HTTP/1; TLS (https://){or_grpc} may be what it wants")
    }

    /// Over HTTP/1 a request that is given up takes its connection with it. A connection of HTTP/2 stays, and it is
    /// not known whether its other side is still there.
    fn connect_anew(&self) {
        let anew = client(&self.connector, &self.endpoint);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = anew;
    }

    fn request(&self, own: HeaderMap, body: Outgoing) -> Request<Outgoing> {
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, agent(own.get(USER_AGENT)));
        // Where nothing is said, a receiver may choose any coding (RFC 9110, 12.5.3), and none is read here.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.extend(self.headers.clone());
        // What says how the body is encoded is the encoder's alone.
        own.iter().filter(|(name, _)| *name != USER_AGENT).for_each(|(name, value)| {
            headers.insert(name, value.clone());
        });
        request
    }
}

/// What only an examination asks for.
#[cfg(feature = "cli")]
impl HttpClient {
    /// Asks the endpoint itself, within `timeout`, for at most 64 MiB.
    pub(crate) async fn ask(&self, timeout: Duration) -> Result<Answer, Delivery> {
        let sent = Sent::default();
        let mut request = self.request(HeaderMap::new(), Outgoing::new(Bytes::new(), Sent::clone(&sent)));
        *request.method_mut() = http::Method::GET;
        let answer = tokio::time::timeout(timeout, self.exchange(request, &sent, LARGEST_PAGE)).await;
        let late = || Delivery::Unanswered { again: false, reason: format!("no answer within {timeout:?}") };
        answer.unwrap_or_else(|_| Err(late()))
    }

    /// Connects as a request would, and with TLS completes it: the certificates that the server showed, its own first.
    ///
    /// # Errors
    ///
    /// Why there is no connection, in the words of an export that fails.
    pub(crate) async fn connect(&self) -> Result<Vec<Vec<u8>>, String> {
        let connected = tls::connect(self.connector.clone(), self.uri.clone()).await;
        connected.map_err(|error| tls::explain(&*error, &self.endpoint).unwrap_or_else(|| chain(&*error)))
    }

    /// The certificate that the server shows to whoever connects; `None` if it shows none.
    pub(crate) async fn shown(&self) -> Option<Vec<u8>> {
        tls::shown(self.uri.clone(), &self.endpoint).await
    }
}

/// The URL as it is sent to: a name and a password in it are not sent, also not with HTTP/2's `:authority`.
fn without_credentials(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let Some((_, host)) = authority.rsplit_once('@') else { return Some(uri) };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{}://{host}{path}", uri.scheme_str()?).parse().ok()
}

fn client(connector: &tls::Connector, endpoint: &Endpoint) -> Client<tls::Connector, Outgoing> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_max_idle_per_host(MOST_IDLE);
    choose_version(&mut builder, endpoint.http2);
    builder.build(connector.clone())
}

#[cfg(feature = "otlp-grpc")]
fn choose_version(client: &mut Builder, http2: bool) {
    client.http2_only(http2);
}

/// Only gRPC needs HTTP/2.
#[cfg(not(feature = "otlp-grpc"))]
fn choose_version(_: &mut Builder, _: bool) {}

async fn read(answer: Response<Incoming>, most: usize) -> Answer {
    let (head, body) = answer.into_parts();
    let (body, trailers) = match Limited::new(body, most).collect().await {
        Ok(collected) => {
            let trailers = collected.trailers().cloned();
            (Body::Whole(collected.to_bytes()), trailers)
        }
        Err(error) if error.is::<LengthLimitError>() => (Body::TooLong, None),
        Err(_) => (Body::BrokenOff, None),
    };
    Answer { status: head.status, headers: head.headers, body, trailers }
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

/// Is it, or one of its causes, such an error of hyper's?
fn is_error(error: &(dyn Error + 'static), is: fn(&hyper::Error) -> bool) -> bool {
    error.downcast_ref().is_some_and(is) || error.source().is_some_and(|cause| is_error(cause, is))
}

/// The error with its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    WithCauses { error, separator: ": " }.to_string()
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// What becomes of a request that is answered by these bytes.
    async fn answered(bytes: Vec<u8>) -> Result<Answer, Delivery> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4_096]);
            stream.write_all(&bytes)
        });
        let client = HttpClient::new(&Endpoint::plain(&format!("http://{address}/"))).expect("a client");
        let timeout = Duration::from_secs(30);
        let answer = client.post(HeaderMap::new(), Bytes::from_static(b"{}"), timeout, Sent::default()).await;
        let _ = answering.join();
        answer
    }

    #[tokio::test]
    async fn a_response_with_too_many_headers_may_be_a_success_and_is_not_asked_for_again() {
        let headers = |count| "x-of-a-proxy: 1\r\n".repeat(count);
        let head = |count| format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", headers(count));
        assert!(answered(head(50).into_bytes()).await.is_ok());
        let refused = answered(head(500).into_bytes()).await;
        assert!(matches!(refused, Err(Delivery::Unanswered { again: false, .. })), "{refused:?}");
        let refused = answered(b"220 mail.example ESMTP\r\n".to_vec()).await;
        assert!(matches!(refused, Err(Delivery::Unanswered { again: true, .. })), "{refused:?}");
    }
}

//! Promise: what kept a call from its answer has a word of a closed set, the same on span, metric and line.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::{Empty, Full, StreamBody};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service, ServiceExt};
use tower_observability::testing::Instance;

use crate::support::port::free_address;

/// A server that reads a request's beginning, answers this to it, and hangs up.
pub(super) async fn answering(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    address
}

/// The word that all three signals say of the instance's one call.
pub(super) fn word(seen: &Instance) -> (String, String) {
    let span = seen.spans().pop().unwrap();
    let word = span.attribute("error.type").to_string();
    assert!(seen.scrape().contains(&format!("error_type=\"{word}\"")), "{word}:\n{}", seen.scrape());
    let line = seen.lines().pop().unwrap();
    let outcome = line["outcome"].as_str().unwrap().to_owned();
    let on_line = line.get("error_type").unwrap_or(&line["outcome"]);
    assert_eq!(on_line, &word, "{line:#}");
    (word, outcome)
}

async fn failing<C, B>(connector: C, url: &str, body: B) -> (String, String)
where
    C: Connect + Clone + Send + Sync + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let seen = Instance::new();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::post(url).body(body).unwrap();
    let error = seen.client_layer().layer(client).oneshot(request).await.unwrap_err();
    let (word, outcome) = word(&seen);
    println!("{word}: {error:?}");
    (word, outcome)
}

async fn without_body(
    connector: impl Connect + Clone + Send + Sync + 'static,
    url: &str,
) -> (String, String) {
    failing(connector, url, Empty::<Bytes>::new()).await
}

fn said(word: &str) -> (String, String) {
    (word.to_owned(), "server_error".to_owned())
}

#[tokio::test]
async fn a_name_that_is_not_known_is_told_from_a_connection_that_is_refused() {
    let resolver = tower::service_fn(|_| async {
        Err::<std::vec::IntoIter<SocketAddr>, _>(io::Error::other("no such name"))
    });
    let connector = HttpConnector::new_with_resolver(resolver);
    assert_eq!(without_body(connector, "http://nobody.invalid/").await, said("dns_error"));
    let url = format!("http://{}/", free_address());
    assert_eq!(without_body(HttpConnector::new(), &url).await, said("connection_refused"));
}

/// A connector that fails in this way.
fn broken(kind: io::ErrorKind) -> impl Connect + Clone + Send + Sync + 'static {
    tower::service_fn(move |_: Uri| std::future::ready(Err::<TokioIo<TcpStream>, _>(io::Error::from(kind))))
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_says_why_if_it_can() {
    for (kind, expected) in [
        (io::ErrorKind::NetworkUnreachable, said("host_unreachable")),
        (io::ErrorKind::HostUnreachable, said("host_unreachable")),
        (io::ErrorKind::PermissionDenied, said("connection_error")),
        (io::ErrorKind::TimedOut, ("connection_timeout".to_owned(), "timeout".to_owned())),
    ] {
        assert_eq!(without_body(broken(kind), "http://a.example/").await, expected, "{kind}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_from_one_that_does_not_speak_http() {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let tls = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
    let address = answering(b"220 mail.example ESMTP\r\n").await;
    assert_eq!(without_body(tls.clone(), &format!("https://{address}/")).await, said("tls_error"));
    assert_eq!(without_body(tls.clone(), &format!("http://{address}/")).await, said("protocol_error"));
    let hangs_up = answering(b"").await;
    assert_eq!(without_body(tls, &format!("https://{hangs_up}/")).await, said("tls_error"));
}

#[tokio::test]
async fn a_connection_that_ends_before_the_head_is_reset() {
    for answer in [&b""[..], b"HTTP/1.1 200 O"] {
        let url = format!("http://{}/", answering(answer).await);
        assert_eq!(without_body(HttpConnector::new(), &url).await, said("connection_reset"));
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_no_fault_of_the_connection() {
    let frames = [Ok(Frame::data(Bytes::from_static(b"half"))), Err(io::Error::other("disk"))];
    let url = format!("http://{}/", answering(b"").await);
    let body = StreamBody::new(stream::iter(frames));
    assert_eq!(failing(HttpConnector::new(), &url, body).await, said("request_body_error"));
    assert_eq!(without_body(HttpConnector::new(), "/relative").await, said("invalid_request"));
    assert_eq!(without_body(HttpConnector::new(), "ftp://a.example/").await, said("invalid_request"));
}

#[tokio::test]
async fn an_error_of_a_type_of_ones_own_is_read_out_of_its_box() {
    let seen = Instance::new();
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut boxed = client.map_err(|error| Box::new(error) as Box<dyn Error + Send + Sync>);
    let answer = tower::service_fn(move |request| boxed.call(request));
    let request = Request::get(format!("http://{}/", free_address())).body(Full::default()).unwrap();
    seen.client_layer().layer(answer).oneshot(request).await.unwrap_err();
    assert_eq!(word(&seen), said("connection_refused"));
}

#[tokio::test]
async fn a_service_whose_own_input_is_no_valid_data_says_nothing_of_tls() {
    let seen = Instance::new();
    let answer = tower::service_fn(|_: Request<Empty<Bytes>>| async {
        let error = io::Error::new(io::ErrorKind::InvalidData, "no JSON");
        Err::<Response<Empty<Bytes>>, _>(error)
    });
    let request = Request::get("http://a/").body(Empty::new()).unwrap();
    seen.client_layer().layer(answer).oneshot(request).await.unwrap_err();
    assert_eq!(word(&seen), said("server_error"));
}

//! Over HTTP/2: status, headers, bytes, trailers, and how a stream is reset.

use axum::http::{HeaderMap, Version};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::*;

/// Method, path, a header, and the body.
const ASKED: &[(&str, &str, (&str, &str), &str)] = &[
    ("GET", "/hello", ("x-one", "1"), ""),
    ("HEAD", "/hello", ("x-one", "1"), ""),
    ("HEAD", "/stream", ("x-one", "1"), ""),
    ("POST", "/hello", ("x-one", "1"), ""),
    ("PUT", "/mirror?a=b", ("x-one", "1"), "abc"),
    ("GET", "/mirror", ("x-request-id", "order-7"), ""),
    ("POST", "/echo", ("x-one", "1"), "hello"),
    ("POST", "/small", ("x-one", "1"), "123456789"),
    ("POST", "/json", ("content-type", "application/json"), "{\"a\":1}"),
    ("POST", "/json", ("content-type", "application/json"), "{!"),
    ("POST", "/unread", ("x-one", "1"), "hello"),
    ("GET", "/add/2/3", ("x-one", "1"), ""),
    ("GET", "/add/two/3", ("x-one", "1"), ""),
    ("GET", "/stream", ("x-one", "1"), ""),
    ("GET", "/sized", ("x-one", "1"), ""),
    ("GET", "/long", ("x-one", "1"), ""),
    ("GET", "/empty", ("x-one", "1"), ""),
    ("GET", "/nothing", ("x-one", "1"), ""),
    ("GET", "/same", ("if-none-match", "\"7\""), ""),
    ("GET", "/elsewhere", ("x-one", "1"), ""),
    ("GET", "/cookies", ("x-one", "1"), ""),
    ("GET", "/trailers", ("te", "trailers"), ""),
    ("GET", "/breaks", ("x-one", "1"), ""),
    ("GET", "/panics", ("x-one", "1"), ""),
    ("GET", "/nested/7", ("x-one", "1"), ""),
    ("GET", "/files/page.txt", ("x-one", "1"), ""),
    ("GET", "/files/page.txt", ("range", "bytes=10-29"), ""),
    ("GET", "/files/page.txt", ("range", "bytes=99999999-"), ""),
    ("GET", "/nobody", ("x-one", "1"), ""),
    ("DELETE", "/hello", ("x-one", "1"), ""),
];

/// An answer as far as it came, and the error that ended it.
#[derive(Debug, PartialEq)]
struct Answer {
    head: Option<(StatusCode, HeaderMap)>,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
    ended: bool,
    error: Option<String>,
}

async fn answered(server: &Server, asked: &(&str, &str, (&str, &str), &str)) -> Answer {
    let (method, path, (name, value), body) = asked;
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::builder().method(*method).uri(format!("http://a{path}")).version(Version::HTTP_2);
    let request = request.header(*name, *value).body(Full::new(Bytes::from((*body).to_owned()))).unwrap();
    let mut answer = Answer { head: None, body: Vec::new(), trailers: None, ended: false, error: None };
    match sender.send_request(request).await {
        Ok(response) => read(response, &mut answer).await,
        Err(error) => answer.error = Some(causes(&error)),
    }
    driver.abort();
    answer
}

async fn read(response: Response<hyper::body::Incoming>, answer: &mut Answer) {
    let (mut head, mut body) = response.into_parts();
    head.headers.remove("x-request-id");
    head.headers.remove(header::DATE);
    answer.head = Some((head.status, head.headers));
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => answer.body.extend(data),
            Ok(Err(frame)) => answer.trailers = frame.into_trailers().ok(),
            Err(error) => {
                answer.error = Some(causes(&error));
                return;
            }
        }
    }
    answer.ended = body.is_end_stream();
}

/// The error with its causes, such as the reason of a reset.
fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told = format!("{told}: {cause}");
        next = cause.source();
    }
    told
}

#[tokio::test]
async fn over_http_2_every_answer_is_the_same_and_so_is_every_reset() {
    for asked in ASKED {
        let twins = Twins::new("http2").await;
        let bare = answered(&twins.bare, asked).await;
        assert_eq!(bare, answered(&twins.observed, asked).await, "{asked:?}");
        let fails = ["/breaks", "/panics"].contains(&asked.1);
        assert_eq!(bare.error.is_some(), fails, "{asked:?}: {bare:?}");
        let told = match (asked.1, bare.head.map(|(status, _)| status)) {
            ("/breaks", _) => "body_error",
            ("/panics", _) => "panic",
            (_, Some(status)) if status.is_client_error() => "client_error",
            _ => "ok",
        };
        assert_eq!(twins.told(1).await, [told], "{asked:?}");
    }
}

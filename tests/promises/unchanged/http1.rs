//! Over HTTP/1: every byte on the connection, and when it is closed.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// What is tried, how our layer tells each request, and all that the client sends on one connection before `LAST`.
const CONNECTIONS: &[(&str, &str, &str)] = &[
    ("an answer of known length", "ok client_error", "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n"),
    (
        "two at once",
        "ok ok client_error",
        "GET /hello HTTP/1.1\r\nhost: a\r\n\r\nGET /stream HTTP/1.1\r\nhost: a\r\n\r\n",
    ),
    ("a head alone", "ok client_error", "HEAD /hello HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("the head of a stream", "ok client_error", "HEAD /stream HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("the head of a file", "ok client_error", "HEAD /files/page.txt HTTP/1.1\r\nhost: a\r\n\r\n"),
    (
        "all that the handler sees",
        "ok client_error",
        "PUT /mirror?a=b HTTP/1.1\r\nhost: a\r\nx-twice: 1\r\nx-twice: 2\r\ncontent-length: 3\r\n\r\nabc",
    ),
    (
        "a known request id",
        "ok client_error",
        "GET /mirror HTTP/1.1\r\nhost: a\r\nx-request-id: order-7\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n",
    ),
    (
        "a body in chunks, with trailers",
        "ok client_error",
        "POST /mirror HTTP/1.1\r\nhost: a\r\ntrailer: sum\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nsum: 5\r\n\r\n",
    ),
    (
        "a body that is expected",
        "ok client_error",
        "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello",
    ),
    (
        "a body that is announced and not read",
        "ok",
        "POST /unread HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
    ),
    (
        "a body that nobody reads",
        "ok client_error",
        "POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
    ),
    (
        "a body that is too long",
        "client_error client_error",
        "POST /small HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n123456789",
    ),
    (
        "a bad document",
        "client_error client_error",
        "POST /json HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{!",
    ),
    (
        "a document of another type",
        "client_error client_error",
        "POST /json HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}",
    ),
    ("parts of the path", "ok client_error", "GET /add/2/3 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a part of another type", "client_error client_error", "GET /add/two/3 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a query", "ok client_error", "GET /find?a=%20b&c=d HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a stream", "ok client_error", "GET /stream HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a stream of known length", "ok client_error", "GET /sized HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a long answer", "ok client_error", "GET /long HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("an empty answer", "ok client_error", "GET /empty HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("no content", "ok client_error", "GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("not modified", "ok client_error", "GET /same HTTP/1.1\r\nhost: a\r\nif-none-match: \"7\"\r\n\r\n"),
    ("a redirect", "ok client_error", "GET /elsewhere HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a page", "ok client_error", "GET /page HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("two headers of one name", "ok client_error", "GET /cookies HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("an odd status", "client_error client_error", "GET /teapot HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("trailers", "ok client_error", "GET /trailers HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n"),
    ("trailers that nobody asked for", "ok client_error", "GET /trailers HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a body that breaks", "body_error", "GET /breaks HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a handler that panics", "panic", "GET /panics HTTP/1.1\r\nhost: a\r\n\r\n"),
    (
        "another protocol",
        "upgraded",
        "GET /upgrades HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
    ),
    ("a nested route", "ok client_error", "GET /nested/7 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a file", "ok client_error", "GET /files/page.txt HTTP/1.1\r\nhost: a\r\n\r\n"),
    (
        "a part of a file",
        "ok client_error",
        "GET /files/page.txt HTTP/1.1\r\nhost: a\r\nrange: bytes=10-29\r\n\r\n",
    ),
    (
        "the end of a file",
        "ok client_error",
        "GET /files/page.txt HTTP/1.1\r\nhost: a\r\nrange: bytes=-5\r\n\r\n",
    ),
    (
        "a part that is not there",
        "client_error client_error",
        "GET /files/page.txt HTTP/1.1\r\nhost: a\r\nrange: bytes=99999999-\r\n\r\n",
    ),
    (
        "a file that is old enough",
        "ok client_error",
        "GET /files/page.txt HTTP/1.1\r\nhost: a\r\nif-modified-since: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n",
    ),
    (
        "a file that is not there",
        "client_error client_error",
        "GET /files/nothing HTTP/1.1\r\nhost: a\r\n\r\n",
    ),
    ("a missing page", "client_error client_error", "GET /nobody HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a wrong method", "client_error client_error", "DELETE /hello HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a method that nobody knows", "ok client_error", "BREW /mirror HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("options of everything", "client_error client_error", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("an absolute address", "ok client_error", "GET http://a/hello HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("a tunnel that is refused", "client_error client_error", "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("no host", "ok client_error", "GET /mirror HTTP/1.1\r\n\r\n"),
    (
        "a connection that the client closes",
        "ok",
        "GET /hello HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    ),
    ("the old version", "ok", "GET /stream HTTP/1.0\r\n\r\n"),
    (
        "the old version, kept open",
        "ok client_error",
        "GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    ),
    ("no request at all", "", "hello?\r\n\r\n"),
    ("a body with a bad length", "", "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n"),
];

/// Asks for the connection's end, and is told as `client_error`; nobody answers it where the server has closed before.
const LAST: &str = "GET /teapot HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// Everything that the server sends until it closes; a reset ends it as well.
async fn answered(server: &Server, sent: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut answer).await {}
    String::from_utf8_lossy(&answer).into_owned()
}

/// Without what may differ.
fn comparable(answer: &str) -> String {
    let differs = |line: &&str| !line.starts_with("x-request-id: ") && !line.starts_with("date: ");
    answer.split_inclusive('\n').filter(differs).collect()
}

#[tokio::test]
async fn over_http_1_every_byte_is_the_same_and_so_is_the_connections_end() {
    for (what, outcomes, sent) in CONNECTIONS {
        let twins = Twins::new("http1").await;
        let sent = format!("{sent}{LAST}");
        let (bare, observed) = (answered(&twins.bare, &sent).await, answered(&twins.observed, &sent).await);
        assert_eq!(comparable(&bare), comparable(&observed), "{what}");
        let told = twins.told(outcomes.split(' ').filter(|word| !word.is_empty()).count()).await;
        assert_eq!(told.join(" "), *outcomes, "{what}");
        // Both compare because answers came, not because none did.
        let heads = observed.matches("HTTP/1.").count() - observed.matches(" 100 Continue").count();
        let unsent = ["a handler that panics", "a body that breaks"].contains(what);
        assert!(heads >= told.len() || unsent, "{what}: {observed}");
    }
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_go_on_is_told_only_by_whoever_reads() {
    let announced = "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\nconnection: close\r\n\r\n";
    let twins = Twins::new("continue").await;
    let mut answers = Vec::new();
    for server in [&twins.bare, &twins.observed] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(announced.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
        }
        assert_eq!(answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(b"hello").await.unwrap();
        stream.read_to_end(&mut answer).await.unwrap();
        answers.push(comparable(&String::from_utf8(answer).unwrap()));
    }
    assert!(answers[0] == answers[1] && answers[0].ends_with("hello"), "{answers:?}");
    twins.told(1).await;
}

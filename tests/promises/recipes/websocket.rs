//! WebSockets, with a real client.

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::Version;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{WebSocketStream, client_async};
use tracing::{Instrument, info_span};

use super::*;

async fn chat(mut socket: WebSocket) {
    tracing::info!("the chat begins");
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    assert!(!request::add("late", true), "the request is over");
    tracing::info!("the chat ends");
}

async fn connected(scene: &Scene) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(scene.server.address).await.unwrap();
    let (socket, answer) = client_async(format!("ws://{}/chat", scene.server.address), stream).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert!(answer.headers().contains_key("x-request-id"));
    socket
}

async fn echoed(socket: &mut WebSocketStream<TcpStream>) {
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
}

async fn closed(scene: &Scene, mut socket: WebSocketStream<TcpStream>) {
    socket.close(None).await.unwrap();
    let ends = || scene.seen.lines().into_iter().find(|line| line["message"] == "the chat ends");
    scene.seen.until("the chat's end", ends).await;
}

#[tokio::test]
async fn the_request_ends_with_its_101_while_the_socket_lives_on_and_what_it_says_belongs_to_nobody() {
    let upgrade = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(chat) };
    let scene = Scene::of(|ours| Router::new().route("/chat", any(upgrade)).layer(ours)).await;
    let mut socket = connected(&scene).await;
    echoed(&mut socket).await;
    assert!(!scene.ended("upgraded", 101).await.span().is_error());
    closed(&scene, socket).await;
    assert_eq!(said(&scene.seen.lines(), "the chat begins").get("trace_id"), None);
    assert_eq!((scene.seen.spans().len(), scene.closing_lines().len()), (1, 1), "{}", scene.seen);
}

#[tokio::test]
async fn a_span_that_the_handler_makes_keeps_the_socket_in_the_requests_trace() {
    let upgrade = |upgrade: WebSocketUpgrade| async {
        let span = info_span!("chat");
        upgrade.on_upgrade(|socket| chat(socket).instrument(span))
    };
    let scene = Scene::of(|ours| Router::new().route("/chat", any(upgrade)).layer(ours)).await;
    let mut socket = connected(&scene).await;
    echoed(&mut socket).await;
    closed(&scene, socket).await;
    scene
        .seen
        .until("the chat's span", || scene.seen.spans().into_iter().find(|span| span.name == "chat"))
        .await;
    let request = scene.ended("upgraded", 101).await;
    let chat = request.child("chat");
    assert!(chat.is_child_of(request.span()) && chat.end > request.span().end);
    assert_eq!(request.line("the chat ends")["request_id"], request.closing_line()["request_id"]);
}

#[tokio::test]
async fn a_plain_request_to_a_socket_is_refused_and_told_as_such() {
    let upgrade = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(chat) };
    let scene = Scene::of(|ours| Router::new().route("/chat", any(upgrade)).layer(ours)).await;
    let status = scene.get("/chat").await.status();
    assert!(status.is_client_error(), "{status}");
    scene.ended("client_error", status.as_u16()).await;
}

#[tokio::test]
async fn over_http_2_it_is_the_200_of_its_connect() {
    let upgrade = |upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(chat) };
    let scene = Scene::of(|ours| Router::new().route("/chat", any(upgrade)).layer(ours)).await;
    let stream = TokioIo::new(TcpStream::connect(scene.server.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let driver = tokio::spawn(connection);
    // Whether the server allows it is in its first frame: another request has it arrive.
    let plain = Request::get("http://a/nobody").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(plain).await.unwrap().status(), StatusCode::NOT_FOUND);
    let asked = Request::connect("http://a/chat").version(Version::HTTP_2);
    let asked = asked.extension(Protocol::from_static("websocket")).header("sec-websocket-version", "13");
    let answer = sender.send_request(asked.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    let request = scene.seen.request("/chat");
    assert_eq!((&request.closing_line()["outcome"], scene.open()), (&"upgraded".into(), 0.0), "{request}");
    drop(socket);
    driver.abort();
}

//! Promise: a pool of connections below the layer changes nothing: a call is one span, whatever the pool does for it.

use std::future::Future;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::client::legacy::Client;
use hyper_util::client::pool::cache;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower::{Layer, Service, ServiceExt};
use tower_observability::testing::Instance;

use super::words::word;
use crate::support::port::free_address;

type Body = Empty<Bytes>;
type Boxed = Box<dyn std::error::Error + Send + Sync>;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server in a thread of its own: it answers so many requests over each connection, and closes it when it is told.
struct Server {
    address: SocketAddr,
    said: mpsc::Receiver<&'static str>,
    close: mpsc::Sender<()>,
}

fn answering(requests: usize) -> Server {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ((say, said), (close, closing)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            if say.send("accepted").is_err() {
                return;
            }
            for _ in 0..requests {
                // Each of these requests is shorter than a packet.
                if !stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                    break;
                }
                let _ = stream.write_all(ANSWER);
            }
            let _ = closing.recv();
            drop(stream);
            let _ = say.send("closed");
        }
    });
    Server { address, said, close }
}

impl Server {
    /// Closes the connection, and blocks the runtime until that is done: nobody there may act on it before.
    fn close(&self) {
        self.close.send(()).unwrap();
        assert_eq!(self.said.iter().take(2).collect::<Vec<_>>(), ["accepted", "closed"]);
    }
}

/// Lets the tasks that belong to a connection run, until it lies in the pool.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn request(address: SocketAddr) -> Request<Body> {
    Request::get(format!("http://{address}/x")).body(Body::new()).unwrap()
}

fn outcomes(seen: &Instance) -> Vec<String> {
    seen.spans().iter().map(|span| span.attribute("observability.outcome").to_string()).collect()
}

#[tokio::test]
async fn calls_over_one_connection_are_spans_of_their_own() {
    let (seen, server) = (Instance::new(), answering(3));
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let mut client = seen.client_layer().layer(client);
    for _ in 0..3 {
        let response = client.call(request(server.address)).await.unwrap();
        response.into_body().collect().await.unwrap();
        settle().await;
    }
    assert_eq!(outcomes(&seen), ["ok", "ok", "ok"]);
    server.close();
}

/// Two calls, the second over a connection of the pool that the server has closed; what became of the second.
async fn second_call(seen: &Instance, sent_again: bool) -> Result<u16, hyper_util::client::legacy::Error> {
    let server = answering(1);
    let client =
        Client::builder(TokioExecutor::new()).retry_canceled_requests(sent_again).build_http::<Body>();
    let mut client = seen.client_layer().layer(client);
    let response = client.call(request(server.address)).await?;
    response.into_body().collect().await.unwrap();
    settle().await;
    server.close();
    // The runtime hears of it now; but this task runs before the connection's.
    tokio::task::yield_now().await;
    Ok(client.call(request(server.address)).await?.status().as_u16())
}

#[tokio::test]
async fn a_request_that_the_pool_sends_again_over_a_new_connection_is_one_call() {
    let seen = Instance::new();
    assert_eq!(second_call(&seen, true).await.unwrap(), 200);
    assert_eq!(outcomes(&seen), ["ok", "ok"], "{seen}");
}

#[tokio::test]
async fn a_request_that_the_pool_lost_and_does_not_send_again_is_reset() {
    let seen = Instance::new();
    second_call(&seen, false).await.unwrap_err();
    assert_eq!(outcomes(&seen), ["ok", "server_error"], "{seen}");
    assert_eq!(word(&seen), ("connection_reset".into(), "server_error".into()));
}

/// One connection, as a service.
struct Connection(SendRequest<Body>);

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

async fn connect(to: Uri) -> Result<Connection, Boxed> {
    let stream = TcpStream::connect(to.authority().unwrap().as_str()).await?;
    let (connection, task) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(task);
    Ok(Connection(connection))
}

/// Takes a connection out of the pool, and asks over it.
async fn ask(
    pool: &mut impl Service<
        Uri,
        Response: Service<Request<Body>, Response = Response<Incoming>, Error = hyper::Error> + Send,
        Error = Boxed,
    >,
    to: SocketAddr,
    seen: &Instance,
) -> Result<(), Boxed> {
    let uri = Uri::try_from(format!("http://{to}/"))?;
    let connection = pool.ready().await?.call(uri).await?;
    // Over a connection the path is all that is sent; the host stands in a header.
    let request = Request::get("/x").header("host", to.to_string()).body(Body::new())?;
    let mut client = seen.client_layer().layer(connection);
    let response = client.ready().await?.call(request).await?;
    response.into_body().collect().await?;
    Ok(())
}

#[tokio::test]
async fn a_pool_made_of_parts_goes_below_the_layer_and_its_connectors_error_is_readable() {
    let (seen, server) = (Instance::new(), answering(2));
    let address = server.address;
    let mut pool =
        cache::builder().executor(TokioExecutor::new()).build(tower::service_fn(|to| Box::pin(connect(to))));
    ask(&mut pool, address, &seen).await.unwrap();
    settle().await;
    ask(&mut pool, address, &seen).await.unwrap();
    assert_eq!(outcomes(&seen), ["ok", "ok"]);
    server.close();
    let span = &seen.spans()[0];
    assert_eq!(span.attribute("url.full"), &format!("http://{address}/x"));

    let seen = Instance::new();
    let whole = tower::service_fn(|request: Request<Body>| async move {
        connect(request.uri().clone()).await?.call(request).await.map_err(Boxed::from)
    });
    seen.client_layer().layer(whole).oneshot(request(free_address())).await.unwrap_err();
    assert_eq!(word(&seen), ("connection_refused".into(), "server_error".into()));
}

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

use super::words::{nobody, word};

type Body = Empty<Bytes>;
type Boxed = Box<dyn std::error::Error + Send + Sync>;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server in a thread of its own: each of its connections answers so many requests and is closed.
/// Says when one was accepted, and when one was closed.
fn closing_after(requests: usize) -> (SocketAddr, mpsc::Receiver<&'static str>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (say, heard) = mpsc::channel();
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
            drop(stream);
            let _ = say.send("closed");
        }
    });
    (address, heard)
}

fn request(address: SocketAddr) -> Request<Body> {
    Request::get(format!("http://{address}/x")).body(Body::new()).unwrap()
}

fn outcomes(seen: &Instance) -> Vec<String> {
    seen.spans().iter().map(|span| span.attribute("observability.outcome").to_string()).collect()
}

#[tokio::test]
async fn calls_over_one_connection_are_spans_of_their_own() {
    let (seen, (address, heard)) = (Instance::new(), closing_after(3));
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let mut client = seen.client_layer().layer(client);
    for _ in 0..3 {
        let response = client.call(request(address)).await.unwrap();
        response.into_body().collect().await.unwrap();
        // The connection is back in the pool once its task has run.
        tokio::task::yield_now().await;
    }
    assert_eq!(outcomes(&seen), ["ok", "ok", "ok"]);
    assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), ["accepted", "closed"]);
}

#[tokio::test]
async fn a_request_that_the_pool_sends_again_over_a_new_connection_is_one_call() {
    let (seen, (address, heard)) = (Instance::new(), closing_after(1));
    let client = Client::builder(TokioExecutor::new()).retry_canceled_requests(true).build_http::<Body>();
    let mut client = seen.client_layer().layer(client);
    for _ in 0..2 {
        let response = client.call(request(address)).await.unwrap();
        response.into_body().collect().await.unwrap();
        // It blocks the runtime, so that the pool cannot notice that the connection is gone before it takes it.
        assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), ["accepted", "closed"]);
    }
    assert_eq!(outcomes(&seen), ["ok", "ok"], "{seen}");
}

#[tokio::test]
async fn a_request_whose_connection_was_lost_in_the_pool_is_reset_where_the_pool_sends_none_again() {
    let (seen, (address, heard)) = (Instance::new(), closing_after(1));
    let client = Client::builder(TokioExecutor::new()).retry_canceled_requests(false).build_http::<Body>();
    let mut client = seen.client_layer().layer(client);
    let response = client.call(request(address)).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), ["accepted", "closed"]);
    client.call(request(address)).await.unwrap_err();
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
    let (seen, (address, heard)) = (Instance::new(), closing_after(2));
    let mut pool =
        cache::builder().executor(TokioExecutor::new()).build(tower::service_fn(|to| Box::pin(connect(to))));
    ask(&mut pool, address, &seen).await.unwrap();
    ask(&mut pool, address, &seen).await.unwrap();
    assert_eq!(outcomes(&seen), ["ok", "ok"]);
    assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), ["accepted", "closed"]);
    let span = &seen.spans()[0];
    assert_eq!(span.attribute("url.full"), &format!("http://{address}/x"));

    let seen = Instance::new();
    let whole = tower::service_fn(|request: Request<Body>| async move {
        connect(request.uri().clone()).await?.call(request).await.map_err(Boxed::from)
    });
    seen.client_layer().layer(whole).oneshot(request(nobody())).await.unwrap_err();
    assert_eq!(word(&seen), ("connection_refused".into(), "server_error".into()));
}

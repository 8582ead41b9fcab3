//! A service of tonic and its client, both written as tonic's generator would: no `protoc` is needed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::Full;
use prost::Message;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, StdError, http};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, IntoRequest, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};
use tower_observability::ObservabilityLayer;

/// What is asked for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Order {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) payload: Vec<u8>,
    /// How large the replies shall be, one for each.
    #[prost(uint32, repeated, tag = "2")]
    pub(super) sizes: Vec<u32>,
    /// The status to end with, and its message.
    #[prost(int32, tag = "3")]
    pub(super) code: i32,
    #[prost(string, tag = "4")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Reply {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) payload: Vec<u8>,
}

/// The service `shop.Orders`.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    /// A call came to a method that never answers.
    pub(super) waits: Arc<Notify>,
}

/// Asks for a list that does not end.
pub(super) const AND_WAIT: &str = "and wait";

type Replies = Pin<Box<dyn Stream<Item = Result<Reply, Status>> + Send>>;

pub(super) fn order(code: Code, message: &str) -> Order {
    Order { code: code.into(), message: message.to_owned(), ..Order::default() }
}

fn refused(order: &Order) -> Result<(), Status> {
    match Code::from(order.code) {
        Code::Ok => Ok(()),
        code => Err(Status::new(code, order.message.clone())),
    }
}

fn reply(size: usize) -> Reply {
    Reply { payload: vec![0; size] }
}

fn replies(order: &Order) -> Vec<Result<Reply, Status>> {
    order.sizes.iter().map(|size| Ok(reply(*size as usize))).chain(refused(order).err().map(Err)).collect()
}

/// The caller's metadata, back on both ends of the answer.
fn echoed<T>(asked: &tonic::metadata::MetadataMap, message: T) -> Response<T> {
    let mut response = Response::new(message);
    if let Some(value) = asked.get("x-grpc-test-echo-initial") {
        response.metadata_mut().insert("x-grpc-test-echo-initial", value.clone());
    }
    response
}

impl Orders {
    async fn place(self, request: Request<Order>) -> Result<Response<Reply>, Status> {
        tracing::info!("an order");
        let order = request.get_ref();
        refused(order)?;
        Ok(echoed(request.metadata(), reply(order.sizes.first().map_or(0, |size| *size as usize))))
    }

    async fn total(self, request: Request<Streaming<Order>>) -> Result<Response<Reply>, Status> {
        let mut orders = request.into_inner();
        let mut length = 0;
        while let Some(order) = orders.message().await? {
            refused(&order)?;
            length += order.payload.len();
        }
        Ok(Response::new(reply(length)))
    }

    async fn list(self, request: Request<Order>) -> Result<Response<Replies>, Status> {
        let (replies, order) = (stream::iter(replies(request.get_ref())), request.get_ref());
        if order.message == AND_WAIT {
            return Ok(Response::new(Box::pin(replies.chain(stream::pending()))));
        }
        Ok(Response::new(Box::pin(replies)))
    }

    async fn talk(self, request: Request<Streaming<Order>>) -> Result<Response<Replies>, Status> {
        let answers = request.into_inner().flat_map(|order| {
            stream::iter(match order {
                Ok(order) => replies(&order),
                Err(status) => vec![Err(status)],
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn wait(self, _: Request<Order>) -> Result<Response<Reply>, Status> {
        self.waits.notify_one();
        std::future::pending().await
    }

    async fn fall(self, _: Request<Order>) -> Result<Response<Reply>, Status> {
        panic!("the shop is closed")
    }
}

impl NamedService for Orders {
    const NAME: &'static str = "shop.Orders";
}

impl Service<http::Request<Body>> for Orders {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let orders = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Reply, Order>::default());
            Ok(match request.uri().path() {
                // The second one is asked for by one test only.
                "/shop.Orders/Place" | "/shop.Orders/Secret" => {
                    grpc.unary(service_fn(|r| orders.clone().place(r)), request).await
                }
                "/shop.Orders/Wait" => grpc.unary(service_fn(|r| orders.clone().wait(r)), request).await,
                "/shop.Orders/Fall" => grpc.unary(service_fn(|r| orders.clone().fall(r)), request).await,
                "/shop.Orders/Total" => {
                    grpc.client_streaming(service_fn(|r| orders.clone().total(r)), request).await
                }
                "/shop.Orders/List" => {
                    grpc.server_streaming(service_fn(|r| orders.clone().list(r)), request).await
                }
                "/shop.Orders/Talk" => grpc.streaming(service_fn(|r| orders.clone().talk(r)), request).await,
                // As no implementation of gRPC would answer.
                "/shop.Orders/Mute" => {
                    let response = http::Response::builder().header("content-type", "application/grpc");
                    response.body(Body::new(Full::new("".into()))).unwrap()
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// A client of it, over any channel.
#[derive(Clone, Debug)]
pub(super) struct Client<T> {
    inner: tonic::client::Grpc<T>,
}

impl<T> Client<T>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: HttpBody<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    pub(super) fn new(channel: T, origin: http::Uri) -> Self {
        Self { inner: tonic::client::Grpc::with_origin(channel, origin) }
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.inner.ready().await.map_err(|error| Status::unknown(error.into().to_string()))
    }

    pub(super) async fn unary(
        &mut self,
        path: &'static str,
        order: impl IntoRequest<Order>,
    ) -> Result<Response<Reply>, Status> {
        self.ready().await?;
        let path = http::uri::PathAndQuery::from_static(path);
        self.inner.unary(order.into_request(), path, ProstCodec::<Order, Reply>::default()).await
    }

    pub(super) async fn place(&mut self, order: impl IntoRequest<Order>) -> Result<Response<Reply>, Status> {
        self.unary("/shop.Orders/Place", order).await
    }

    pub(super) async fn total(&mut self, orders: Vec<Order>) -> Result<Response<Reply>, Status> {
        self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/shop.Orders/Total");
        let request = Request::new(stream::iter(orders));
        self.inner.client_streaming(request, path, ProstCodec::<Order, Reply>::default()).await
    }

    pub(super) async fn list(&mut self, order: Order) -> Result<Response<Streaming<Reply>>, Status> {
        self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/shop.Orders/List");
        self.inner.server_streaming(Request::new(order), path, ProstCodec::<Order, Reply>::default()).await
    }

    pub(super) async fn talk(
        &mut self,
        orders: impl Stream<Item = Order> + Send + 'static,
    ) -> Result<Response<Streaming<Reply>>, Status> {
        self.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/shop.Orders/Talk");
        self.inner.streaming(Request::new(orders), path, ProstCodec::<Order, Reply>::default()).await
    }
}

/// A server of tonic, ended when dropped.
pub(super) struct Shop {
    pub(super) address: SocketAddr,
    pub(super) orders: Orders,
    task: JoinHandle<()>,
}

impl Shop {
    /// The service, with or without our layer.
    pub(super) async fn open(layer: Option<ObservabilityLayer>) -> Self {
        let listener = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let orders = Orders::default();
        let service = orders.clone();
        let task = match layer {
            Some(layer) => {
                let server = Server::builder().layer(layer).add_service(service);
                tokio::spawn(async move { server.serve_with_incoming(listener).await.unwrap() })
            }
            None => {
                let server = Server::builder().add_service(service);
                tokio::spawn(async move { server.serve_with_incoming(listener).await.unwrap() })
            }
        };
        Self { address, orders, task }
    }

    pub(super) fn origin(&self) -> http::Uri {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(super) async fn channel(&self) -> Channel {
        Endpoint::from(self.origin()).connect_timeout(Duration::from_secs(10)).connect().await.unwrap()
    }

    pub(super) async fn client(&self) -> Client<Channel> {
        Client::new(self.channel().await, self.origin())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

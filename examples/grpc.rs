//! A service of gRPC and a call to it, both under the layer: one trace id on both spans, the status by its name.
//!
//! `cargo run -p workshop --example grpc` starts a small server, asks it twice through the layer, and prints its lines. The module
//! `greeter` stands for what `tonic-prost-build` makes of your `.proto`, so that the example needs no `protoc`.

mod shared;

use std::error::Error;

use greeter::{Greeter, GreeterClient, GreeterServer, Hello, Name};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server, Uri};
use tonic::{Request, Response, Status};
use tower::Layer;
use tower_observability::{Admin, ObservabilityLayer, request};

#[derive(Clone)]
struct Polite;

impl Greeter for Polite {
    async fn greet(&self, asked: Request<Name>) -> Result<Response<Hello>, Status> {
        let name = asked.into_inner().name;
        request::add("guest", name.clone());
        if name.is_empty() {
            return Err(Status::invalid_argument("who are you?"));
        }
        Ok(Response::new(Hello { text: format!("Hello, {name}!") }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shared::refuse_arguments("grpc");
    let observability = tower_observability::builder("greeter").admin(Admin::new().port(0)).init()?;

    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into())?;
    let origin: Uri = format!("http://{}", incoming.local_addr()?).parse()?;
    let server = Server::builder().layer(ObservabilityLayer::new()).add_service(GreeterServer(Polite));
    tokio::spawn(server.serve_with_incoming(incoming));
    tracing::info!(
        "listening at {origin} until two calls are made; OTEL_TRACES_EXPORTER=console shows their traces"
    );

    let channel = ObservabilityLayer::client().layer(Endpoint::from(origin.clone()).connect_lazy());
    // The origin tells the layer, too, whom it calls.
    let mut client = GreeterClient::with_origin(channel, origin);
    for name in ["Ada", ""] {
        match client.greet(Name { name: name.to_owned() }).await {
            Ok(hello) => shared::print(hello.into_inner().text),
            Err(status) => shared::print(format_args!("{:?}: {}", status.code(), status.message())),
        }
    }
    observability.shutdown().await;
    Ok(())
}

/// As it is generated of `service Greeter { rpc Greet (Name) returns (Hello); }` in the package `example`.
mod greeter {
    use std::convert::Infallible;
    use std::future::Future;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use tonic::body::Body;
    use tonic::client::GrpcService;
    use tonic::codegen::{Body as HttpBody, BoxFuture, Bytes, StdError, http};
    use tonic::server::NamedService;
    use tonic::{Request, Response, Status};
    use tonic_prost::ProstCodec;
    use tower::{Service, service_fn};

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Name {
        #[prost(string, tag = "1")]
        pub(super) name: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Hello {
        #[prost(string, tag = "1")]
        pub(super) text: String,
    }

    pub(super) trait Greeter: Clone + Send + Sync + 'static {
        fn greet(&self, asked: Request<Name>)
        -> impl Future<Output = Result<Response<Hello>, Status>> + Send;
    }

    #[derive(Clone)]
    pub(super) struct GreeterServer<T>(pub(super) T);

    impl<T> NamedService for GreeterServer<T> {
        const NAME: &'static str = "example.Greeter";
    }

    impl<T: Greeter> Service<http::Request<Body>> for GreeterServer<T> {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = BoxFuture<Self::Response, Infallible>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: http::Request<Body>) -> Self::Future {
            let greeter = Arc::new(self.0.clone());
            Box::pin(async move {
                let greet = service_fn(|asked| {
                    let greeter = Arc::clone(&greeter);
                    async move { greeter.greet(asked).await }
                });
                let mut grpc = tonic::server::Grpc::new(ProstCodec::<Hello, Name>::default());
                Ok(match request.uri().path() {
                    "/example.Greeter/Greet" => grpc.unary(greet, request).await,
                    _ => Status::unimplemented("").into_http(),
                })
            })
        }
    }

    pub(super) struct GreeterClient<T>(tonic::client::Grpc<T>);

    impl<T> GreeterClient<T>
    where
        T: GrpcService<Body>,
        T::Error: Into<StdError>,
        T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
        <T::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        pub(super) fn with_origin(channel: T, origin: http::Uri) -> Self {
            Self(tonic::client::Grpc::with_origin(channel, origin))
        }

        pub(super) async fn greet(&mut self, name: Name) -> Result<Response<Hello>, Status> {
            self.0.ready().await.map_err(|error| Status::unknown(error.into().to_string()))?;
            let path = http::uri::PathAndQuery::from_static("/example.Greeter/Greet");
            self.0.unary(Request::new(name), path, ProstCodec::<Name, Hello>::default()).await
        }
    }
}

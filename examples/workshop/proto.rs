//! What stands for the code that `tonic-prost-build` makes of this, so that the workshop needs no `protoc`:
//!
//! ```proto
//! package workshop;
//!
//! service Inventory { rpc Reserve (Reservation) returns (Reserved); }
//!
//! message Reservation { string booking_id = 1; string part = 2; }
//! message Reserved { uint64 left = 1; }
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};
use tonic::body::Body;
use tonic::client::{Grpc, GrpcService};
use tonic::codegen::{Body as HttpBody, BoxFuture, Bytes, StdError, http};
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// Asked twice for the same booking, it reserves once.
#[derive(Clone, Deserialize, PartialEq, Serialize, prost::Message)]
pub(crate) struct Reservation {
    #[prost(string, tag = "1")]
    pub(crate) booking_id: String,
    #[prost(string, tag = "2")]
    pub(crate) part: String,
}

/// How many are left.
#[derive(Clone, Deserialize, PartialEq, Serialize, prost::Message)]
pub(crate) struct Reserved {
    #[prost(uint64, tag = "1")]
    pub(crate) left: u64,
}

/// What the service does.
pub(crate) trait Inventory: Clone + Send + Sync + 'static {
    fn reserve(
        &self,
        asked: Request<Reservation>,
    ) -> impl Future<Output = Result<Response<Reserved>, Status>> + Send;
}

/// The service, to be added to tonic's server or to `Routes`.
#[derive(Clone)]
pub(crate) struct InventoryServer<T>(pub(crate) T);

/// The other end.
#[derive(Clone)]
pub(crate) struct InventoryClient<T>(Grpc<T>);

impl<T> NamedService for InventoryServer<T> {
    const NAME: &'static str = "workshop.Inventory";
}

impl<T: Inventory> Service<http::Request<Body>> for InventoryServer<T> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let inventory = self.0.clone();
        Box::pin(async move {
            let reserve = service_fn(|asked| {
                let inventory = inventory.clone();
                async move { inventory.reserve(asked).await }
            });
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Reserved, Reservation>::default());
            Ok(match request.uri().path() {
                "/workshop.Inventory/Reserve" => grpc.unary(reserve, request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

impl<T> InventoryClient<T>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <T::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    pub(crate) fn with_origin(channel: T, origin: http::Uri) -> Self {
        Self(Grpc::with_origin(channel, origin))
    }

    pub(crate) async fn reserve(
        &mut self,
        asked: Request<Reservation>,
    ) -> Result<Response<Reserved>, Status> {
        self.0.ready().await.map_err(|error| Status::unknown(error.into().to_string()))?;
        let path = http::uri::PathAndQuery::from_static("/workshop.Inventory/Reserve");
        self.0.unary(asked, path, ProstCodec::<Reservation, Reserved>::default()).await
    }
}

//! What `axum::serve` asks of an observed service: one for each connection, whose response has axum's own body.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum::routing::IntoMakeService;
use axum::serve::{IncomingStream, Listener};
use axum::{BoxError, Router, ServiceExt as _};
use http::{Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tower::Service;

use super::side::Server;
use super::{Observed, ResponseBody, ResponseFuture};

/// An observed service as `axum::serve` takes it.
#[derive(Clone, Debug)]
pub struct Served<S>(Observed<S, Server>);

pin_project! {
    /// The response of a [`Served`] service, with axum's body.
    #[derive(Debug)]
    pub struct ServedFuture<F> {
        #[pin]
        inner: ResponseFuture<F>,
    }
}

impl<S> Observed<S, Server> {
    /// For `axum::serve`, which takes an observed [`Router`] as it is, and any other observed service by this.
    ///
    /// ```no_run
    /// use axum::Router;
    /// use tower::{Layer, util::MapRequestLayer};
    /// use tower_observability::ObservabilityLayer;
    ///
    /// # async fn of(listener: tokio::net::TcpListener) -> Result<(), std::io::Error> {
    /// let rewritten = MapRequestLayer::new(|request: axum::extract::Request| request).layer(Router::new());
    /// let app = ObservabilityLayer::new().layer(rewritten);
    /// axum::serve(listener, app.into_make_service()).await
    /// # }
    /// ```
    pub fn into_make_service(self) -> IntoMakeService<Served<S>>
    where
        Served<S>: Service<Request<Body>>,
    {
        Served(self).into_make_service()
    }

    /// For `axum::serve`, with the address of each connection's other end, so that `client.address` is known.
    ///
    /// ```no_run
    /// use std::net::SocketAddr;
    /// use axum::Router;
    /// use tower::Layer;
    /// use tower_observability::ObservabilityLayer;
    ///
    /// # async fn of() -> Result<(), std::io::Error> {
    /// let app = ObservabilityLayer::new().layer(Router::new());
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    /// # }
    /// ```
    pub fn into_make_service_with_connect_info<C>(self) -> IntoMakeServiceWithConnectInfo<Served<S>, C>
    where
        Served<S>: Service<Request<Body>>,
    {
        Served(self).into_make_service_with_connect_info()
    }
}

// Of a router alone: for every service it would make `service.ready()` ambiguous, which it is for a router anyway.
impl<L: Listener> Service<IncomingStream<'_, L>> for Observed<Router, Server> {
    type Response = Served<Router>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: IncomingStream<'_, L>) -> Self::Future {
        ready(Ok(Served(self.clone())))
    }
}

impl<S, R> Service<Request<Body>> for Served<S>
where
    S: Service<Request<Body>, Response = Response<R>>,
    S::Error: 'static,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ServedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Service::<Request<Body>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ServedFuture { inner: self.0.call(request) }
    }
}

impl<F, R, E> Future for ServedFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    E: 'static,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response: Result<Response<ResponseBody<R>>, E> = ready!(self.project().inner.poll(cx));
        Poll::Ready(response.map(|response| response.map(Body::new)))
    }
}

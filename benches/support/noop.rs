//! The layer that does nothing: what axum itself takes for any layer at all is not our cost.

use std::task::{Context, Poll};

use tower::{Layer, Service};

#[derive(Clone, Debug)]
pub(crate) struct NoopLayer;

#[derive(Clone, Debug)]
pub(crate) struct Noop<S>(S);

impl<S> Layer<S> for NoopLayer {
    type Service = Noop<S>;

    fn layer(&self, inner: S) -> Noop<S> {
        Noop(inner)
    }
}

impl<S: Service<R>, R> Service<R> for Noop<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.0.call(request)
    }
}

//! The service: begin a hop, pass the request on, wrap what comes back.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use tower::{Layer, Service};

use super::future::Expects;
use super::options::{ObservabilityLayer, Options, with_parts};
use super::side::{Callable, Client, Server, Side};
use super::{ResponseBody, ResponseFuture, client, server};
use crate::signals::{Signals, global, started};

/// The service that [`ObservabilityLayer`](super::ObservabilityLayer) makes of another one.
///
/// ```
/// use tower::Layer;
/// use tower_observability::{Observed, ObservabilityLayer};
///
/// let service: Observed<&str> = ObservabilityLayer::new().layer("any service");
/// assert_eq!(*service.inner(), "any service");
/// ```
#[derive(Clone, Debug)]
pub struct Observed<S, D = Server> {
    pub(super) inner: S,
    pub(super) side: PhantomData<D>,
    pub(super) signals: Option<&'static Signals>,
    pub(super) options: Option<Arc<Options>>,
}

impl<S> Layer<S> for ObservabilityLayer<Server> {
    type Service = Observed<S, Server>;

    fn layer(&self, inner: S) -> Self::Service {
        self.is_used();
        // Rules need the priorities before the first request, which may be the one that is missing.
        if let (Some(options), Some(signals)) = (&self.options, self.signals.or_else(started))
            && let Some(choices) = &options.choices
        {
            choices.priorities.expose(&signals.red);
        }
        observed(self, inner)
    }
}

impl<S: Callable<For>, For> Layer<S> for ObservabilityLayer<Client<For>> {
    type Service = Observed<S, Client<For>>;

    fn layer(&self, inner: S) -> Self::Service {
        observed(self, inner)
    }
}

fn observed<S, D>(layer: &ObservabilityLayer<D>, inner: S) -> Observed<S, D> {
    Observed { inner, side: PhantomData, signals: layer.signals, options: layer.options.clone() }
}

impl<S, D> Observed<S, D> {
    /// The service within.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The service within, to be changed.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }
}

impl<S, D, B, R> Service<Request<B>> for Observed<S, D>
where
    D: Side,
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: 'static,
    R: http_body::Body,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    // Taken into axum's own service it returns its future by one more copy, which costs more than the call. A request and a
    // future are large: neither is handed to another function on the way but the service's own.
    #[inline(never)]
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Self { inner, signals, options, .. } = self;
        let options = Options::of(options.as_ref());
        // Signals are looked up only for what is observed, because before `init` that is a complaint.
        if options.filter.as_ref().is_some_and(|filter| !is_wanted(&**filter, &mut request)) {
            return ResponseFuture::passed(inner.call(request));
        }
        let Some(signals) = in_force(*signals) else { return ResponseFuture::passed(inner.call(request)) };
        let begun = if D::IS_CLIENT {
            client::begin(signals, options, &mut request)
        } else {
            server::begin(signals, options, &request)
        };
        let Some(mut observation) = begun else { return ResponseFuture::passed(inner.call(request)) };
        if let Some(choices) = &options.choices {
            choices.request(&observation, &mut request);
        }
        let head = if D::IS_CLIENT { Expects::Head } else { Expects::served(request.method()) };
        // Not by `run`, whose closure would be one more copy of the request.
        let guard = observation.enter();
        let inner = inner.call(request);
        guard.returned();
        ResponseFuture::observed(observation, head, options.choices.clone(), inner)
    }
}

/// The layer's own signals, else the process's, unless they are off.
#[inline(always)]
fn in_force(own: Option<&'static Signals>) -> Option<&'static Signals> {
    own.or_else(global).filter(|signals| !signals.is_off())
}

/// Does the user's filter accept the request?
#[cold]
fn is_wanted<B>(filter: &dyn Fn(&Parts) -> bool, request: &mut Request<B>) -> bool {
    with_parts(request, filter)
}

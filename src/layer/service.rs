//! Owns the service: begin a hop, pass the request on, wrap what comes back.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{Layer, Service};

use super::options::{ObservabilityLayer, Options, Side};
use super::{ResponseBody, ResponseFuture, client, server};
use crate::hop::{Core, Observation, global};

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
pub struct Observed<S> {
    pub(super) inner: S,
    pub(super) side: Side,
    pub(super) core: Option<&'static Core>,
    pub(super) options: Option<Arc<Options>>,
}

impl<S> Layer<S> for ObservabilityLayer {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { inner, side: self.side, core: self.core, options: self.options.clone() }
    }
}

impl<S> Observed<S> {
    /// The service within.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The service within, to be changed.
    pub fn inner_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    fn begin<B>(&self, request: Request<B>) -> (Request<B>, Option<Observation>) {
        let Some(core) = self.core.or_else(global).filter(|core| !core.is_off()) else {
            return (request, None);
        };
        let options = Options::of(self.options.as_ref());
        let (mut request, wanted) = admitted(options, request);
        let observation = match self.side {
            _ if !wanted => None,
            Side::Server => server::begin(core, options, &request),
            Side::Client => client::begin(core, options, &mut request),
        };
        (request, observation)
    }
}

impl<S, B, R> Service<Request<B>> for Observed<S>
where
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.begin(request) {
            (request, None) => ResponseFuture::passed(self.inner.call(request)),
            (request, Some(mut observation)) => {
                let echo = server::echo(self.side, &observation);
                let head = ResponseFuture::<S::Future>::expects(self.side, request.method());
                let future = observation.run(|| self.inner.call(request));
                ResponseFuture::observed(future, observation, head, echo)
            }
        }
    }
}

/// Asks the user's filter; taking the request apart costs something, so only where there is one.
fn admitted<B>(options: &Options, request: Request<B>) -> (Request<B>, bool) {
    let Some(filter) = &options.filter else { return (request, true) };
    let (parts, body) = request.into_parts();
    let wanted = filter(&parts);
    (Request::from_parts(parts, body), wanted)
}

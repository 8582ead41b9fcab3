//! The matched route: read from the request, or passed out by [`RouteLayer`] to a layer around the router.

use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

pub(super) use framework::{matched, peer};

/// Inside a router, passes the matched route out to an [`ObservabilityLayer`](super::ObservabilityLayer) around the
/// router, which cannot see it otherwise.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower::Layer;
/// use tower_observability::{ObservabilityLayer, RouteLayer};
///
/// let router: Router =
///     Router::new().route("/bookings/{id}", get(|| async { "booked" })).route_layer(RouteLayer::new());
/// let outside = ObservabilityLayer::new().layer(router);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "hand it to `Router::route_layer`"]
pub struct RouteLayer(());

/// The service that [`RouteLayer`] makes of another one.
///
/// ```
/// use tower::Layer;
/// use tower_observability::{RouteLayer, Routed};
///
/// let service: Routed<&str> = RouteLayer::new().layer("any service");
/// # let _ = service;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Routed<S>(S);

impl RouteLayer {
    /// The layer. It has no options.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Routed<S>;

    fn layer(&self, inner: S) -> Routed<S> {
        Routed(inner)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Routed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        framework::hand_out(request.extensions());
        self.0.call(request)
    }
}

/// axum's router puts the route and the peer into the request's extensions.
#[cfg(feature = "axum")]
mod framework {
    use std::net::SocketAddr;

    use axum::extract::{ConnectInfo, MatchedPath};
    use http::Extensions;

    use crate::current::request;
    use crate::record::Route;

    #[inline]
    pub(in crate::layer) fn matched(extensions: &Extensions) -> Option<Route> {
        extensions.get::<MatchedPath>().map(|path| Route::of(path.as_str()))
    }

    pub(in crate::layer) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
        let info = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        info.or_else(|| extensions.get::<SocketAddr>().copied())
    }

    pub(super) fn hand_out(extensions: &Extensions) {
        if let Some(path) = extensions.get::<MatchedPath>() {
            request::route(path.as_str());
        }
    }
}

/// Without axum, the route comes from `request::route` alone.
#[cfg(not(feature = "axum"))]
mod framework {
    use std::net::SocketAddr;

    use http::Extensions;

    use crate::record::Route;

    pub(in crate::layer) fn matched(_: &Extensions) -> Option<Route> {
        None
    }

    pub(in crate::layer) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
        extensions.get::<SocketAddr>().copied()
    }

    pub(super) fn hand_out(_: &Extensions) {}
}

//! The two sides of a connection as types: what only one of them can choose is offered there alone.

use std::fmt::Debug;
use std::marker::PhantomData;

/// Requests that we serve: what [`ObservabilityLayer::new`](crate::ObservabilityLayer::new) is for.
#[derive(Clone, Copy, Debug)]
pub struct Server(());

/// Calls to other services: what [`ObservabilityLayer::client`](crate::ObservabilityLayer::client) is for.
///
/// `For` is what keeps it away from a server; it is inferred, and need not be written:
///
/// ```
/// use tower_observability::{ObservabilityLayer, side};
///
/// let layer: ObservabilityLayer<side::Client> = ObservabilityLayer::client();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Client<For = AnyService>(PhantomData<For>);

/// Server or client. No other type can be a side.
pub trait Side: Clone + Debug + sealed::Sealed + 'static {
    #[doc(hidden)]
    const IS_CLIENT: bool;
}

impl Side for Server {
    const IS_CLIENT: bool = false;
}

impl<For: Clone + Debug + 'static> Side for Client<For> {
    const IS_CLIENT: bool = true;
}

/// What the client's layer can be put around: everything except what serves requests.
///
/// A router of axum implements it in two ways, so that the compiler cannot choose one and asks for a type. The remedy
/// is [`ObservabilityLayer::new`](crate::ObservabilityLayer::new), or, where a test calls a router as if it were
/// another service, `router.into_service()`.
pub trait Callable<For> {}

/// See [`Callable`].
#[derive(Clone, Copy, Debug)]
pub struct AnyService(());

impl<S: ?Sized> Callable<AnyService> for S {}

#[cfg(feature = "axum")]
mod framework {
    use axum::Router;
    use axum::handler::HandlerService;
    use axum::routing::{MethodRouter, Route};

    use super::Callable;

    /// See [`Callable`]. The compiler names it beside a client layer that is put around a router.
    #[derive(Clone, Copy, Debug)]
    pub struct RoutersTakeObservabilityLayerNew(());

    impl<E> Callable<RoutersTakeObservabilityLayerNew> for Route<E> {}
    impl<S> Callable<RoutersTakeObservabilityLayerNew> for Router<S> {}
    impl<S, E> Callable<RoutersTakeObservabilityLayerNew> for MethodRouter<S, E> {}
    impl<H, T, S> Callable<RoutersTakeObservabilityLayerNew> for HandlerService<H, T, S> {}
}

#[cfg(feature = "axum")]
pub use framework::RoutersTakeObservabilityLayerNew;

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Server {}
    impl<For> Sealed for super::Client<For> {}
}

//! The count of a call's attempts: begun outside of a retry, taken by the client's layer inside of it.
//!
//! A retry's policy may rebuild the request, so nothing that stands on it can be relied on. The count is the thread's
//! while the outer future is polled; only for an attempt that is made from another task (a buffer's) it stands on the
//! request as well.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use http::{Extensions, Request};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::context::SpanId;
use crate::current::top_hop;

/// Counts the attempts of a retry inside of it: from the second on, span and line of an attempt have
/// `http.request.resend_count`.
///
/// Each attempt is a separate call, so the client layer goes inside the retry. The retry policy may build a new request. A
/// call that is made within an attempt, such as one for a token, is not counted.
///
/// With a `tower::buffer` between the two, the count is passed in the request's extensions; a policy that drops them loses
/// it.
///
/// ```
/// use tower::{Layer, ServiceBuilder, retry::RetryLayer};
/// use tower_observability::{AttemptsLayer, ObservabilityLayer};
/// # fn of<P: Clone, S>(policy: P, client: S) {
/// let client = ServiceBuilder::new()
///     .layer(AttemptsLayer::new())
///     .layer(RetryLayer::new(policy))
///     .layer(ObservabilityLayer::client())
///     .service(client);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "hand it to `.layer(…)`"]
pub struct AttemptsLayer(());

pin_project! {
    /// A service or a future in which attempts are counted: made by [`AttemptsLayer`] and by [`attempts`].
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use tower::Layer;
    /// use tower_observability::{Attempts, AttemptsLayer, attempts};
    ///
    /// let service: Attempts<&str> = AttemptsLayer::new().layer("any service");
    /// let calls: Attempts<Ready<u8>> = attempts(ready(7));
    /// # drop((service, calls));
    /// ```
    #[derive(Clone, Debug)]
    #[must_use = "a future does nothing unless polled"]
    pub struct Attempts<T> {
        #[pin]
        inner: T,
        made: u32,
    }
}

thread_local! {
    static COUNT: Cell<Option<Count>> = const { Cell::new(None) };
}

/// How many attempts were made.
#[derive(Clone, Copy, Debug)]
struct Count {
    made: u32,
    /// The hop in which they are made: a call within one of them is made in another.
    within: Option<SpanId>,
}

/// The counter, shared with code that makes the attempts elsewhere.
#[derive(Clone, Debug, Default)]
struct Shared(Arc<AtomicU32>);

/// Restores what was counted around, also when the work panics.
struct Counting<'a> {
    made: &'a mut u32,
    outer: Option<Count>,
}

/// Counts the attempts of a retry loop of your own: from the second on, each observed call within the future has
/// `http.request.resend_count`.
///
/// ```
/// # async fn call() -> Result<String, std::io::Error> { Ok(String::new()) }
/// # async fn of() -> Result<String, std::io::Error> {
/// tower_observability::attempts(async {
///     loop {
///         if let Ok(answer) = call().await {
///             break Ok(answer);
///         }
///     }
/// })
/// .await
/// # }
/// ```
pub fn attempts<F>(inner: F) -> Attempts<F> {
    Attempts { inner, made: 0 }
}

/// Which attempt of its call this is: 0 is the first, or one outside of any [`attempts`].
#[inline]
pub(crate) fn next(extensions: &Extensions) -> u32 {
    match COUNT.get() {
        Some(count) => count.next(),
        None => extensions.get::<Shared>().map_or(0, |shared| shared.0.fetch_add(1, Ordering::Relaxed)),
    }
}

fn innermost() -> Option<SpanId> {
    top_hop(|hop| hop.trace.span_id)
}

impl Count {
    #[cold]
    fn next(self) -> u32 {
        if innermost() != self.within {
            return 0;
        }
        COUNT.set(Some(Self { made: self.made.saturating_add(1), ..self }));
        self.made
    }
}

impl<'a> Counting<'a> {
    fn begin(made: &'a mut u32) -> Self {
        let outer = COUNT.replace(Some(Count { made: *made, within: innermost() }));
        Self { made, outer }
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        if let Some(count) = COUNT.replace(self.outer) {
            *self.made = count.made;
        }
    }
}

impl AttemptsLayer {
    /// The layer. It has no options.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for AttemptsLayer {
    type Service = Attempts<S>;

    fn layer(&self, inner: S) -> Attempts<S> {
        attempts(inner)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Attempts<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Attempts<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(Shared::default());
        let mut made = 0;
        let counting = Counting::begin(&mut made);
        let inner = self.inner.call(request);
        drop(counting);
        Attempts { inner, made }
    }
}

impl<F: Future> Future for Attempts<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _counting = Counting::begin(this.made);
        this.inner.poll(cx)
    }
}

//! The count of a call's attempts: begun outside of a retry, taken by the client's layer inside of it.
//!
//! A retry's policy may rebuild the request, so nothing that stands on it can be relied on. The count is the thread's
//! while the outer future is polled; only for an attempt that is made from another task (a buffer's) it stands on the
//! request as well.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Request};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::again::{Asked, Made};
use crate::context::SpanId;
use crate::current::top_hop;
use crate::names::attribute;
use crate::record::{FieldValue, Hop};
use crate::signals::{Signals, not_retryable};
use crate::threads::lock;

/// Counts the attempts of a retry inside of it: from the second on, span and line of an attempt have
/// `http.request.resend_count`.
///
/// Each attempt is a separate call, so the client layer goes inside the retry. The retry policy may build a new request. A
/// call that is made within an attempt, such as one for a token, is not counted.
///
/// What must not be tried again is told when it is: a POST or PATCH without an `idempotency-key` that the other side may
/// have done, and any call that was answered with 400, 401 (and has the same credentials again), 403 or 404, over gRPC with
/// the codes of the same meaning. The attempt and the request around it have the fields `observability.retry`, which is
/// `not_retryable`, and `observability.retry_reason`; there is a log line of level WARN, and
/// `retries_total{retry="<host>", result="not_retryable"}` counts it.
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
        last: Option<Made>,
    }
}

thread_local! {
    static COUNT: Cell<Option<Count>> = const { Cell::new(None) };
    /// The attempt before. Beside the count, which every call looks at, because it needs a destructor.
    static LAST: Cell<Option<Made>> = const { Cell::new(None) };
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
struct Shared(Arc<(AtomicU32, Mutex<Option<Made>>)>);

/// One of the attempts, before it is made.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// How many were made before.
    before: u32,
    asked: Asked,
    /// Where the one before is found, if that is not on this thread.
    shared: Option<Shared>,
}

/// Restores what was counted around, also when the work panics.
struct Counting<'a> {
    made: &'a mut u32,
    last: &'a mut Option<Made>,
    outer: (Option<Count>, Option<Made>),
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
    Attempts { inner, made: 0, last: None }
}

/// Which attempt of its call this is; `None` outside of any [`attempts`].
#[inline]
pub(crate) fn next(extensions: &Extensions, headers: &HeaderMap) -> Option<Attempt> {
    match COUNT.get() {
        Some(count) => count.next(headers),
        None => shared(extensions.get()?, headers),
    }
}

/// Of those that are made in another task.
#[cold]
fn shared(shared: &Shared, headers: &HeaderMap) -> Option<Attempt> {
    let before = shared.0.0.fetch_add(1, Ordering::Relaxed);
    Some(Attempt { before, asked: Asked::of(headers), shared: Some(shared.clone()) })
}

/// Puts this in the place of the thread's last attempt; a thread that ends has none.
fn replace_last(with: Option<Made>) -> Option<Made> {
    LAST.try_with(|last| last.replace(with)).ok().flatten()
}

fn innermost() -> Option<SpanId> {
    top_hop(|hop| hop.trace.span_id)
}

impl Count {
    #[cold]
    fn next(self, headers: &HeaderMap) -> Option<Attempt> {
        if innermost() != self.within {
            return None;
        }
        COUNT.set(Some(Self { made: self.made.saturating_add(1), ..self }));
        Some(Attempt { before: self.made, asked: Asked::of(headers), shared: None })
    }
}

impl Attempt {
    /// It is made in this hop. The conventions count attempts from the second on. What is said of it are fields, so that the
    /// line says it as well.
    #[cold]
    pub(crate) fn begins(self, signals: &Signals, hop: &Arc<Hop>) {
        if self.before > 0 {
            hop.add(attribute::HTTP_REQUEST_RESEND_COUNT, FieldValue::U64(self.before.into()));
        }
        let made = Some(Made::new(Arc::clone(hop), self.asked));
        let last = match &self.shared {
            Some(shared) => std::mem::replace(&mut *lock(&shared.0.1), made.clone()),
            None => replace_last(made.clone()),
        };
        if let (Some(last), Some(made)) = (last, made)
            && let Some(why) = made.must_not_follow(&last)
        {
            not_retryable(signals, made.host(), &why, Some(hop));
        }
    }
}

impl<'a> Counting<'a> {
    fn begin(made: &'a mut u32, last: &'a mut Option<Made>) -> Self {
        let count = COUNT.replace(Some(Count { made: *made, within: innermost() }));
        let outer = (count, replace_last(last.take()));
        Self { made, last, outer }
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let (count, last) = (self.outer.0, self.outer.1.take());
        if let Some(count) = COUNT.replace(count) {
            *self.made = count.made;
        }
        *self.last = replace_last(last);
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
        let (mut made, mut last) = (0, None);
        let counting = Counting::begin(&mut made, &mut last);
        let inner = self.inner.call(request);
        drop(counting);
        Attempts { inner, made, last }
    }
}

impl<F: Future> Future for Attempts<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _counting = Counting::begin(this.made, this.last);
        this.inner.poll(cx)
    }
}

//! Tasks that stay part of their request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tracing::Span;

use super::current;
use super::stack::{Current, enter};

pin_project! {
    /// A future that keeps the context in which it was created wherever it is polled or dropped. Created by
    /// [`in_request`].
    ///
    /// ```
    /// use std::future::{Ready, ready};
    /// use tower_observability::{InRequest, in_request};
    ///
    /// let work: InRequest<Ready<u8>> = in_request(ready(7));
    /// # drop(work);
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InRequest<F> {
        // Taken only by the drop.
        #[pin]
        inner: Option<F>,
        current: Option<Current>,
        span: Span,
    }

    impl<F> PinnedDrop for InRequest<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _span = this.span.enter();
            let _entered = this.current.take().map(enter);
            this.inner.set(None);
        }
    }
}

/// Spawns a task that stays part of the request: its spans, lines and calls carry the same trace id.
///
/// The current `tracing` span stays open until the task ends, as with `in_current_span`. What the task adds with
/// [`request`](super::request) is recorded until the request ends.
///
/// A future that was given a span (`.instrument(info_span!(…))`) needs no help: the span knows its request. Nor does a
/// thread that enters one, which is the way for blocking code:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let span = tracing::info_span!("hash");
/// let task = tokio::task::spawn_blocking(move || span.in_scope(|| tracing::info!("in the request's trace")));
/// task.await.unwrap();
/// # }
/// ```
///
/// # Panics
///
/// Outside a tokio runtime, as [`tokio::spawn`] does.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = tower_observability::spawn(async { tracing::info!("still part of the request") });
/// task.await.unwrap();
/// # }
/// ```
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(in_request(future))
}

/// Ties a future to the context that is current now, for runtimes and executors other than [`spawn`]'s: a `JoinSet`,
/// a local set, a thread that blocks on it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut tasks = tokio::task::JoinSet::new();
/// tasks.spawn(tower_observability::in_request(async { tracing::info!("still part of the request") }));
/// tasks.join_all().await;
/// # }
/// ```
pub fn in_request<F>(inner: F) -> InRequest<F> {
    InRequest { inner: Some(inner), current: current(), span: Span::current() }
}

impl<F: Future> Future for InRequest<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Pending };
        // The span first: what was innermost when the task was made is innermost again.
        let _span = this.span.enter();
        let _entered = this.current.clone().map(enter);
        inner.poll(cx)
    }
}

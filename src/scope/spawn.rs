//! Owns tasks that stay part of their request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tracing::Span;

use super::current;
use super::stack::{Current, enter};

pin_project! {
    /// A future that carries the context in which it was made wherever it is polled. Made by [`in_scope`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        #[pin]
        inner: F,
        current: Option<Current>,
        span: Span,
    }
}

/// Spawns a task that stays part of the request: its spans, lines and calls carry the same trace id.
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
    tokio::spawn(in_scope(future))
}

/// Ties a future to the context that is current now, for runtimes and executors other than [`spawn`]'s.
pub fn in_scope<F>(inner: F) -> Scoped<F> {
    Scoped { inner, current: current(), span: Span::current() }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // The span first: what was innermost when the task was made is innermost again.
        let _span = this.span.enter();
        let _entered = this.current.clone().map(enter);
        this.inner.poll(cx)
    }
}

//! Where a thread's spans, events, metrics, layers and work report: to this instance, on the threads that entered it.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use ::metrics::LocalRecorderGuard;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::layer::SubscriberExt as _;

use super::open::Open;
use crate::bridge::Bridge;
use crate::metrics::Recorder;
use crate::signals::{OfThread, Signals, set_of_thread};

/// An instance's subscriber and recorder.
#[derive(Clone, Debug)]
pub(super) struct Place {
    dispatch: Dispatch,
    recorder: &'static Recorder,
    signals: &'static Signals,
}

/// Both are the thread's until this is dropped.
pub(super) struct Here {
    _subscriber: DefaultGuard,
    _recorder: LocalRecorderGuard<'static>,
    _signals: OfThread,
}

/// A future that is polled, and dropped, with an instance as its thread's.
#[must_use = "futures do nothing unless polled"]
pub(super) struct Scope<F> {
    place: Place,
    // Taken only by the drop.
    inner: Option<Pin<Box<F>>>,
}

// With a single subscriber in the process `tracing` asks only the thread that reaches a place in the code first
// whether any subscriber is interested, and keeps the answer for all threads. This one makes it ask every subscriber.
static SECOND: OnceLock<Dispatch> = OnceLock::new();

impl Place {
    pub(super) fn new(signals: &'static Signals, recorder: &'static Recorder, open: &Open) -> Self {
        SECOND.get_or_init(|| Dispatch::new(NoSubscriber::default()));
        let registry = tracing_subscriber::registry().with(Bridge::new(signals)).with(open.clone());
        Self { dispatch: Dispatch::new(registry), recorder, signals }
    }

    pub(super) fn enter(&self) -> Here {
        Here {
            _subscriber: dispatcher::set_default(&self.dispatch),
            _recorder: ::metrics::set_default_local_recorder(self.recorder),
            _signals: set_of_thread(self.signals),
        }
    }

    pub(super) fn scope<F: Future>(&self, future: F) -> Scope<F> {
        Scope { place: self.clone(), inner: Some(Box::pin(future)) }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _here = self.place.enter();
        match &mut self.inner {
            Some(inner) => inner.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Scope<F> {
    fn drop(&mut self) {
        let _here = self.place.enter();
        self.inner = None;
    }
}

//! Owns one question: does what `tracing` says reach us? Where the registry is the user's, it may not.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::pipeline::complain;

/// Asked at the first hop, and only if the registry is the user's.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    asks: AtomicBool,
    is_reached: Option<fn() -> bool>,
}

impl Listening {
    /// Asks this, once.
    pub(crate) fn asking(is_reached: fn() -> bool) -> Self {
        Self { asks: AtomicBool::new(true), is_reached: Some(is_reached) }
    }

    /// The layer is in a subscriber: there is no question any more.
    pub(crate) fn is_answered(&self) {
        if self.asks.load(Ordering::Relaxed) {
            self.asks.store(false, Ordering::Relaxed);
        }
    }

    /// A hop begins.
    #[inline]
    pub(super) fn hop_begins(&self) {
        if self.asks.load(Ordering::Relaxed) {
            self.ask();
        }
    }

    #[cold]
    fn ask(&self) {
        let Some(is_reached) = self.is_reached else { return };
        if self.asks.swap(false, Ordering::Relaxed) && !is_reached() {
            complain(format_args!(
                "the first request is here, and no `tracing` subscriber has our layer: of its events and spans none \
                 is seen; before it, say tracing_subscriber::registry().with(observability.tracing_layer()).init()"
            ));
        }
    }
}

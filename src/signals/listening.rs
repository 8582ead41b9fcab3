//! One question: does what `tracing` says reach us? Where the registry is the user's, it may not.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::threads::complain;

/// Asked at the first hop, and only if the registry is the user's.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    asks: AtomicBool,
    /// A subscriber with our layer has asked, and lives.
    heard: AtomicBool,
    is_reached: Option<fn() -> bool>,
}

impl Listening {
    /// Asks this, once.
    pub(crate) fn asking(is_reached: fn() -> bool) -> Self {
        Self { asks: AtomicBool::new(true), heard: AtomicBool::new(false), is_reached: Some(is_reached) }
    }

    /// The layer is in a subscriber, or was dropped with one that nobody wanted.
    pub(crate) fn hear(&self, heard: bool) {
        self.heard.store(heard, Ordering::Relaxed);
    }

    /// A hop begins.
    pub(super) fn hop_begins(&self) {
        if self.asks.load(Ordering::Relaxed) {
            self.ask();
        }
    }

    fn ask(&self) {
        let Some(is_reached) = self.is_reached else { return };
        let first = self.asks.swap(false, Ordering::Relaxed);
        if first && !is_reached() && !self.heard.load(Ordering::Relaxed) {
            complain(format_args!(
                "the first request is here, and no `tracing` subscriber has our layer: of its events and spans none \
                 is seen; before it, say tracing_subscriber::registry().with(observability.tracing_layer()).init()"
            ));
        }
    }
}

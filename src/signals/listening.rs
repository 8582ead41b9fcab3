//! One question: does what `tracing` says reach us? Where the registry is the user's, it may not.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::threads::complain;

/// Asked at the first hop, and only if the registry is the user's.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    asks: AtomicBool,
    /// A subscriber with our layer has asked, and lives.
    heard: AtomicBool,
    /// What keeps it from us, asked on the thread of the first hop; the layer may have been heard of elsewhere.
    trouble: Option<fn(heard: bool) -> Option<&'static str>>,
}

impl Listening {
    /// Asks this, once.
    pub(crate) fn asking(trouble: fn(heard: bool) -> Option<&'static str>) -> Self {
        Self { asks: AtomicBool::new(true), heard: AtomicBool::new(false), trouble: Some(trouble) }
    }

    /// The layer is in a subscriber, or was dropped with one that was not installed.
    pub(crate) fn hear(&self, heard: bool) {
        self.heard.store(heard, Ordering::Relaxed);
    }

    /// A hop begins.
    #[inline]
    pub(super) fn hop_begins(&self) {
        if self.asks.load(Ordering::Relaxed) {
            self.ask();
        }
    }

    fn ask(&self) {
        let Some(trouble) = self.trouble else { return };
        let first = self.asks.swap(false, Ordering::Relaxed);
        if let Some(trouble) = first.then(|| trouble(self.heard.load(Ordering::Relaxed))).flatten() {
            complain(format_args!("at the first request: {trouble}"));
        }
    }
}

//! The count of log records that were cut to what receivers take.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "otlp")]
use crate::threads::complain;

#[derive(Debug, Default)]
pub(super) struct Shortened(AtomicU64);

impl Shortened {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more.
    #[cfg(feature = "otlp")]
    pub(super) fn add(&self) {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        complain(format_args!("log records that were too long: {count}; their longest values were cut"));
    }
}

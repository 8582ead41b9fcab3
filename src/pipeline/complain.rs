//! Owns our own voice: trouble goes to stderr, at most once a second, never into the pipeline.

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock::Moment;

const PAUSE_NANOS: u64 = 1_000_000_000;
static LAST: AtomicU64 = AtomicU64::new(0);
static UNSAID: AtomicU64 = AtomicU64::new(0);

/// Something that is said once in a process's life.
#[derive(Debug, Default)]
pub(crate) struct Once(AtomicBool);

/// Writes one line to stderr, unless one was written within the last second.
pub(crate) fn complain(message: fmt::Arguments<'_>) {
    let now = Moment::now().unix_nanos();
    let last = LAST.load(Ordering::Relaxed);
    let due = now.saturating_sub(last) >= PAUSE_NANOS;
    if !due || LAST.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        UNSAID.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let more = match UNSAID.swap(0, Ordering::Relaxed) {
        0 => String::new(),
        unsaid => format!(" ({unsaid} messages before this one were not written)"),
    };
    // Whoever closed stderr does not want to know.
    let _ = writeln!(std::io::stderr(), "tower-observability: {message}{more}");
}

impl Once {
    /// True for the first caller only.
    pub(crate) fn first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

//! A count that many threads add to: one cell a stripe, so that two requests rarely share a line of the cache.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{stripe_count, stripe_of_thread};

/// A count that only grows.
#[derive(Debug)]
pub(crate) struct Tally {
    cells: Box<[Cell]>,
}

/// One stripe's part, on a line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell(AtomicU64);

impl Default for Tally {
    fn default() -> Self {
        Self { cells: (0..stripe_count()).map(|_| Cell::default()).collect() }
    }
}

impl Tally {
    /// Counts one.
    pub(crate) fn one(&self) {
        if let Some(cell) = self.cells.get(stripe_of_thread(self.cells.len())) {
            cell.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.cells.iter().map(|cell| cell.0.load(Ordering::Relaxed)).sum()
    }
}

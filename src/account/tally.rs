//! A number that many threads add to: one cell for each stripe, so that two requests rarely share a cache line.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::CounterFn;

use super::{stripe_count, stripe_of_thread};

/// A number of 64 bits, the sum of its cells; what is added may wrap.
#[derive(Debug)]
pub(crate) struct Tally {
    cells: Box<[Cell]>,
}

/// One stripe's part, on a cache line of its own.
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
        self.add(1);
    }

    #[inline]
    pub(crate) fn add(&self, count: u64) {
        if let Some(cell) = self.own() {
            cell.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// The count so far.
    pub(crate) fn count(&self) -> u64 {
        self.values().fold(0, u64::wrapping_add)
    }

    /// This thread's cell, for what is no whole number.
    #[inline]
    pub(crate) fn own(&self) -> Option<&AtomicU64> {
        self.cells.get(stripe_of_thread(self.cells.len())).map(|cell| &cell.0)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = u64> {
        self.cells.iter().map(|cell| cell.0.load(Ordering::Relaxed))
    }
}

impl CounterFn for Tally {
    fn increment(&self, value: u64) {
        self.add(value);
    }

    fn absolute(&self, value: u64) {
        // Every thread that sets uses the first cell, so that a difference is added once.
        let Some((first, others)) = self.cells.split_first() else { return };
        let _ = first.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |own| {
            let rest =
                others.iter().fold(0_u64, |sum, cell| sum.wrapping_add(cell.0.load(Ordering::Relaxed)));
            let missing = value.checked_sub(own.wrapping_add(rest))?;
            (missing > 0).then(|| own.wrapping_add(missing))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_never_lowers_and_increments_add_to_it() {
        let counter = Tally::default();
        counter.absolute(100);
        counter.increment(1);
        counter.absolute(50);
        assert_eq!(counter.count(), 101);
        counter.absolute(200);
        assert_eq!(counter.count(), 200);
    }
}

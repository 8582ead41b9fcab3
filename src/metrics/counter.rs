//! The counter: one cell a stripe, so that two requests rarely share a line of the cache.

use std::sync::atomic::{AtomicU64, Ordering};

use ::metrics::CounterFn;

use crate::account::{stripe_count, stripe_of_thread};

/// A counter of whole numbers.
#[derive(Debug)]
pub(super) struct Counter {
    stripes: Box<[Cell]>,
}

/// One stripe's part, on a line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Cell(pub(super) AtomicU64);

impl Counter {
    pub(super) fn new() -> Self {
        Self { stripes: cells() }
    }

    pub(super) fn value(&self) -> u64 {
        self.stripes.iter().fold(0, |sum, cell| sum.wrapping_add(cell.0.load(Ordering::Relaxed)))
    }
}

/// A cell a stripe, all zero.
pub(super) fn cells() -> Box<[Cell]> {
    (0..stripe_count()).map(|_| Cell::default()).collect()
}

/// This thread's cell.
#[inline]
pub(super) fn own(cells: &[Cell]) -> Option<&AtomicU64> {
    cells.get(stripe_of_thread(cells.len())).map(|cell| &cell.0)
}

impl CounterFn for Counter {
    fn increment(&self, value: u64) {
        if let Some(cell) = own(&self.stripes) {
            cell.fetch_add(value, Ordering::Relaxed);
        }
    }

    fn absolute(&self, value: u64) {
        // All who set meet on the first cell, so that what is missing is added once.
        let Some((first, others)) = self.stripes.split_first() else { return };
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
        let counter = Counter::new();
        counter.absolute(100);
        counter.increment(1);
        counter.absolute(50);
        assert_eq!(counter.value(), 101);
        counter.absolute(200);
        assert_eq!(counter.value(), 200);
    }
}

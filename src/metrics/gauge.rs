//! The gauge: a base that is set, and striped parts that are added, so that an in-flight gauge is not one
//! atomic shared by all requests. Our own counts whole things, which is one addition where a float is a loop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ::metrics::GaugeFn;

use crate::account::Tally;

/// A gauge of floating-point numbers.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    base: AtomicU64,
    // The bits of floating-point numbers. Most gauges are only ever set; they have no stripes.
    added: OnceLock<Tally>,
    // What came and went; each part may be below zero, and wraps.
    counted: OnceLock<Tally>,
}

impl Gauge {
    pub(super) fn value(&self) -> f64 {
        f64::from_bits(self.base.load(Ordering::Relaxed)) + self.moved()
    }

    fn moved(&self) -> f64 {
        self.added() + self.counted() as f64
    }

    fn added(&self) -> f64 {
        self.added.get().map_or(0.0, |added| added.values().map(f64::from_bits).sum())
    }

    fn counted(&self) -> i64 {
        self.counted.get().map_or(0, |counted| counted.count().cast_signed())
    }

    /// One more.
    #[inline]
    pub(super) fn enter(&self) {
        self.count(1);
    }

    /// One less.
    #[inline]
    pub(super) fn leave(&self) {
        self.count(-1);
    }

    #[inline]
    fn count(&self, by: i64) {
        self.counted.get_or_init(Tally::default).add(by.cast_unsigned());
    }

    fn add(&self, value: f64) {
        // NaN would stay in the sum for ever.
        if let Some(cell) = self.added.get_or_init(Tally::default).own().filter(|_| value.is_finite()) {
            add(cell, value);
        }
    }
}

/// Adds to a number kept as its bits.
#[inline]
pub(super) fn add(cell: &AtomicU64, value: f64) {
    let _ = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
        Some((f64::from_bits(bits) + value).to_bits())
    });
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        self.base.store((value - self.moved()).to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_set_and_moved_in_any_order() {
        let gauge = Gauge::default();
        gauge.increment(2.0);
        gauge.set(10.0);
        gauge.decrement(3.0);
        assert_eq!(gauge.value(), 7.0);
        gauge.set(0.5);
        assert_eq!(gauge.value(), 0.5);
    }

    #[test]
    fn what_comes_on_one_thread_may_go_on_another_and_moves_what_was_set() {
        let gauge = Gauge::default();
        gauge.set(5.0);
        (0..3).for_each(|_| gauge.enter());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| gauge.leave());
            }
        });
        assert_eq!(gauge.value(), 4.0);
        gauge.set(7.0);
        gauge.increment(0.5);
        gauge.leave();
        assert_eq!(gauge.value(), 6.5);
    }

    #[test]
    fn what_is_not_a_number_does_not_stay() {
        let gauge = Gauge::default();
        gauge.increment(f64::NAN);
        gauge.set(f64::INFINITY);
        assert_eq!(gauge.value(), f64::INFINITY);
        gauge.set(1.0);
        assert_eq!(gauge.value(), 1.0);
    }
}

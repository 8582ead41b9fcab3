//! The period that a query is about.

use super::super::store::Held;
use super::parameters::{Parameters, Wrong};

/// The points of a plot.
pub(super) const SLICES: usize = 60;

/// The period, in microseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) to: i64,
    /// When the earliest of what was counted happened.
    first: i64,
}

impl Window {
    /// The last `within` milliseconds before the newest that arrived.
    pub(super) fn of(held: &Held, asked: &Parameters) -> Result<Self, Wrong> {
        let within = asked.within(300_000)?.max(1_000_000);
        let to = held.newest;
        Ok(Self { from: to.saturating_sub(within), to, first: to })
    }

    pub(super) fn has(self, at: i64) -> bool {
        (self.from..=self.to).contains(&at)
    }

    pub(super) fn see(&mut self, at: i64) {
        self.first = self.first.min(at);
    }

    /// Per second, from the earliest that was counted: before that nothing may have been received.
    pub(super) fn rate(self, requests: u64) -> f64 {
        requests as f64 / ((self.to - self.first) as f64 / 1e6).max(1.0)
    }

    pub(super) fn slice(self, at: i64) -> usize {
        let part = (at - self.from) as f64 / ((self.to - self.from) as f64).max(1.0);
        ((part * SLICES as f64) as usize).min(SLICES - 1)
    }

    pub(super) fn start_of(self, slice: usize) -> i64 {
        self.from + (self.to - self.from) / SLICES as i64 * slice as i64
    }
}

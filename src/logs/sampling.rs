//! Which lines and log records are left out on purpose, and how many: those of successful hops beyond the share that is
//! kept, and those of a call site beyond its rate limit.

use std::time::Duration;

use tracing::Event;

use super::rate_limit::{CallSite, RateLimit};
use crate::account::{LeftOut, Tally};
use crate::context::{TurnedShare, randomness, threshold_of};
use crate::record::{End, Hop};

/// What is to be left out.
#[derive(Clone, Debug)]
pub(super) struct Sampling {
    /// The share of the lines of successful hops that is kept.
    pub(super) ok_share: f64,
    /// What took this long is slow, and keeps its line.
    pub(super) slow: Duration,
    /// How many lines a second one call site may write; 0 means no limit.
    pub(super) limit: u32,
}

/// What is left out, and how much it was so far.
#[derive(Debug)]
pub(super) struct Sampler {
    /// `None`: every ok line is kept.
    ok: Option<Threshold>,
    turned: TurnedShare,
    /// `None`: no call site has a limit.
    rate_limit: Option<RateLimit>,
    /// What took this long is slow.
    pub(super) slow: Duration,
    sampled: Tally,
}

/// Lines of traces from this threshold on are kept; `None` keeps none.
type Threshold = Option<u64>;

impl Default for Sampling {
    fn default() -> Self {
        Self { ok_share: 1.0, slow: Duration::from_secs(1), limit: 10_000 }
    }
}

impl Sampler {
    pub(super) fn new(sampling: &Sampling) -> Self {
        Self {
            ok: (sampling.ok_share < 1.0).then(|| threshold_of(sampling.ok_share)),
            turned: TurnedShare::default(),
            rate_limit: (sampling.limit > 0).then(|| RateLimit::new(sampling.limit)),
            slow: sampling.slow,
            sampled: Tally::default(),
        }
    }

    /// Is this finished hop's line left out? It is counted then.
    #[inline]
    pub(super) fn leaves_out_hop(&self, hop: &Hop, end: &End) -> bool {
        self.ok_lines().is_some_and(|ok| end.outcome.is_good() && self.leaves_out_ok(ok, hop, end))
    }

    /// Which ok lines are kept now; `None`: all.
    #[inline]
    fn ok_lines(&self) -> Option<Threshold> {
        match self.turned.get() {
            None => self.ok,
            // From this threshold on every trace is kept.
            Some(Some(0)) => None,
            turned => turned,
        }
    }

    /// Keeps another share of the ok lines from now on; `None` goes back to the configured one.
    pub(super) fn set_ok_share(&self, share: Option<f64>) {
        self.turned.set(share);
    }

    fn leaves_out_ok(&self, threshold: Threshold, hop: &Hop, end: &End) -> bool {
        let kept = end.at.since(hop.start) >= self.slow
            || threshold.is_some_and(|threshold| randomness(hop.trace.trace_id, &hop.tracestate) >= threshold)
            // It succeeded, but an error was noted.
            || hop.notes().as_ref().is_some_and(|notes| notes.error.is_some())
            || hop.is_detailed();
        if !kept {
            self.sampled.one();
        }
        !kept
    }

    /// Is this event's line left out? It is counted then.
    #[inline]
    pub(super) fn leaves_out_event(&self, event: &Event<'_>) -> bool {
        self.rate_limit.as_ref().is_some_and(|limit| !limit.admits(event))
    }

    /// Hands out each call site whose lines were left out since this was last called, with their number and the limit.
    pub(super) fn report_limited(&self, report: impl FnMut(&CallSite, u64, u32)) {
        if let Some(limit) = &self.rate_limit {
            limit.report(report);
        }
    }

    /// How many there were so far, by reason.
    pub(super) fn counts(&self) -> Vec<(LeftOut, u64)> {
        let limited = self.rate_limit.as_ref().map_or(0, RateLimit::count);
        let counts = [(LeftOut::Sampled, self.sampled.count()), (LeftOut::Limited, limited)];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
#[path = "sampling/tests.rs"]
mod tests;

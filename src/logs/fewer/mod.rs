//! Which lines are left out on purpose, and their count: ok lines beyond the share that is kept, and a place
//! in the code that writes more than anybody reads.
//!
//! [`Lines`](super::Lines) asks before a line is made; what it says holds for log records as well.

mod choice;
mod options;
mod sites;

pub(super) use choice::Choice;
pub(super) use options::VARIABLES;
pub(super) use sites::Site;

use std::time::Duration;

use tracing::Event;

use self::sites::Sites;
use crate::account::{LeftOut, Tally};
use crate::context::{randomness, threshold_of};
use crate::record::{End, Hop};

/// What is left out, and how much it was so far.
#[derive(Debug)]
pub(super) struct Fewer {
    /// `None`: every ok line is kept.
    ok: Option<OkLines>,
    /// `None`: every place writes what it likes.
    sites: Option<Sites>,
    sampled: Tally,
}

/// Which of the hops that ended well have a line.
#[derive(Clone, Copy, Debug)]
struct OkLines {
    /// Traces from here on are kept; `None` keeps none.
    threshold: Option<u64>,
    /// What took so long is kept anyway.
    slow: Duration,
}

impl Fewer {
    pub(super) fn new(choice: &Choice) -> Self {
        let ok = OkLines { threshold: threshold_of(choice.share), slow: choice.slow };
        Self {
            ok: (choice.share < 1.0).then_some(ok),
            sites: (choice.limit > 0).then(|| Sites::new(choice.limit)),
            sampled: Tally::default(),
        }
    }

    /// Is this finished hop's line left out? It is counted then.
    #[inline]
    pub(super) fn leaves_out_hop(&self, hop: &Hop, end: &End) -> bool {
        self.ok.is_some_and(|ok| end.outcome.is_good() && self.leaves_out_ok(ok, hop, end))
    }

    fn leaves_out_ok(&self, ok: OkLines, hop: &Hop, end: &End) -> bool {
        let kept = end.at.since(hop.start) >= ok.slow
            || ok.threshold.is_some_and(|threshold| randomness(hop.trace.trace_id, &hop.tracestate) >= threshold)
            // It ended well, but somebody noted an error.
            || hop.notes().as_ref().is_some_and(|notes| notes.error.is_some());
        if !kept {
            self.sampled.one();
        }
        !kept
    }

    /// Is this event's line left out? It is counted then.
    #[inline]
    pub(super) fn leaves_out_event(&self, event: &Event<'_>) -> bool {
        self.sites.as_ref().is_some_and(|sites| !sites.admit(event))
    }

    /// Tells of each place how many lines of it were left out since this was last asked.
    pub(super) fn tell(&self, say: impl FnMut(&Site, u64, u32)) {
        if let Some(sites) = &self.sites {
            sites.tell(say);
        }
    }

    /// How many there were so far, by reason.
    pub(super) fn counts(&self) -> Vec<(LeftOut, u64)> {
        let limited = self.sites.as_ref().map_or(0, Sites::count);
        let counts = [(LeftOut::Sampled, self.sampled.count()), (LeftOut::Limited, limited)];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests;

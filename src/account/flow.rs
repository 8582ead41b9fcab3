//! One signal's counters: the queue counts what it took and refused, the exporter what happened to it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Counted;

/// Why something was lost. [`as_str`](Self::as_str) is the value of the label `error_type`.
///
/// ```
/// use tower_observability::{DropReason, FlowReport};
///
/// fn never_full(report: &FlowReport) -> bool {
///     report.dropped.iter().all(|(reason, _)| *reason != DropReason::QueueFull)
/// }
/// assert!(never_full(&FlowReport::default()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue was full.
    QueueFull,
    /// It was created after the shutdown.
    AlreadyShutdown,
    /// The receiver rejected it, and a retry would not help.
    Rejected,
    /// All retries until the deadline failed.
    Timeout,
    /// The transport cannot be used at all.
    Unreachable,
    /// Larger than the transport may send.
    TooLarge,
    /// Writing to standard output failed.
    WriteFailed,
}

/// Why something was left out on purpose. [`as_str`](Self::as_str) is the value of the label `reason`.
///
/// ```
/// assert_eq!(tower_observability::LeftOut::Sampled.as_str(), "sampled");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftOut {
    /// It succeeded, and only a share of those is kept ([`Logs::sample_ok`](crate::Logs::sample_ok)).
    Sampled,
    /// One call site wrote more lines than allowed ([`Logs::limit`](crate::Logs::limit)).
    Limited,
}

const REASONS: [DropReason; 7] = [
    DropReason::QueueFull,
    DropReason::AlreadyShutdown,
    DropReason::Rejected,
    DropReason::Timeout,
    DropReason::Unreachable,
    DropReason::TooLarge,
    DropReason::WriteFailed,
];

/// One signal's account.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    created: AtomicU64,
    delivered: AtomicU64,
    unconfirmed: AtomicU64,
    dropped: [AtomicU64; REASONS.len()],
}

/// The counts of one signal at one moment: created = delivered + unconfirmed + dropped + left out + queued.
///
/// ```
/// let report = tower_observability::FlowReport::default();
/// assert_eq!(report.to_string(), "0 delivered, 0 unconfirmed, 0 dropped");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowReport {
    /// Handed to the pipeline.
    pub created: u64,
    /// Confirmed by the receiver, or written to the descriptor.
    pub delivered: u64,
    /// Sent, never answered.
    pub unconfirmed: u64,
    /// Lost, with the reason of each loss.
    pub dropped: Vec<(DropReason, u64)>,
    /// Left out on purpose, with the reason.
    pub left_out: Vec<(LeftOut, u64)>,
}

impl DropReason {
    /// The word for it, as on `/metrics`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::AlreadyShutdown => "already_shutdown",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::TooLarge => "too_large",
            Self::WriteFailed => "write_failed",
        }
    }
}

impl LeftOut {
    pub(crate) const ALL: [Self; 2] = [Self::Sampled, Self::Limited];

    /// The word for it, as on `/metrics`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::Limited => "limited",
        }
    }
}

impl Flow {
    pub(crate) fn created(&self, count: u64) {
        self.created.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, count: u64) {
        self.delivered.fetch_add(count, Ordering::Release);
    }

    pub(crate) fn unconfirmed(&self, count: u64) {
        self.unconfirmed.fetch_add(count, Ordering::Release);
    }

    pub(crate) fn dropped(&self, reason: DropReason, count: u64) {
        self.dropped[reason as usize].fetch_add(count, Ordering::Release);
    }

    /// How many were lost or not confirmed behind the queue.
    pub(crate) fn lost(&self) -> u64 {
        let dropped = self.dropped.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
        dropped + self.unconfirmed.load(Ordering::Relaxed)
    }

    /// The account now; `counted` asks the signal's queue what it counted by itself.
    pub(crate) fn report(&self, counted: impl FnOnce() -> Counted) -> FlowReport {
        // The ends are read before the beginnings: what has ended had begun before, so that a report never has
        // more ends than beginnings.
        let (delivered, unconfirmed) =
            (self.delivered.load(Ordering::Acquire), self.unconfirmed.load(Ordering::Acquire));
        let mut dropped = self.dropped.each_ref().map(|count| count.load(Ordering::Acquire));
        let counted = counted();
        dropped[DropReason::QueueFull as usize] += counted.full;
        dropped[DropReason::AlreadyShutdown as usize] += counted.late;
        let dropped = REASONS.iter().zip(dropped).filter(|(_, count)| *count > 0);
        FlowReport {
            created: self.created.load(Ordering::Relaxed) + counted.created,
            delivered,
            unconfirmed,
            dropped: dropped.map(|(reason, count)| (*reason, count)).collect(),
            left_out: Vec::new(),
        }
    }
}

impl FlowReport {
    /// What was lost, each with the word for its reason.
    pub(crate) fn reasons(self) -> impl Iterator<Item = (&'static str, u64)> {
        self.dropped.into_iter().map(|(reason, count)| (reason.as_str(), count))
    }

    /// How many were lost, whatever the reason.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }

    /// How many were left out on purpose, whatever the reason.
    #[must_use]
    pub fn left_out_total(&self) -> u64 {
        self.left_out.iter().map(|(_, count)| count).sum()
    }

    /// This account, with what was left out before the queue.
    pub(crate) fn leaving_out(mut self, left_out: Vec<(LeftOut, u64)>) -> Self {
        self.left_out = left_out;
        self.created += self.left_out_total();
        self
    }

    /// This account and another one, as one.
    #[cfg(feature = "reports")]
    pub(crate) fn with(mut self, other: Self) -> Self {
        self.created += other.created;
        self.delivered += other.delivered;
        self.unconfirmed += other.unconfirmed;
        for (reason, count) in other.dropped {
            match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, known)) => *known += count,
                None => self.dropped.push((reason, count)),
            }
        }
        self
    }

    /// How many wait in the queue.
    #[must_use]
    pub fn queued(&self) -> u64 {
        let ended = self.delivered + self.unconfirmed + self.dropped_total() + self.left_out_total();
        self.created.saturating_sub(ended)
    }
}

impl fmt::Display for FlowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} delivered, {} unconfirmed, {} dropped",
            self.delivered,
            self.unconfirmed,
            self.dropped_total()
        )?;
        reasons(f, self.dropped.iter().map(|(reason, count)| (reason.as_str(), *count)))?;
        if !self.left_out.is_empty() {
            write!(f, ", {} left out", self.left_out_total())?;
            reasons(f, self.left_out.iter().map(|(reason, count)| (reason.as_str(), *count)))?;
        }
        match self.queued() {
            0 => Ok(()),
            queued => write!(f, ", {queued} queued"),
        }
    }
}

fn reasons(f: &mut fmt::Formatter<'_>, counts: impl Iterator<Item = (&'static str, u64)>) -> fmt::Result {
    let mut end = "";
    for (reason, count) in counts {
        let before = if end.is_empty() { " (" } else { ", " };
        write!(f, "{before}{reason} {count}")?;
        end = ")";
    }
    f.write_str(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_while_the_account_is_taken_is_still_queued_in_it() {
        let flow = Flow::default();
        let report = flow.report(|| {
            flow.delivered(1);
            flow.dropped(DropReason::Rejected, 1);
            Counted { created: 2, full: 0, late: 0 }
        });
        assert_eq!((report.delivered, report.dropped_total(), report.queued()), (0, 0, 2));
    }

    #[test]
    fn the_account_always_adds_up() {
        let flow = Flow::default();
        flow.delivered(3);
        flow.dropped(DropReason::Rejected, 2);
        let report = flow.report(|| Counted { created: 10, full: 4, late: 0 });
        assert_eq!(report.dropped, [(DropReason::QueueFull, 4), (DropReason::Rejected, 2)]);
        assert_eq!(report.queued(), 1);
        assert_eq!(
            report.to_string(),
            "3 delivered, 0 unconfirmed, 6 dropped (queue_full 4, rejected 2), 1 queued"
        );
    }

    #[test]
    fn what_is_left_out_on_purpose_is_created_and_not_lost() {
        let flow = Flow::default();
        flow.delivered(3);
        let report = flow.report(|| Counted { created: 4, full: 0, late: 0 });
        let report = report.leaving_out(vec![(LeftOut::Sampled, 5), (LeftOut::Limited, 1)]);
        assert_eq!((report.created, report.dropped_total(), report.queued()), (10, 0, 1));
        let said = "3 delivered, 0 unconfirmed, 0 dropped, 6 left out (sampled 5, limited 1), 1 queued";
        assert_eq!(report.to_string(), said);
    }
}

//! Owns one signal's counters: the queue counts what it took and refused, the exporter what became of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why something was dropped; the value of the label `error_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropReason {
    QueueFull,
    AlreadyShutdown,
    /// The receiver said no, for good.
    Rejected,
    /// Retried until the deadline.
    Timeout,
    /// The transport cannot be used at all.
    Unreachable,
    /// Larger than the transport may send.
    TooLarge,
    /// The descriptor refused the bytes.
    WriteFailed,
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

/// One signal's account at one moment: created = delivered + unconfirmed + dropped + queued.
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
    pub dropped: Vec<(&'static str, u64)>,
}

impl DropReason {
    pub(crate) const fn as_str(self) -> &'static str {
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

impl Flow {
    pub(crate) fn created(&self, count: u64) {
        self.created.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self, count: u64) {
        self.delivered.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn unconfirmed(&self, count: u64) {
        self.unconfirmed.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, reason: DropReason, count: u64) {
        self.dropped[reason as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// How many were lost or not confirmed behind the queue.
    pub(crate) fn lost(&self) -> u64 {
        let dropped = self.dropped.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
        dropped + self.unconfirmed.load(Ordering::Relaxed)
    }

    /// The account now; `queued_created` and `queue_full` are what the signal's queue counted by itself.
    pub(crate) fn report(&self, queued_created: u64, queue_full: u64) -> FlowReport {
        let counted = |reason: DropReason| {
            let own = self.dropped[reason as usize].load(Ordering::Relaxed);
            if reason == DropReason::QueueFull { own + queue_full } else { own }
        };
        FlowReport {
            created: self.created.load(Ordering::Relaxed) + queued_created,
            delivered: self.delivered.load(Ordering::Relaxed),
            unconfirmed: self.unconfirmed.load(Ordering::Relaxed),
            dropped: REASONS
                .map(|reason| (reason.as_str(), counted(reason)))
                .into_iter()
                .filter(|(_, n)| *n > 0)
                .collect(),
        }
    }
}

impl FlowReport {
    /// How many were lost, whatever the reason.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }

    /// How many wait in the queue.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.created.saturating_sub(self.delivered + self.unconfirmed + self.dropped_total())
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
        for (place, (reason, count)) in self.dropped.iter().enumerate() {
            let before = if place == 0 { " (" } else { ", " };
            write!(f, "{before}{reason} {count}")?;
        }
        if self.dropped.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_always_adds_up() {
        let flow = Flow::default();
        flow.delivered(3);
        flow.dropped(DropReason::Rejected, 2);
        let report = flow.report(10, 4);
        assert_eq!(report.dropped, [("queue_full", 4), ("rejected", 2)]);
        assert_eq!(report.queued(), 1);
        assert_eq!(report.to_string(), "3 delivered, 0 unconfirmed, 6 dropped (queue_full 4, rejected 2)");
    }
}

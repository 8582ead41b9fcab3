//! Keeping traces that the sampler left out, once they turn out to matter.
//!
//! A hop that is not sampled is recorded all the same, and handed to [`Keep`] when it ends. On a thread of ours the
//! [`Holder`] moves it into its [`Memory`](memory), where it waits with the rest of its trace. A failure, a slow request
//! or a request of the application's keeps the trace: what is there of it goes into the exporter's queue, and so does
//! what comes later. What nobody wanted is discarded when it is too old, or when the memory is full.

mod holder;
mod memory;
mod rules;

pub(crate) use holder::Holder;
pub(crate) use rules::{KeepRules, MOST_ROUTES};

use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::Record;
use crate::account::{DropReason, KeepCounts};
use crate::context::TraceId;
use crate::export::{Queue, Weigh};
use crate::record::{End, Hop, KeepReason};

/// So much memory allows for one record more to wait for the holder.
const MEMORY_OF_ONE_WAITING: usize = 4 * 1024;

/// What the requests' threads hand to the holder.
#[derive(Debug)]
enum Entry {
    /// A hop or a span has ended.
    Ended(Record),
    /// A trace matters.
    Keep(TraceId, KeepReason),
}

/// Why a span that was held is not exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discarded {
    /// Nothing kept its trace in time.
    Age,
    /// The memory was needed for newer ones.
    Memory,
    /// Its trace has too many spans.
    TraceFull,
    /// Too many waited for the holder.
    QueueFull,
    /// The process ended.
    Shutdown,
}

/// What the requests' threads know of held traces.
#[derive(Debug)]
pub(crate) struct Keep {
    rules: KeepRules,
    waiting: Queue<Entry>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    kept: [AtomicU64; KeepReason::ALL.len()],
    discarded: [AtomicU64; Discarded::ALL.len()],
    spans: AtomicUsize,
    bytes: AtomicUsize,
}

impl Discarded {
    const ALL: [Self; 5] = [Self::Age, Self::Memory, Self::TraceFull, Self::QueueFull, Self::Shutdown];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Memory => "memory",
            Self::TraceFull => "trace_full",
            Self::QueueFull => "queue_full",
            Self::Shutdown => "shutdown",
        }
    }
}

impl Keep {
    pub(crate) fn new(rules: KeepRules) -> Self {
        let capacity = (rules.memory / MEMORY_OF_ONE_WAITING).max(64);
        Self { rules, waiting: Queue::new(capacity), counts: Counts::default() }
    }

    /// Marks a hop that matters by itself, at its end.
    pub(crate) fn judge(&self, hop: &Hop, end: &End) {
        if let Some(reason) = self.rules.reason(hop, end) {
            hop.keep(reason);
        }
    }

    /// Does an ERROR event keep its trace?
    pub(crate) fn wants_errors(&self) -> bool {
        self.rules.errors
    }

    /// Holds what has ended.
    pub(crate) fn hold(&self, record: Record) {
        self.waiting.push(Entry::Ended(record));
    }

    /// Keeps a trace now, before more of it is discarded.
    pub(crate) fn keep(&self, trace: TraceId, reason: KeepReason) {
        self.waiting.push(Entry::Keep(trace, reason));
    }

    /// Has what has ended so far exported or held; resolves when that is done.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        self.waiting.flush()
    }

    fn discarded(&self, why: Discarded, spans: usize) {
        if let Some(count) = self.counts.discarded.get(why as usize) {
            count.fetch_add(spans as u64, Ordering::Relaxed);
        }
    }

    fn kept(&self, reason: KeepReason) {
        if let Some(count) = self.counts.kept.get(reason.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn report(&self) -> KeepCounts {
        let Counts { kept, discarded, spans, bytes } = &self.counts;
        let full = |reason: DropReason| {
            let dropped = self.waiting.report().dropped;
            dropped.into_iter().find(|(dropped, _)| *dropped == reason).map_or(0, |(_, count)| count)
        };
        let mut report = KeepCounts {
            kept: KeepReason::ALL
                .iter()
                .zip(kept)
                .map(|(why, n)| (why.as_str(), n.load(Ordering::Relaxed)))
                .collect(),
            discarded: Discarded::ALL
                .iter()
                .zip(discarded)
                .map(|(why, n)| (why.as_str(), n.load(Ordering::Relaxed)))
                .collect(),
            spans: spans.load(Ordering::Relaxed),
            bytes: bytes.load(Ordering::Relaxed),
            capacity: self.rules.memory,
        };
        for (why, reason) in [
            (Discarded::QueueFull, DropReason::QueueFull),
            (Discarded::Shutdown, DropReason::AlreadyShutdown),
        ] {
            let word = why.as_str();
            report
                .discarded
                .iter_mut()
                .filter(|(name, _)| *name == word)
                .for_each(|(_, n)| *n += full(reason));
        }
        report
    }
}

impl Weigh for Entry {
    fn text_length(&self) -> usize {
        match self {
            Self::Ended(record) => record.text_length(),
            Self::Keep(..) => 0,
        }
    }
}

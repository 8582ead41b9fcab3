//! Keeping traces that the sampler left out, once they turn out to matter.
//!
//! A hop that is not sampled is recorded all the same, and handed to [`Keep`] when it ends. On a thread of ours the
//! [`Holder`] moves it into its [`Memory`](memory), where it waits with the rest of its trace. A failure, a slow request
//! or a request of the application's keeps the trace: what is there of it goes into the exporter's queue, and so does
//! what comes later. What nobody wanted is discarded when it is too old, or when the memory is full.

mod holder;
mod memory;
mod outbox;
mod peers;
mod rules;

pub(crate) use holder::Holder;
pub(crate) use peers::{LONGEST_MESSAGE, PeerRules, Peers};
pub(crate) use rules::{KeepRules, MOST_ROUTES};

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use self::peers::Word;
use super::Record;
use crate::account::{DropReason, KeepCounts, PeerCounts};
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
    /// A peer says that a trace is kept; where it is told of others.
    KeptBy(TraceId, Option<Arc<str>>),
    /// A peer took part in a trace of ours, and is to be told if that is kept.
    Joined(TraceId, Arc<str>),
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
    /// `None`: no other service is told, and none tells us.
    pub(crate) peers: Option<Peers>,
    waiting: Queue<Entry>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    kept: [AtomicU64; KeepReason::ALL.len()],
    discarded: [AtomicU64; Discarded::ALL.len()],
    spans: AtomicUsize,
    bytes: AtomicUsize,
    messages_sent: AtomicU64,
    messages_received: AtomicU64,
    messages_failed: AtomicU64,
    messages_refused: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
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
    pub(crate) fn new(rules: KeepRules, peers: &PeerRules) -> Self {
        let capacity = (rules.memory / MEMORY_OF_ONE_WAITING).max(64);
        Self { rules, peers: peers.peers(), waiting: Queue::new(capacity), counts: Counts::default() }
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

    /// Takes a message of a peer, who has said the token; false if it is none.
    pub(crate) fn receive(&self, text: &str) -> bool {
        let read = self.peers.as_ref().and_then(|peers| peers.read_message(text));
        let Some((from, words)) = read else {
            self.refuse();
            return false;
        };
        self.counts.messages_received.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes_received.fetch_add(text.len() as u64, Ordering::Relaxed);
        for word in words {
            match (word, &from) {
                (Word::Keep(trace), from) => self.waiting.push(Entry::KeptBy(trace, from.clone())),
                (Word::Joined(trace), Some(from)) => {
                    self.waiting.push(Entry::Joined(trace, Arc::clone(from)))
                }
                // Nobody can be told.
                (Word::Joined(_), None) => {}
            }
        }
        true
    }

    /// A message without the token, or none at all, was not taken.
    pub(crate) fn refuse(&self) {
        self.counts.messages_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The token of the peers.
    pub(crate) fn token(&self) -> Option<&str> {
        self.peers.as_ref().map(|peers| peers.token.as_str())
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
        let Counts { kept, discarded, spans, bytes, .. } = &self.counts;
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
            peers: self.peers.is_some().then(|| self.counts.of_peers()),
        };
        // What did not even get to the holder.
        for (reason, count) in self.waiting.report().dropped {
            let why = match reason {
                DropReason::QueueFull => Discarded::QueueFull,
                DropReason::AlreadyShutdown => Discarded::Shutdown,
                _ => continue,
            };
            if let Some((_, discarded)) = report.discarded.get_mut(why as usize) {
                *discarded += count;
            }
        }
        report
    }
}

impl Counts {
    fn sent(&self, bytes: usize) {
        self.messages_sent.fetch_add(1, Ordering::Relaxed);
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn failed(&self) {
        self.messages_failed.fetch_add(1, Ordering::Relaxed);
    }

    fn of_peers(&self) -> PeerCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        PeerCounts {
            messages: [
                ("sent", of(&self.messages_sent)),
                ("received", of(&self.messages_received)),
                ("failed", of(&self.messages_failed)),
                ("refused", of(&self.messages_refused)),
            ],
            bytes: [("sent", of(&self.bytes_sent)), ("received", of(&self.bytes_received))],
        }
    }
}

impl Weigh for Entry {
    fn text_length(&self) -> usize {
        match self {
            Self::Ended(record) => record.text_length(),
            Self::Keep(..) | Self::KeptBy(..) | Self::Joined(..) => 0,
        }
    }
}

//! Spans, by their trace. Whole traces go, the one that began to arrive first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::super::model::{Resource, Span, SpanId, TraceId};

/// More spans of one trace are not taken: no page can show them.
const MOST_OF_A_TRACE: usize = 50_000;
/// What a trace costs beside its spans: its places in the map and in the queue.
const OF_A_TRACE: usize = 2 * size_of::<TraceId>() + size_of::<Trace>() * 3 / 2;

#[derive(Debug, Default)]
pub(crate) struct Traces {
    all: HashMap<TraceId, Trace>,
    order: VecDeque<TraceId>,
    pub(super) bytes: usize,
    pub(super) spans: usize,
}

/// The spans of one trace, as they came.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) spans: Vec<Span>,
    ids: HashSet<SpanId>,
    bytes: usize,
    /// The place of the span that stands for the trace.
    entry: usize,
    /// Did a request, a message or the root fail? A call that failed and was made good by a second one is no failure.
    pub(crate) failed: bool,
}

/// What became of spans that were added.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// They, or older ones, had no room.
    pub(super) full: u64,
    /// Their trace has too many already.
    pub(super) too_many: u64,
    /// With them their trace would be larger than all the room.
    pub(super) too_large: u64,
}

impl Traces {
    pub(crate) fn get(&self, id: TraceId) -> Option<&Trace> {
        self.all.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (TraceId, &Trace)> {
        self.all.iter().map(|(id, trace)| (*id, trace))
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn add(&mut self, span: Span, limit: usize, gone: &mut Gone) {
        let bytes = span.bytes();
        let of_trace = self.all.get(&span.trace).map_or(OF_A_TRACE, |trace| trace.bytes);
        // All others would go, and then this one.
        if of_trace + bytes > limit {
            gone.too_large += 1;
            return;
        }
        let trace = self.all.entry(span.trace).or_insert_with(|| {
            self.order.push_back(span.trace);
            self.bytes += OF_A_TRACE;
            Trace { bytes: OF_A_TRACE, ..Trace::default() }
        });
        if trace.spans.len() >= MOST_OF_A_TRACE {
            gone.too_many += 1;
        } else if trace.ids.insert(span.id) {
            trace.push(span, bytes);
            self.bytes += bytes;
            self.spans += 1;
        }
        while self.bytes > limit {
            let Some(oldest) = self.order.pop_front() else { break };
            let Some(trace) = self.all.remove(&oldest) else { continue };
            self.bytes -= trace.bytes;
            self.spans -= trace.spans.len();
            gone.full += trace.spans.len() as u64;
        }
    }

    /// Gives up each trace that has a span of such a resource. Returns how many spans that were.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&Arc<Resource>) -> bool) -> u64 {
        let before = self.spans;
        self.all.retain(|_, trace| {
            let stays = !trace.spans.iter().any(|span| is_gone(&span.resource));
            if !stays {
                self.bytes -= trace.bytes;
                self.spans -= trace.spans.len();
            }
            stays
        });
        self.order.retain(|id| self.all.contains_key(id));
        (before - self.spans) as u64
    }
}

impl Trace {
    fn push(&mut self, span: Span, bytes: usize) {
        self.bytes += bytes;
        self.failed |= span.failed && (span.kind.is_entry() || span.parent.is_none());
        if self.spans.get(self.entry).is_none_or(|entry| rank(&span) > rank(entry)) {
            self.entry = self.spans.len();
        }
        self.spans.push(span);
    }

    /// The span that stands for the trace; there is none only in a trace of which no span was taken.
    pub(crate) fn entry(&self) -> Option<&Span> {
        self.spans.get(self.entry)
    }
}

/// A request or message that nothing here caused, any other root, the first that came in, the first of all.
fn rank(span: &Span) -> (u8, std::cmp::Reverse<i64>) {
    let is_root = span.parent.is_none();
    let rank = match (is_root, span.kind.is_entry()) {
        (true, true) => 3,
        (true, false) if !span.kind.is_exit() => 2,
        (_, true) => 1,
        _ => 0,
    };
    (rank, std::cmp::Reverse(span.start))
}

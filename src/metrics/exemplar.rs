//! The exemplar: one request's trace beside a bucket, so that a slow bucket opens a trace.
//!
//! The facade's `record` carries no ids. A hop sets them for its thread for the length of the call; a user's
//! `histogram!` takes what is current.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Moment, tick};
use crate::context::{SpanId, TraceContext, TraceId};
use crate::current;

/// One recorded value and the span it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exemplar {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) value: f64,
    pub(super) unix_nanos: u64,
}

/// One histogram's exemplars, the last of each bucket.
#[derive(Debug)]
pub(super) struct Exemplars(Box<[ExemplarSlot]>);

#[derive(Debug, Default)]
struct ExemplarSlot {
    // The clock's tick at which the slot was last written, zero for never; looked at before the lock is tried.
    written: AtomicU64,
    held: Mutex<Option<Exemplar>>,
}

#[derive(Clone, Copy)]
struct HopTrace {
    trace: Option<TraceContext>,
    at: Moment,
}

thread_local! {
    static HOP: Cell<Option<HopTrace>> = const { Cell::new(None) };
}

/// Runs `record` for a hop that ended at `at`: its trace is the exemplar's if it is sampled, else there is none.
#[inline]
pub(super) fn with_hop_trace(trace: TraceContext, at: Moment, record: impl FnOnce()) {
    let hop = HopTrace { trace: trace.flags.is_sampled().then_some(trace), at };
    let before = HOP.try_with(|cell| cell.replace(Some(hop)));
    record();
    if let Ok(before) = before {
        let _ = HOP.try_with(|cell| cell.set(before));
    }
}

/// The sampled span that a value recorded now belongs to.
#[inline]
pub(super) fn source() -> Option<(TraceContext, Moment)> {
    if let Some(hop) = HOP.try_with(Cell::get).ok().flatten() {
        return hop.trace.map(|trace| (trace, hop.at));
    }
    let trace = current::current()?.trace;
    trace.flags.is_sampled().then(|| (trace, Moment::now()))
}

impl Exemplars {
    pub(super) fn new(buckets: usize) -> Self {
        Self((0..buckets).map(|_| ExemplarSlot::default()).collect())
    }

    /// Keeps the value as the bucket's exemplar: the first one, then about one a second. Never waits.
    #[inline]
    pub(super) fn offer(&self, bucket: usize, value: f64, trace: TraceContext, at: Moment) {
        let Some(slot) = self.0.get(bucket) else { return };
        let now = tick();
        if slot.written.load(Ordering::Relaxed) == now {
            return;
        }
        if let Ok(mut held) = slot.held.try_lock() {
            let TraceContext { trace_id, span_id, .. } = trace;
            *held = Some(Exemplar { trace_id, span_id, value, unix_nanos: at.unix_nanos() });
            slot.written.store(now, Ordering::Relaxed);
        }
    }

    pub(super) fn of(&self, bucket: usize) -> Option<Exemplar> {
        let slot = self.0.get(bucket)?;
        // Unwritten slots, the most of them, cost a scrape no lock.
        if slot.written.load(Ordering::Relaxed) == 0 {
            return None;
        }
        slot.held.lock().ok().and_then(|held| *held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Flags;

    fn somewhere(flags: Flags) -> TraceContext {
        TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags }
    }

    #[test]
    fn the_first_is_kept_and_the_next_within_a_second_is_not() {
        let exemplars = Exemplars::new(2);
        let now = Moment::now();
        let first = somewhere(Flags::SAMPLED);
        exemplars.offer(1, 0.5, first, now);
        exemplars.offer(1, 0.7, somewhere(Flags::SAMPLED), now);
        assert_eq!(exemplars.of(1).map(|kept| (kept.trace_id, kept.value)), Some((first.trace_id, 0.5)));
        assert_eq!(exemplars.of(0), None);
        exemplars.offer(9, 0.5, first, now);
    }

    #[test]
    fn a_slot_that_is_being_read_is_left_alone() {
        let exemplars = Exemplars::new(1);
        let reading = exemplars.0[0].held.lock().unwrap();
        exemplars.offer(0, 0.5, somewhere(Flags::SAMPLED), Moment::now());
        assert!(reading.is_none());
    }

    #[test]
    fn an_unsampled_hop_has_none_even_where_a_sampled_one_is_current() {
        let sampled = somewhere(Flags::SAMPLED);
        with_hop_trace(sampled, Moment::now(), || {
            assert_eq!(source().map(|(trace, _)| trace), Some(sampled));
            with_hop_trace(somewhere(Flags::NONE), Moment::now(), || assert!(source().is_none()));
            assert!(source().is_some());
        });
        assert!(source().is_none());
    }
}

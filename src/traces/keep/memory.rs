//! The memory of held traces: what has ended of each, until it is kept or discarded.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::peers::Word;
use super::rules::name_of;
use super::{Discarded, Entry, KeepRules};
use crate::context::TraceId;
use crate::record::{KeepReason, Kind};
use crate::traces::Record;

/// At most this many spans of one trace are held.
const MOST_OF_A_TRACE: usize = 4_096;

/// For so long a kept trace is remembered: a caller who gives one id to all its requests has not all of them kept for ever.
const KEPT_TIME: Duration = Duration::from_secs(600);

/// So many kept traces are remembered, so that what comes later of them leaves as well.
const MOST_KEPT: usize = 32_768;

/// So many different ends of routes are known.
const MOST_ENDS: usize = 2_048;

/// An end of a route that was not seen for so long is rare.
const RARE: Duration = Duration::from_secs(3_600);

/// So many peers of one trace are told.
const MOST_PEERS: usize = 64;

/// What belongs to the records of one trace beside themselves.
const OF_A_TRACE: usize = 256;

/// What is held of each trace.
#[derive(Debug)]
pub(super) struct Memory {
    rules: KeepRules,
    traces: HashMap<TraceId, HeldTrace>,
    /// The traces in the order in which they came; some are kept by now.
    order: VecDeque<(TraceId, Instant)>,
    spans: usize,
    bytes: usize,
    kept: HashMap<TraceId, KeptTrace>,
    /// In the order in which they were kept, and since when.
    kept_order: VecDeque<(TraceId, Instant)>,
    /// When a route ended like this for the last time.
    ends: HashMap<u64, Instant>,
}

#[derive(Debug, Default)]
struct HeldTrace {
    records: Vec<Record>,
    bytes: usize,
    /// Peers that took part, beside those that the records name.
    joined: Vec<Arc<str>>,
}

#[derive(Debug)]
struct KeptTrace {
    reason: KeepReason,
    /// The peers that know it.
    told: Vec<Arc<str>>,
}

/// What an entry brought about.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// To be exported.
    pub(super) leaving: Vec<Record>,
    /// Traces that are kept from now on, and why.
    pub(super) kept: Vec<KeepReason>,
    /// Spans that are not exported, and why.
    pub(super) discarded: Vec<(Discarded, usize)>,
    /// What peers are told.
    pub(super) words: Vec<(Arc<str>, Word)>,
}

impl Memory {
    pub(super) fn new(rules: KeepRules) -> Self {
        Self {
            rules,
            traces: HashMap::new(),
            order: VecDeque::new(),
            spans: 0,
            bytes: 0,
            kept: HashMap::new(),
            kept_order: VecDeque::new(),
            ends: HashMap::new(),
        }
    }

    /// How many spans are held.
    pub(super) fn spans(&self) -> usize {
        self.spans
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest trace is too old.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.order.front().map(|(_, since)| *since + self.rules.time)
    }

    /// Takes what a request's thread handed over.
    pub(super) fn take(&mut self, entry: Entry, now: Instant, effects: &mut Effects) {
        match entry {
            Entry::Keep(trace, reason) => self.keep(trace, reason, None, now, effects),
            Entry::KeptBy(trace, peer) => self.keep(trace, KeepReason::Peer, peer, now, effects),
            Entry::Joined(trace, peer) => self.join(trace, peer, now, effects),
            Entry::Ended(record) => {
                let trace = record.trace_id();
                let reason = record.keep_reason().or_else(|| self.rare(&record, now));
                if let Some(reason) = reason {
                    self.keep(trace, reason, None, now, effects);
                }
                if let Some(peer) = record.joined_peer() {
                    effects.words.push((peer, Word::Joined(trace)));
                }
                match self.kept.get_mut(&trace) {
                    Some(kept) => kept.leave(trace, record, effects),
                    None => self.hold(trace, record, now, effects),
                }
            }
        }
    }

    /// Discards what nothing has kept in time, and forgets what was kept long ago.
    pub(super) fn expire(&mut self, now: Instant, effects: &mut Effects) {
        while let Some((oldest, since)) = self.kept_order.front()
            && now.saturating_duration_since(*since) >= KEPT_TIME
        {
            self.kept.remove(oldest);
            self.kept_order.pop_front();
        }
        while self.next_expiry().is_some_and(|expiry| expiry <= now) {
            self.discard_oldest(Discarded::Age, effects);
        }
    }

    /// Discards everything.
    pub(super) fn clear(&mut self, effects: &mut Effects) {
        while !self.order.is_empty() {
            self.discard_oldest(Discarded::Shutdown, effects);
        }
    }

    fn hold(&mut self, trace: TraceId, record: Record, now: Instant, effects: &mut Effects) {
        let bytes = record.size();
        let held = self.held(trace, now);
        if held.records.len() >= MOST_OF_A_TRACE {
            effects.discarded.push((Discarded::TraceFull, 1));
            return;
        }
        held.records.push(record);
        held.bytes += bytes;
        (self.bytes, self.spans) = (self.bytes + bytes, self.spans + 1);
        while self.bytes > self.rules.memory && !self.order.is_empty() {
            self.discard_oldest(Discarded::Memory, effects);
        }
    }

    fn held(&mut self, trace: TraceId, now: Instant) -> &mut HeldTrace {
        self.traces.entry(trace).or_insert_with(|| {
            self.order.push_back((trace, now));
            self.bytes += OF_A_TRACE;
            HeldTrace { bytes: OF_A_TRACE, ..HeldTrace::default() }
        })
    }

    /// A peer took part in the trace.
    fn join(&mut self, trace: TraceId, peer: Arc<str>, now: Instant, effects: &mut Effects) {
        if let Some(kept) = self.kept.get_mut(&trace) {
            return kept.tell(trace, peer, effects);
        }
        let held = self.held(trace, now);
        if held.joined.len() < MOST_PEERS && !held.joined.contains(&peer) {
            held.joined.push(peer);
        }
    }

    /// Keeps the trace, and tells its peers but the one from whom we know it.
    fn keep(
        &mut self,
        trace: TraceId,
        reason: KeepReason,
        from: Option<Arc<str>>,
        now: Instant,
        effects: &mut Effects,
    ) {
        if let Some(kept) = self.kept.get_mut(&trace) {
            return kept.told.extend(from.filter(|_| kept.told.len() < MOST_PEERS));
        }
        if self.kept_order.len() >= MOST_KEPT
            && let Some((oldest, _)) = self.kept_order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        let mut kept = KeptTrace { reason, told: from.into_iter().collect() };
        effects.kept.push(reason);
        let HeldTrace { records, joined, .. } = self.remove(trace);
        records.into_iter().for_each(|record| kept.leave(trace, record, effects));
        joined.into_iter().for_each(|peer| kept.tell(trace, peer, effects));
        self.kept.insert(trace, kept);
        self.kept_order.push_back((trace, now));
    }

    fn discard_oldest(&mut self, why: Discarded, effects: &mut Effects) {
        if let Some((trace, _)) = self.order.pop_front() {
            let discarded = self.remove(trace).records.len();
            if discarded > 0 {
                effects.discarded.push((why, discarded));
            }
        }
    }

    fn remove(&mut self, trace: TraceId) -> HeldTrace {
        let held = self.traces.remove(&trace).unwrap_or_default();
        self.bytes -= held.bytes;
        self.spans -= held.records.len();
        held
    }

    /// Was the route not answered like this for long? The first answers of a process are rare.
    fn rare(&mut self, record: &Record, now: Instant) -> Option<KeepReason> {
        let Record::Hop(hop) = record else { return None };
        if !self.rules.rare || !matches!(hop.kind, Kind::Server | Kind::Consumer) {
            return None;
        }
        let end = hop.end()?;
        let mut hasher = DefaultHasher::new();
        (hop.kind as u8, name_of(hop, &end), end.status, end.outcome).hash(&mut hasher);
        let is_full = self.ends.len() >= MOST_ENDS;
        match self.ends.entry(hasher.finish()) {
            std::collections::hash_map::Entry::Occupied(mut seen) => {
                let before = seen.insert(now);
                (now.saturating_duration_since(before) >= RARE).then_some(KeepReason::Rare)
            }
            std::collections::hash_map::Entry::Vacant(_) if is_full => None,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(now);
                Some(KeepReason::Rare)
            }
        }
    }
}

impl KeptTrace {
    fn leave(&mut self, trace: TraceId, mut record: Record, effects: &mut Effects) {
        if let Some(peer) = record.peer() {
            self.tell(trace, peer, effects);
        }
        record.keep(self.reason);
        effects.leaving.push(record);
    }

    fn tell(&mut self, trace: TraceId, peer: Arc<str>, effects: &mut Effects) {
        if self.told.len() < MOST_PEERS && !self.told.contains(&peer) {
            self.told.push(Arc::clone(&peer));
            effects.words.push((peer, Word::Keep(trace)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::context::{Flags, TraceContext, Tracestate};
    use crate::record::{Hop, Kept};
    use crate::traces::record::tests::a_span;

    fn trace(number: u128) -> TraceId {
        TraceId::new(number).unwrap()
    }

    fn span(number: u128) -> Entry {
        let Record::Span(mut span) = a_span() else { unreachable!() };
        span.trace = TraceContext { trace_id: trace(number), flags: Flags::NONE, ..span.trace };
        span.tracestate = Tracestate::parse([&b"ot=th:c,other=1"[..]]);
        Entry::Ended(Record::Span(span))
    }

    fn memory(memory: usize) -> Memory {
        Memory::new(KeepRules { errors: true, memory, time: Duration::from_secs(10), ..KeepRules::default() })
    }

    #[test]
    fn a_kept_trace_leaves_with_what_came_before_and_what_comes_later_and_claims_no_probability() {
        let (mut held, now, mut effects) = (memory(1 << 20), Instant::now(), Effects::default());
        for entry in [span(1), span(2), Entry::Keep(trace(1), KeepReason::Slow), span(1), span(2)] {
            held.take(entry, now, &mut effects);
        }
        held.take(Entry::Keep(trace(1), KeepReason::Error), now, &mut effects);
        assert_eq!((effects.leaving.len(), effects.kept.as_slice()), (2, &[KeepReason::Slow][..]));
        for record in &effects.leaving {
            let Record::Span(span) = record else { unreachable!() };
            assert_eq!((span.kept, span.tracestate.as_str()), (Some(KeepReason::Slow), "other=1"));
        }
        assert_eq!(held.spans(), 2);
    }

    #[test]
    fn what_is_too_old_goes_and_then_what_there_is_no_room_for_oldest_first() {
        let (mut held, begun, mut effects) = (memory(1 << 20), Instant::now(), Effects::default());
        held.take(span(1), begun, &mut effects);
        held.take(span(2), begun + Duration::from_secs(5), &mut effects);
        held.expire(begun + Duration::from_secs(10), &mut effects);
        assert_eq!((effects.discarded.as_slice(), held.spans()), (&[(Discarded::Age, 1)][..], 1));
        let (mut held, mut effects) = (memory(4 * 1024), Effects::default());
        (1..100).for_each(|number| held.take(span(number), begun, &mut effects));
        assert!(held.bytes() <= 4 * 1024 && held.spans() > 0, "{} {}", held.bytes(), held.spans());
        let gone: usize = effects.discarded.iter().map(|(_, spans)| spans).sum();
        assert_eq!(gone + held.spans(), 99);
        held.take(Entry::Keep(trace(99), KeepReason::Error), begun, &mut effects);
        held.take(Entry::Keep(trace(1), KeepReason::Error), begun, &mut effects);
        assert_eq!(effects.leaving.len(), 1, "the newest is there, the oldest is not");
        held.clear(&mut effects);
        assert_eq!((held.spans(), held.bytes()), (0, 0));
    }

    #[test]
    fn one_trace_does_not_take_all_the_memory() {
        let (mut held, now, mut effects) = (memory(1 << 30), Instant::now(), Effects::default());
        (0..MOST_OF_A_TRACE + 7).for_each(|_| held.take(span(1), now, &mut effects));
        let gone: usize = effects.discarded.iter().map(|(_, spans)| spans).sum();
        assert_eq!((held.spans(), gone), (MOST_OF_A_TRACE, 7));
    }

    #[test]
    fn how_many_kept_traces_are_remembered_is_bounded() {
        let (mut held, now, mut effects) = (memory(1 << 20), Instant::now(), Effects::default());
        for number in 1..=MOST_KEPT as u128 + 10 {
            held.take(Entry::Keep(trace(number), KeepReason::Peer), now, &mut effects);
        }
        assert_eq!((held.kept.len(), held.kept_order.len()), (MOST_KEPT, MOST_KEPT));
        held.expire(now + KEPT_TIME, &mut effects);
        assert_eq!((held.kept.len(), held.kept_order.len()), (0, 0), "and for how long");
    }

    #[test]
    fn a_hop_that_was_marked_keeps_its_trace() {
        let (mut held, now, mut effects) = (memory(1 << 20), Instant::now(), Effects::default());
        held.take(span(5), now, &mut effects);
        let place = TraceContext { trace_id: trace(5), ..TraceContext::BLANK };
        let hop = Hop::begin(place, Kind::Server, Moment::BLANK, |hop| hop.kept = Kept::held());
        hop.keep(KeepReason::Requested);
        held.take(Entry::Ended(Record::Hop(hop)), now, &mut effects);
        assert_eq!((effects.leaving.len(), held.spans()), (2, 0));
    }
}

//! The assembled signals that every hop of a process, or of one test, begins from and reports to.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::{Listening, Order};
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId, Tracestate};
use crate::current::Current;
use crate::logs::Lines;
use crate::metrics::{Points, Recorder, Red, Watched};
use crate::propagation::{Propagators, Proxies, Remote};
use crate::record::{Detailed, Hop, Kind};
use crate::reports::Reporter;
use crate::threads::{Once, complain};
use crate::traces::Spans;

/// The signals, assembled once and kept until the process ends: a hop holds a plain reference.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) spans: Spans,
    pub(crate) lines: Lines,
    /// `None` where metrics are not sent.
    pub(crate) points: Option<Points>,
    pub(crate) red: Red,
    pub(crate) reports: Reporter,
    pub(crate) watched: Watched,
    /// The messages that were processed of late.
    pub(crate) order: Order,
    /// The system of the databases that sqlx asks, where the operator or the code says it.
    pub(crate) database: Option<&'static str>,
    pub(crate) propagators: Propagators,
    /// Those that the environment trusts.
    pub(crate) proxies: Option<Proxies>,
    pub(crate) listening: Listening,
}

impl Signals {
    /// Those of a test, whose spans stay in memory.
    pub(crate) fn of_test(
        lines: Lines,
        recorder: &'static Recorder,
        propagators: Propagators,
    ) -> &'static Self {
        Box::leak(Box::new(Self {
            spans: Spans::in_memory(),
            lines,
            points: None,
            red: Red::new(recorder),
            reports: Reporter::default(),
            watched: Watched::default(),
            order: Order::default(),
            database: None,
            propagators,
            proxies: None,
            listening: Listening::default(),
        }))
    }

    /// Is there nothing at all to do for a request, not even to hand its context on?
    pub(crate) fn is_off(&self) -> bool {
        let tells = self.spans.is_on() || self.lines.is_on() || self.red.is_on() || self.reports.is_on();
        !(self.propagators.pass_on() || tells)
    }

    /// A new span's place: below its parent, else at the root of a trace of its own; and the list that
    /// belongs to it, where the sampler changed it.
    #[inline]
    pub(crate) fn place(
        &self,
        parent: Option<TraceContext>,
        tracestate: &Tracestate,
    ) -> (TraceContext, Option<Tracestate>) {
        let trace_id = parent.map_or_else(TraceId::random, |parent| parent.trace_id);
        let decision = self.spans.decide(parent.as_ref(), trace_id, tracestate);
        // The random flag is set where the trace starts, and copied where it goes on (level 2, "random trace id").
        let flags = parent.map_or(Flags::RANDOM, |parent| parent.flags).with_sampled(decision.sampled);
        let trace = TraceContext { trace_id, span_id: SpanId::random(), flags };
        (trace, decision.tracestate)
    }

    /// The other side of the hop says where it is told that the trace is kept; whom we do not trust is not told.
    pub(crate) fn join(&self, hop: &Hop, address: &[u8]) {
        if let Some(peers) = self.spans.peers().filter(|_| hop.kept.is_held())
            && let Some(peer) = peers.read(address)
        {
            hop.notes().get_or_insert_default().peer = Some(peer);
        }
    }

    /// A new hop that continues what a caller sent; `complete` fills in the rest.
    pub(crate) fn hop(
        &self,
        from: Remote,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        self.listening.hop_begins();
        let (trace, tracestate) = self.place(from.trace, &from.tracestate);
        let peer = from.peer.filter(|_| kind == Kind::Consumer);
        Hop::begin(trace, kind, start, |hop| {
            // Nobody has a span of ids that were made up here.
            hop.parent = from.trace.filter(|parent| !parent.flags.is_invented()).map(|parent| parent.span_id);
            hop.parent_is_remote = hop.parent.is_some();
            hop.tracestate = tracestate.unwrap_or(from.tracestate);
            hop.baggage = from.baggage;
            hop.request_id = from.request_id;
            hop.kept = self.spans.kept(trace.flags);
            if let Some(address) = peer {
                self.join(hop, address.as_bytes());
            }
            self.reports.follow(hop, None);
            complete(hop);
        })
    }

    /// A new hop below a caller's `traceparent`, where nothing else came with the request.
    pub(crate) fn hop_in(
        &self,
        parent: Option<TraceContext>,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        self.listening.hop_begins();
        let (trace, tracestate) = self.place(parent, &Tracestate::default());
        Hop::begin(trace, kind, start, |hop| {
            if let Some(parent) = parent {
                (hop.parent, hop.parent_is_remote) = (Some(parent.span_id), true);
            }
            if let Some(tracestate) = tracestate {
                hop.tracestate = tracestate;
            }
            hop.kept = self.spans.kept(trace.flags);
            self.reports.follow(hop, None);
            complete(hop);
        })
    }

    /// A new hop of a query below what is current on this thread. Outside of any request and work it begins no trace: a loop
    /// that asks a database would fill the store.
    pub(crate) fn hop_of_query(
        &self,
        here: Option<&Current>,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        let Some(outer) = here else {
            let (trace_id, span_id) = (TraceId::random(), SpanId::random());
            return Hop::begin(
                TraceContext::new(trace_id, span_id, Flags::RANDOM),
                Kind::Client,
                start,
                complete,
            );
        };
        self.hop_below(here, Kind::Client, start, |hop| {
            hop.within = outer.hop.as_ref().map(Arc::downgrade).unwrap_or_default();
            complete(hop);
        })
    }

    /// A new hop below what is current on this thread.
    pub(crate) fn hop_below(
        &self,
        here: Option<&Current>,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        self.listening.hop_begins();
        let (parent, none) = (here.map(|here| here.trace), Tracestate::default());
        let list = here.map_or(&none, Current::tracestate);
        let (trace, changed) = match here.filter(|here| here.is_kept() || is_in_detail(here)) {
            Some(here) => place_of_kept(here),
            None => self.place(parent, list),
        };
        Hop::begin(trace, kind, start, |hop| {
            hop.parent = parent.map(|parent| parent.span_id);
            if let Some(changed) = changed {
                hop.tracestate = changed;
            } else if !list.is_empty() {
                hop.tracestate = list.clone();
            }
            if let Some(outer) = here.and_then(|here| here.hop.as_deref()) {
                hop.baggage = outer.baggage_now();
                hop.request_id = outer.request_id.clone();
                hop.inherit_lines(outer);
                hop.within_detailed =
                    Detailed::now().map(|detailed| detailed.route).filter(|_| outer.is_detailed());
            }
            hop.kept = self.spans.kept(trace.flags);
            self.reports.follow(hop, here.and_then(|here| here.hop.as_ref()));
            complete(hop);
        })
    }
}

/// Is it a recorded part of a request that is observed in detail? What follows is recorded as well, whatever a sampler says that
/// asks no parent.
fn is_in_detail(here: &Current) -> bool {
    Detailed::now().is_some()
        && here.trace.flags.is_sampled()
        && here.hop.as_deref().is_some_and(Hop::is_detailed)
}

/// The place of a new span in a trace that is kept: whatever the sampler says, it is recorded.
#[cold]
fn place_of_kept(here: &Current) -> (TraceContext, Option<Tracestate>) {
    let trace = TraceContext { span_id: SpanId::random(), ..here.trace_now() };
    (trace, Some(here.tracestate_now().into_owned()))
}

static GLOBAL: OnceLock<&'static Signals> = OnceLock::new();

static UNSTARTED: Once = Once::new();

/// Has any thread ever been given signals of its own?
static ANY_OF_THREAD: AtomicBool = AtomicBool::new(false);

thread_local! {
    static OF_THREAD: Cell<Option<&'static Signals>> = const { Cell::new(None) };
}

/// The thread has signals of its own until this is dropped.
#[derive(Debug)]
#[must_use = "the signals are the thread's only while this lives"]
pub(crate) struct OfThread(Option<&'static Signals>);

/// The signals of this thread, where a test gave it some; else the process's. `None` before `init`, which is said once:
/// whatever asks is in use, and records nothing.
#[inline]
pub(crate) fn global() -> Option<&'static Signals> {
    let signals = started();
    if signals.is_none() {
        complain_of_no_start();
    }
    signals
}

/// The same, for what is not in use yet and may come before `init`.
#[inline]
pub(crate) fn started() -> Option<&'static Signals> {
    if ANY_OF_THREAD.load(Ordering::Relaxed)
        && let Ok(Some(signals)) = OF_THREAD.try_with(Cell::get)
    {
        return Some(signals);
    }
    GLOBAL.get().copied()
}

#[cold]
fn complain_of_no_start() {
    if UNSTARTED.first() {
        complain(format_args!(
            "a layer, a client or a job is in use before `init` was called, and is not recorded; call \
             `let observability = tower_observability::init(\"…\")?;` at the start of `main`, or in a test run it in \
             the `scope` of a `tower_observability::testing::Instance`"
        ));
    }
}

/// Gives the thread signals of its own.
pub(crate) fn set_of_thread(signals: &'static Signals) -> OfThread {
    ANY_OF_THREAD.store(true, Ordering::Relaxed);
    OfThread(OF_THREAD.try_with(|own| own.replace(Some(signals))).ok().flatten())
}

impl Drop for OfThread {
    fn drop(&mut self) {
        // At a thread's end there may be none any more.
        let _ = OF_THREAD.try_with(|own| own.set(self.0));
    }
}

/// Installs the process's signals; false if there are some already.
pub(crate) fn set_global(signals: &'static Signals) -> bool {
    let first = GLOBAL.set(signals).is_ok();
    if first {
        signals.propagators.set_of_process();
    }
    first
}

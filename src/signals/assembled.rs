//! The assembled signals that every hop of a process, or of one test, reports to.

use std::sync::OnceLock;

use super::Listening;
use crate::context::{Flags, SpanId, TraceContext, TraceId, Tracestate};
use crate::logs::Lines;
use crate::metrics::Red;
use crate::propagation::Propagators;
use crate::threads::{Once, complain};
use crate::traces::Spans;

/// The signals, assembled once and never taken apart: a hop holds a plain reference.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) spans: Spans,
    pub(crate) lines: Lines,
    pub(crate) red: Red,
    pub(crate) propagators: Propagators,
    pub(crate) listening: Listening,
}

impl Signals {
    /// Is there nothing at all to do for a request, not even to hand its context on?
    pub(crate) fn is_off(&self) -> bool {
        !(self.propagators.pass_on() || self.spans.is_on() || self.lines.is_on() || self.red.is_on())
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
        let decision = self.spans.sampler.decide(parent.as_ref(), trace_id, tracestate);
        // The random flag is set where the trace starts, and copied where it goes on (level 2, "random trace id").
        let flags = parent.map_or(Flags::RANDOM, |parent| parent.flags).with_sampled(decision.sampled);
        let trace = TraceContext { trace_id, span_id: SpanId::random(), flags };
        (trace, decision.tracestate)
    }
}

static GLOBAL: OnceLock<&'static Signals> = OnceLock::new();

static UNSTARTED: Once = Once::new();

/// The process's signals; `None` before `init`, which is said once: whatever asks is in use, and records nothing.
#[inline]
pub(crate) fn global() -> Option<&'static Signals> {
    let signals = GLOBAL.get().copied();
    if signals.is_none() {
        complain_of_no_start();
    }
    signals
}

#[cold]
fn complain_of_no_start() {
    if UNSTARTED.first() {
        complain(format_args!(
            "a layer, a client or a job is in use before `init` was called, and is not recorded; call \
             `let observability = tower_observability::init(\"…\")?;` at the start of `main`, or in a test take the \
             layer of a `tower_observability::testing::Instance`"
        ));
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

//! The two ways between our context and OpenTelemetry's: ours attached where it is current, theirs read where
//! it lies further in.

use std::fmt;
use std::mem::ManuallyDrop;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::{
    SpanContext, SpanId as OtelSpanId, TraceContextExt as _, TraceFlags, TraceId as OtelTraceId, TraceState,
};
use opentelemetry::{Context, ContextGuard};

use crate::context::{Flags, SpanId, TraceContext, TraceId, Tracestate};
use crate::record::Hop;

/// OpenTelemetry's context as it was before, when this is dropped.
#[must_use = "the context is attached only while this lives"]
pub(super) struct Attached(Option<ManuallyDrop<ContextGuard>>);

static ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    static ALIVE: Alive = Alive::new();
}

/// Made after their own part of the thread and so dropped before it: while this one is there at a thread's end, so is
/// theirs, which would panic.
struct Alive;

/// The trace flags that W3C knows.
const KNOWN_FLAGS: u8 = 0x03;

/// From now on, in this process.
pub(crate) fn attach_contexts() {
    ON.store(true, Ordering::Relaxed);
}

/// Are there contexts of OpenTelemetry's?
#[inline]
pub(super) fn has_contexts() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Is their part of this thread still there?
fn is_alive() -> bool {
    ALIVE.try_with(|_| ()).is_ok()
}

/// Attaches a context of ours, until the guard is dropped.
#[inline]
pub(super) fn attach(trace: TraceContext, tracestate: &Tracestate, hop: Option<&Hop>) -> Attached {
    if !has_contexts() {
        return Attached::none();
    }
    attach_now(trace, tracestate, hop)
}

fn attach_now(trace: TraceContext, tracestate: &Tracestate, hop: Option<&Hop>) -> Attached {
    if !is_alive() {
        return Attached::none();
    }
    let here = Context::current().with_remote_span_context(their_context(trace, tracestate));
    let here = match hop.map(Hop::baggage_now).filter(|baggage| !baggage.is_empty()) {
        Some(baggage) => here.with_baggage(baggage.iter().map(|(key, value)| {
            let properties = baggage.properties(key).unwrap_or_default().to_owned();
            KeyValueMetadata::new(key.to_owned(), value.to_owned(), properties)
        })),
        None => here,
    };
    Attached(Some(ManuallyDrop::new(here.attach())))
}

fn their_context(trace: TraceContext, tracestate: &Tracestate) -> SpanContext {
    SpanContext::new(
        OtelTraceId::from_bytes(trace.trace_id.value().to_be_bytes()),
        OtelSpanId::from_bytes(trace.span_id.value().to_be_bytes()),
        TraceFlags::new(trace.flags.byte() & KNOWN_FLAGS),
        // It is of this process: their sampler asks.
        false,
        TraceState::from_str(tracestate.as_str()).unwrap_or_default(),
    )
}

/// The span of OpenTelemetry that is current on this thread, unless it is `ours`.
#[inline]
pub(super) fn innermost(ours: Option<SpanId>) -> Option<(TraceContext, Tracestate)> {
    if has_contexts() { innermost_now(ours) } else { None }
}

fn innermost_now(ours: Option<SpanId>) -> Option<(TraceContext, Tracestate)> {
    if !is_alive() {
        return None;
    }
    Context::map_current(|context| {
        if !context.has_active_span() {
            return None;
        }
        let span = context.span();
        let theirs = span.span_context();
        let span_id = SpanId::new(u64::from_be_bytes(theirs.span_id().to_bytes()))?;
        if Some(span_id) == ours {
            return None;
        }
        let trace_id = TraceId::new(u128::from_be_bytes(theirs.trace_id().to_bytes()))?;
        let flags = Flags::from_byte(theirs.trace_flags().to_u8() & KNOWN_FLAGS);
        let tracestate = Tracestate::parse([theirs.trace_state().header().as_bytes()]);
        Some((TraceContext { trace_id, span_id, flags }, tracestate))
    })
}

impl Attached {
    /// Nothing is attached.
    pub(super) fn none() -> Self {
        Self(None)
    }
}

impl Alive {
    fn new() -> Self {
        Context::map_current(|_| Self)
    }
}

impl Drop for Alive {
    // A thread-local value is marked as gone at its thread's end only if it has a destructor.
    fn drop(&mut self) {}
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(guard) = self.0.take().filter(|_| is_alive()) {
            drop(ManuallyDrop::into_inner(guard));
        }
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attached").field(&self.0.is_some()).finish()
    }
}

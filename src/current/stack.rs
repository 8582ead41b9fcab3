//! The thread's stack of what is current: hops and `tracing` spans, innermost on top.
//!
//! The layer pushes its hop for the time of each poll, the bridge pushes a user's span for the time it is
//! entered. Both live on one stack, so "innermost wins" is the top of it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::otel::{Attached, attach, innermost};
use crate::context::{TraceContext, Tracestate};
use crate::record::Hop;

/// What a new span, line or call belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) trace: TraceContext,
    pub(crate) hop: Option<Arc<Hop>>,
    /// The vendors' list of a trace that began without a hop; a hop has its own.
    pub(crate) begun: Tracestate,
}

/// One thing that is current, above those in which it was entered.
#[derive(Debug)]
struct Frame {
    owner: Owner,
    current: Current,
    /// A span that is made now is the hop's own span.
    stands_for_hop: bool,
    _attached: Attached,
}

/// Who takes the frame off the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The [`Entered`] of this number.
    Guard(u64),
    /// [`exit_span`] with this span's id.
    Span(u64),
}

/// Restores the stack when this is dropped, whatever was left on it in between.
#[derive(Debug)]
#[must_use = "the context is current only while this lives"]
pub(crate) struct Entered {
    // `None` at the very end of a thread, which has no stack any more.
    number: Option<u64>,
    // Dropped after the stack is restored.
    _attached: Attached,
}

struct Stack {
    frames: RefCell<Vec<Frame>>,
    /// How many guards there have been. A span that leaves from beneath a frame moves it, so that guards find theirs by
    /// number and not by depth.
    guards: Cell<u64>,
}

thread_local! {
    static STACK: Stack = const { Stack { frames: RefCell::new(Vec::new()), guards: Cell::new(0) } };
}

impl Current {
    pub(crate) fn of(hop: Arc<Hop>) -> Self {
        Self { trace: hop.trace, hop: Some(hop), begun: Tracestate::default() }
    }

    /// The vendors' list that belongs to the trace.
    pub(crate) fn tracestate(&self) -> &Tracestate {
        self.hop.as_ref().map_or(&self.begun, |hop| &hop.tracestate)
    }

    /// Makes it OpenTelemetry's current context as well, where that is switched on.
    fn attach(&self) -> Attached {
        attach(self.trace, self.tracestate(), self.hop.as_ref().map(|hop| &hop.baggage))
    }
}

// Every access may fail at a thread's very end; telemetry then knows no context, and nothing panics.
fn with_stack<T>(access: impl FnOnce(&Stack) -> T) -> Option<T> {
    STACK.try_with(access).ok()
}

/// Accesses the frames. A frame's drop may run the user's code (a hop's last reference), so `access` hands frames out
/// and drops none.
fn with_frames<T>(access: impl FnOnce(&mut Vec<Frame>) -> Option<T>) -> Option<T> {
    with_stack(|stack| access(&mut *stack.frames.try_borrow_mut().ok()?)).flatten()
}

fn push_guarded(current: Current, stands_for_hop: bool) -> Entered {
    let attached = current.attach();
    let number = with_stack(|stack| {
        let number = stack.guards.get() + 1;
        stack.guards.set(number);
        number
    });
    if let Some(number) = number {
        let owner = Owner::Guard(number);
        push(Frame { owner, current, stands_for_hop, _attached: Attached::none() });
    }
    Entered { number, _attached: attached }
}

fn push(frame: Frame) {
    with_frames(|frames| {
        frames.push(frame);
        Some(())
    });
}

/// The innermost context of this thread.
pub(crate) fn current() -> Option<Current> {
    let here = with_frames(|frames| frames.last().map(|frame| frame.current.clone()));
    match innermost(here.as_ref().map(|here| here.trace.span_id)) {
        Some((trace, begun)) => {
            // A span of OpenTelemetry's within ours: the hop around it goes on, if it is the same trace.
            let hop = here.filter(|here| here.trace.trace_id == trace.trace_id).and_then(|here| here.hop);
            Some(Current { trace, hop, begun })
        }
        None => here,
    }
}

/// Looks at the innermost hop of this thread.
pub(crate) fn top_hop<T>(look: impl FnOnce(&Hop) -> T) -> Option<T> {
    with_frames(|frames| frames.last()?.current.hop.clone()).map(|hop| look(&hop))
}

/// Makes the hop current until the guard is dropped.
pub(crate) fn enter_hop(hop: &Arc<Hop>) -> Entered {
    enter(Current::of(Arc::clone(hop)))
}

/// Makes the hop current until the guard is dropped; the spans that are made meanwhile are the hop's own.
pub(crate) fn enter_as_hop(hop: &Arc<Hop>) -> Entered {
    push_guarded(Current::of(Arc::clone(hop)), true)
}

/// Does a span that is made now stand for the innermost hop?
pub(crate) fn stands_for_hop() -> bool {
    with_frames(|frames| frames.last().map(|frame| frame.stands_for_hop)).unwrap_or(false)
}

/// Makes a captured context current until the guard is dropped.
pub(crate) fn enter(current: Current) -> Entered {
    push_guarded(current, false)
}

/// Makes a user's span current, until [`exit_span`] names it.
pub(crate) fn enter_span(span: u64, current: Current) {
    let attached = current.attach();
    push(Frame { owner: Owner::Span(span), current, stands_for_hop: false, _attached: attached });
}

/// Makes a span current that another layer records, and shows to OpenTelemetry itself.
pub(crate) fn enter_foreign_span(span: u64, current: Current) {
    let attached = Attached::none();
    push(Frame { owner: Owner::Span(span), current, stands_for_hop: false, _attached: attached });
}

/// A user's span is no longer current; spans may leave in any order.
pub(crate) fn exit_span(span: u64) {
    let _frame = with_frames(|frames| {
        let place = frames.iter().rposition(|frame| frame.owner == Owner::Span(span))?;
        Some(frames.remove(place))
    });
}

impl Drop for Entered {
    fn drop(&mut self) {
        let Some(own) = self.number.map(Owner::Guard) else { return };
        // What was left above it goes as well; if it is gone itself, nothing does.
        while let Some(frame) = with_frames(|frames| {
            let is_there = frames.iter().rev().any(|frame| frame.owner == own);
            if is_there { frames.pop() } else { None }
        }) {
            if frame.owner == own {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;

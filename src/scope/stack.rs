//! Owns the thread's stack of what is current: hops and `tracing` spans, innermost on top.
//!
//! The layer pushes its hop for the time of each poll, the bridge pushes a user's span for the time it is
//! entered. Both live on one stack, so "innermost wins" is the top of it.

use std::cell::RefCell;
use std::sync::Arc;

use super::Hop;
use crate::context::{TraceContext, Tracestate};

/// What a new span, line or call belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) trace: TraceContext,
    pub(crate) hop: Option<Arc<Hop>>,
    /// The vendors' list of a trace that began without a hop; a hop has its own.
    pub(crate) begun: Tracestate,
}

#[derive(Debug)]
struct Frame {
    /// The `tracing` span's id; zero or [`STANDING`] for a hop.
    span: u64,
    current: Current,
}

/// No span's id: it marks a hop whose own span is being made.
const STANDING: u64 = u64::MAX;

/// The stack is as it was before when this is dropped, whatever was left on it in between.
#[derive(Debug)]
#[must_use = "the hop is current only while this lives"]
pub(crate) struct Entered {
    depth: Option<usize>,
}

thread_local! {
    static STACK: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

impl Current {
    pub(crate) fn of(hop: &Arc<Hop>) -> Self {
        Self { trace: hop.trace, hop: Some(Arc::clone(hop)), begun: Tracestate::default() }
    }

    /// The vendors' list that belongs to the trace.
    pub(crate) fn tracestate(&self) -> &Tracestate {
        self.hop.as_ref().map_or(&self.begun, |hop| &hop.tracestate)
    }
}

// Every access may fail at a thread's very end; telemetry then knows no context, and nothing panics.
fn with_stack<T>(access: impl FnOnce(&mut Vec<Frame>) -> T) -> Option<T> {
    STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| access(&mut stack))).ok().flatten()
}

fn push(span: u64, current: Current) -> Option<usize> {
    with_stack(|stack| {
        stack.push(Frame { span, current });
        stack.len() - 1
    })
}

/// The innermost context of this thread.
pub(crate) fn current() -> Option<Current> {
    with_stack(|stack| stack.last().map(|frame| frame.current.clone())).flatten()
}

/// Looks at the innermost hop of this thread, without keeping it.
pub(crate) fn top_hop<T>(look: impl FnOnce(&Hop) -> T) -> Option<T> {
    with_stack(|stack| stack.last().and_then(|frame| frame.current.hop.as_deref()).map(look)).flatten()
}

/// Makes the hop current until the guard is dropped.
pub(crate) fn enter_hop(hop: &Arc<Hop>) -> Entered {
    enter(Current::of(hop))
}

/// Makes the hop current, and lets the spans that are made meanwhile stand for the hop itself.
pub(crate) fn enter_as_hop(hop: &Arc<Hop>) -> Entered {
    Entered { depth: push(STANDING, Current::of(hop)) }
}

/// Does a span that is made now stand for the innermost hop?
pub(crate) fn stands_for_hop() -> bool {
    with_stack(|stack| stack.last().is_some_and(|frame| frame.span == STANDING)).unwrap_or(false)
}

/// Makes a captured context current until the guard is dropped.
pub(crate) fn enter(current: Current) -> Entered {
    Entered { depth: push(0, current) }
}

/// Makes a user's span current, until [`exit_span`] names it.
pub(crate) fn enter_span(span: u64, current: Current) {
    push(span, current);
}

/// A user's span is no longer current; spans may leave in any order.
pub(crate) fn exit_span(span: u64) {
    with_stack(|stack| {
        let place = stack.iter().rposition(|frame| frame.span == span)?;
        // A frame's drop may run the user's code (a hop's last reference): not while the stack is borrowed.
        Some(stack.remove(place))
    });
}

impl Drop for Entered {
    fn drop(&mut self) {
        let Some(depth) = self.depth else { return };
        while let Some(Some(frame)) = with_stack(|stack| if stack.len() > depth { stack.pop() } else { None })
        {
            drop(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Flags, SpanId, TraceId};

    fn somewhere(id: u64) -> Current {
        let span_id = SpanId::new(id).expect("not zero");
        Current {
            trace: TraceContext { trace_id: TraceId::random(), span_id, flags: Flags::NONE },
            hop: None,
            begun: Tracestate::default(),
        }
    }

    fn top() -> Option<u64> {
        current().map(|current| current.trace.span_id.value())
    }

    #[test]
    fn the_innermost_is_current_and_leaving_restores_the_outer() {
        assert_eq!(top(), None);
        let outer = enter(somewhere(1));
        enter_span(7, somewhere(2));
        assert_eq!(top(), Some(2));
        exit_span(7);
        assert_eq!(top(), Some(1));
        drop(outer);
        assert_eq!(top(), None);
    }

    #[test]
    fn spans_leave_in_any_order() {
        enter_span(7, somewhere(1));
        enter_span(8, somewhere(2));
        exit_span(7);
        assert_eq!(top(), Some(2));
        exit_span(8);
        exit_span(8);
        assert_eq!(top(), None);
    }

    #[test]
    fn a_span_left_entered_does_not_outlive_the_hop() {
        let hop = enter(somewhere(1));
        enter_span(7, somewhere(2));
        drop(hop);
        assert_eq!(top(), None);
    }
}

//! The thread's stack of what is current: hops and `tracing` spans, innermost on top.
//!
//! The layer pushes its hop for the time of each poll, the bridge pushes a user's span for the time it is
//! entered. Both live on one stack, so "innermost wins" is the top of it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::otel::{Attached, attach, has_contexts, innermost};
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
enum Frame {
    // A hop needs no more than its own reference: it is entered at each poll, and rarely asked for.
    Hop {
        guard: u64,
        hop: Arc<Hop>,
        /// A span that is made now is the hop's own span.
        stands_for_hop: bool,
    },
    /// A context that was captured elsewhere.
    Captured { guard: u64, current: Current },
    /// A `tracing` span that is entered.
    Span { id: u64, current: Current, _attached: Attached },
}

/// Restores the stack when this is dropped, whatever was left on it in between.
#[derive(Debug)]
#[must_use = "the context is current only while this lives"]
pub(crate) struct Entered {
    /// Its frame's number; 0 if it has none, as at the very end of a thread, which has no stack any more.
    guard: u64,
    // Dropped after the stack is restored.
    attached: Attached,
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

    /// Is it kept although it was not sampled?
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        !self.trace.flags.is_sampled() && self.hop.as_ref().is_some_and(|hop| hop.kept.reason().is_some())
    }

    /// The place in the trace, sampled as well if the hop is kept.
    pub(crate) fn trace_now(&self) -> TraceContext {
        self.trace.sampled_if(self.is_kept())
    }

    /// The vendors' list that belongs to the trace.
    pub(crate) fn tracestate(&self) -> &Tracestate {
        self.hop.as_ref().map_or(&self.begun, |hop| &hop.tracestate)
    }

    /// The vendors' list as it leaves with [`trace_now`](Self::trace_now).
    pub(crate) fn tracestate_now(&self) -> Cow<'_, Tracestate> {
        self.hop.as_ref().map_or(Cow::Borrowed(&self.begun), |hop| hop.tracestate_now())
    }

    /// Makes it OpenTelemetry's current context as well, where that is switched on.
    fn attach(&self) -> Attached {
        attach(self.trace, self.tracestate(), self.hop.as_deref())
    }
}

// Every access may fail at a thread's very end; telemetry then knows no context, and nothing panics.
#[inline]
fn with_stack<T>(access: impl FnOnce(&Stack) -> T) -> Option<T> {
    STACK.try_with(access).ok()
}

/// Accesses the frames. A frame's drop may run the user's code (a hop's last reference), so `access` hands frames out
/// and drops none.
#[inline]
fn with_frames<T>(access: impl FnOnce(&mut Vec<Frame>) -> Option<T>) -> Option<T> {
    with_stack(|stack| access(&mut *stack.frames.try_borrow_mut().ok()?)).flatten()
}

#[inline]
fn push(attached: Attached, frame: impl FnOnce(u64) -> Frame) -> Entered {
    let guard = with_stack(|stack| {
        let guard = stack.guards.get() + 1;
        stack.guards.set(guard);
        stack.frames.try_borrow_mut().ok()?.push(frame(guard));
        Some(guard)
    });
    Entered { guard: guard.flatten().unwrap_or(0), attached }
}

/// The innermost context of this thread.
pub(crate) fn current() -> Option<Current> {
    let here = with_frames(|frames| frames.last().map(Frame::current));
    match innermost(here.as_ref().map(|here| here.trace.span_id)) {
        Some((trace, begun)) => {
            // A span of OpenTelemetry's within ours: the hop around it goes on, if it is the same trace.
            let hop = here.filter(|here| here.trace.trace_id == trace.trace_id).and_then(|here| here.hop);
            Some(Current { trace, hop, begun })
        }
        None => here,
    }
}

/// The innermost hop of this thread, without the spans that are within it.
pub(crate) fn current_hop() -> Option<Current> {
    current()?.hop.map(Current::of)
}

/// Looks at the hop of [`current`].
pub(crate) fn with_hop<T>(look: impl FnOnce(&Arc<Hop>) -> T) -> Option<T> {
    // Where OpenTelemetry has spans of its own, one of another trace may be within ours.
    if has_contexts() {
        return current()?.hop.as_ref().map(look);
    }
    top_hop(look)
}

/// Looks at the innermost hop of this thread.
pub(crate) fn top_hop<T>(look: impl FnOnce(&Arc<Hop>) -> T) -> Option<T> {
    with_frames(|frames| frames.last().and_then(Frame::hop)).map(|hop| look(&hop))
}

/// Makes the hop current until the guard is dropped.
#[inline]
pub(crate) fn enter_hop(hop: &Arc<Hop>) -> Entered {
    push_hop(hop, false)
}

/// Makes the hop current until the guard is dropped; the spans that are made meanwhile are the hop's own.
pub(crate) fn enter_as_hop(hop: &Arc<Hop>) -> Entered {
    push_hop(hop, true)
}

#[inline]
fn push_hop(hop: &Arc<Hop>, stands_for_hop: bool) -> Entered {
    let attached = attach(hop.trace, &hop.tracestate, Some(&**hop));
    push(attached, |guard| Frame::Hop { guard, hop: Arc::clone(hop), stands_for_hop })
}

/// Does a span that is made now stand for the innermost hop?
pub(crate) fn stands_for_hop() -> bool {
    let stands = |frame: &Frame| matches!(frame, Frame::Hop { stands_for_hop: true, .. });
    with_frames(|frames| frames.last().map(stands)).unwrap_or(false)
}

/// Makes a captured context current until the guard is dropped.
pub(crate) fn enter(current: Current) -> Entered {
    push(current.attach(), |guard| Frame::Captured { guard, current })
}

/// Makes a user's span current, until [`exit_span`] names it.
pub(crate) fn enter_span(id: u64, current: Current) {
    let attached = current.attach();
    push_span(Frame::Span { id, current, _attached: attached });
}

/// Makes a span current that another layer records, and shows to OpenTelemetry itself.
pub(crate) fn enter_foreign_span(id: u64, current: Current) {
    push_span(Frame::Span { id, current, _attached: Attached::none() });
}

fn push_span(frame: Frame) {
    with_frames(|frames| {
        frames.push(frame);
        Some(())
    });
}

/// A user's span is no longer current; spans may leave in any order.
pub(crate) fn exit_span(span: u64) {
    let is_it = |frame: &Frame| matches!(frame, Frame::Span { id, .. } if *id == span);
    let _frame = with_frames(|frames| {
        // Nearly always it is on top.
        if frames.last().is_some_and(is_it) {
            return frames.pop();
        }
        frames.iter().rposition(is_it).map(|place| frames.remove(place))
    });
}

impl Frame {
    fn current(&self) -> Current {
        match self {
            Self::Hop { hop, .. } => Current::of(Arc::clone(hop)),
            Self::Captured { current, .. } | Self::Span { current, .. } => current.clone(),
        }
    }

    fn hop(&self) -> Option<Arc<Hop>> {
        match self {
            Self::Hop { hop, .. } => Some(Arc::clone(hop)),
            Self::Captured { current, .. } | Self::Span { current, .. } => current.hop.clone(),
        }
    }

    /// Is it the one that the guard of this number takes away?
    fn is_of(&self, own: u64) -> bool {
        match self {
            Self::Hop { guard, .. } | Self::Captured { guard, .. } => *guard == own,
            Self::Span { .. } => false,
        }
    }
}

impl Entered {
    /// Restores nothing.
    #[inline]
    pub(crate) fn none() -> Self {
        Self { guard: 0, attached: Attached::none() }
    }

    /// Restores the stack before this is dropped.
    #[inline]
    pub(crate) fn leave(&mut self) {
        let own = std::mem::take(&mut self.guard);
        // Nearly always it is on top.
        let top = with_frames(|frames| match frames.last() {
            Some(Frame::Hop { guard, .. }) if *guard == own => match frames.pop() {
                Some(Frame::Hop { hop, .. }) => Some(hop),
                _ => None,
            },
            _ => None,
        });
        if top.is_none() && own != 0 {
            restore(own);
        }
        self.attached = Attached::none();
    }
}

/// Takes away the frame of this number that is not on top, and what was left above it. If it is gone itself, nothing goes.
#[cold]
fn restore(own: u64) {
    let is_there = |frames: &[Frame]| frames.iter().any(|frame| frame.is_of(own));
    while with_frames(|frames| if is_there(frames) { frames.pop() } else { None }).is_some() {}
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if self.guard != 0 {
            self.leave();
        }
    }
}

#[cfg(test)]
mod tests;

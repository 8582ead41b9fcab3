//! The thread's stack of what is current: hops and `tracing` spans, innermost on top.
//!
//! The layer pushes its hop for the time of each poll, the bridge pushes a user's span for the time it is
//! entered. Both live on one stack, so "innermost wins" is the top of it.
//!
//! Mostly there is nothing but one hop, entered and left three times a request: it has a place of its own on top, and
//! moves down among the others once something else is laid upon it. Whoever polls the service lends it, and takes it
//! back afterwards: to count its references each time costs more than all else that is done here.

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

/// A hop needs no more than its own reference: it is entered at each poll, and rarely asked for.
#[derive(Debug)]
enum Frame {
    Hop(Arc<Hop>),
    /// A hop whose own span is being made, and the number of its guard.
    Standing(u64, Arc<Hop>),
    /// What was captured elsewhere, and the same.
    Captured(u64, Current),
    /// A `tracing` span that is entered.
    Span {
        id: u64,
        current: Current,
        _attached: Attached,
    },
}

/// The stack is as it was before when this is dropped, whatever was left on it in between.
#[derive(Debug)]
#[must_use = "the hop is current only while this lives"]
pub(crate) struct Entered {
    /// Finds its frame again, wherever spans that left from beneath it have moved it.
    number: Option<u64>,
    // Let go after the stack is as it was.
    _attached: Attached,
}

/// A hop is current until it is taken back from here.
// It has no drop of its own: each poll's end would call it once more, for nothing.
#[derive(Debug)]
#[must_use = "the hop is current, and its owner's again only when it is taken back"]
pub(crate) struct Lent {
    /// Where it is in memory, which tells it from others; 0 if there is none.
    hop: usize,
    /// There was a hop on top before.
    is_nested: bool,
    attached: Attached,
}

/// A hop of somebody else's is current until this is dropped.
#[derive(Debug)]
#[must_use = "the hop is current only while this lives"]
pub(crate) struct EnteredHop(Lent);

struct Stack {
    /// The innermost frame, if it is a hop's and nothing was laid upon it so far.
    top: Cell<Option<Arc<Hop>>>,
    /// The hop that was on top before: in which a call is made. It lies between the others, and never without a top.
    outer: Cell<Option<Arc<Hop>>>,
    below: RefCell<Vec<Frame>>,
    /// How many are below, for those who need no more.
    depth: Cell<usize>,
    /// How many guards there were.
    guards: Cell<u64>,
}

thread_local! {
    static STACK: Stack = const {
        Stack {
            top: Cell::new(None),
            outer: Cell::new(None),
            below: RefCell::new(Vec::new()),
            depth: Cell::new(0),
            guards: Cell::new(0),
        }
    };
}

impl Current {
    pub(crate) fn of(hop: Arc<Hop>) -> Self {
        Self { trace: hop.trace, hop: Some(hop), begun: Tracestate::default() }
    }

    /// The vendors' list that belongs to the trace.
    pub(crate) fn tracestate(&self) -> &Tracestate {
        self.hop.as_ref().map_or(&self.begun, |hop| &hop.tracestate)
    }

    /// Lets OpenTelemetry see it, where that is wanted.
    fn attach(&self) -> Attached {
        attach(self.trace, self.tracestate(), self.hop.as_ref().map(|hop| &hop.baggage))
    }
}

impl Stack {
    /// Nothing of the user's runs within the access, so that it is never refused.
    fn below<T>(&self, access: impl FnOnce(&mut Vec<Frame>) -> T) -> Option<T> {
        let mut below = self.below.try_borrow_mut().ok()?;
        let result = access(&mut below);
        self.depth.set(below.len());
        Some(result)
    }

    /// The innermost hop, if it is on top.
    #[inline]
    fn top(&self) -> Option<Arc<Hop>> {
        let top = self.top.take();
        let hop = top.clone();
        self.top.set(top);
        hop
    }

    /// Returns whether there was a hop on top.
    #[inline]
    fn lend(&self, hop: Option<Arc<Hop>>) -> bool {
        self.top.replace(hop).map(|outer| self.nest(outer)).is_some()
    }

    // Apart from what happens at each poll, as its end.
    #[inline(never)]
    fn nest(&self, outer: Arc<Hop>) {
        if let Some(outermost) = self.outer.replace(Some(outer)) {
            self.lay_down(outermost);
        }
    }

    /// The hop leaves, and nothing is current that was laid upon it.
    #[inline]
    fn take_back(&self, hop: usize, is_nested: bool) -> Option<Arc<Hop>> {
        let top = self.top.take();
        if top.as_ref().map(place_of) != Some(hop) {
            return self.dig_out(top, hop, is_nested);
        }
        if is_nested {
            self.unnest();
        }
        top
    }

    /// The hop is on top that was there before.
    #[inline(never)]
    fn unnest(&self) {
        let outer = self.outer.take().or_else(|| self.below(pop_hop).flatten());
        // There is nothing on top to be dropped.
        std::mem::forget(self.top.replace(outer));
    }

    /// Takes out a hop upon which something was laid.
    #[cold]
    fn dig_out(&self, top: Option<Arc<Hop>>, hop: usize, is_nested: bool) -> Option<Arc<Hop>> {
        // A hop that is on top, or was, is another one's to be taken back.
        self.outer.take().into_iter().chain(top).for_each(|hop| self.lay_down(hop));
        let is_it = |frame: &Frame| matches!(frame, Frame::Hop(found) if place_of(found) == hop);
        let place = self.below(|below| below.iter().rposition(is_it)).flatten();
        place.into_iter().for_each(|place| self.cut(place + 1));
        let hop = place.and_then(|_| self.below(pop_hop).flatten());
        if is_nested {
            self.unnest();
        }
        hop
    }

    #[cold]
    fn lay_down(&self, hop: Arc<Hop>) {
        self.below(|below| below.push(Frame::Hop(hop)));
    }

    /// Lays a frame on top of all.
    fn push(&self, frame: Frame) {
        self.outer.take().into_iter().chain(self.top.take()).for_each(|hop| self.lay_down(hop));
        self.below(|below| below.push(frame));
    }

    /// The same for one that a guard takes away; returns the guard's number.
    fn push_guarded(&self, frame: impl FnOnce(u64) -> Frame) -> u64 {
        let number = self.guards.get() + 1;
        self.guards.set(number);
        self.push(frame(number));
        number
    }

    /// Takes away the frame of a guard, and what is above it.
    fn leave(&self, guard: u64) {
        let is_it = |frame: &Frame| frame.guard() == Some(guard);
        let Some(place) = self.below(|below| below.iter().rposition(is_it)).flatten() else { return };
        // A frame's drop may run the user's code (a hop's last reference): nothing is borrowed then.
        let _tops = (self.top.take(), self.outer.take());
        self.cut(place);
    }

    #[inline(never)]
    fn cut(&self, depth: usize) {
        while let Some(Some(_frame)) =
            self.below(|below| if below.len() > depth { below.pop() } else { None })
        {}
    }
}

// Every access may fail at a thread's very end; telemetry then knows no context, and nothing panics.
#[inline]
fn with_stack<T>(access: impl FnOnce(&Stack) -> T) -> Option<T> {
    STACK.try_with(access).ok()
}

fn push(attached: Attached, frame: impl FnOnce(u64) -> Frame) -> Entered {
    Entered { number: with_stack(|stack| stack.push_guarded(frame)), _attached: attached }
}

/// Where it is in memory.
#[inline]
fn place_of(hop: &Arc<Hop>) -> usize {
    Arc::as_ptr(hop).addr()
}

/// Takes away the last frame, if it is a hop's.
fn pop_hop(below: &mut Vec<Frame>) -> Option<Arc<Hop>> {
    match below.pop_if(|frame| matches!(frame, Frame::Hop(_))) {
        Some(Frame::Hop(hop)) => Some(hop),
        _ => None,
    }
}

/// The innermost context of this thread.
pub(crate) fn current() -> Option<Current> {
    let here = with_stack(|stack| match stack.top() {
        Some(hop) => Some(Current::of(hop)),
        None => stack.below(|below| below.last().map(Frame::current)).flatten(),
    });
    let here = here.flatten();
    match innermost(here.as_ref().map(|here| here.trace.span_id)) {
        Some((trace, begun)) => Some(further_in(here, trace, begun)),
        None => here,
    }
}

/// A span of OpenTelemetry's within what is ours: the hop around it goes on, if it is the same trace.
#[cold]
fn further_in(here: Option<Current>, trace: TraceContext, begun: Tracestate) -> Current {
    let hop = here.filter(|here| here.trace.trace_id == trace.trace_id).and_then(|here| here.hop);
    Current { trace, hop, begun }
}

/// Looks at the innermost hop of this thread.
#[inline]
pub(crate) fn top_hop<T>(look: impl FnOnce(&Hop) -> T) -> Option<T> {
    let hop = with_stack(|stack| match stack.top() {
        None if stack.depth.get() == 0 => None,
        None => stack.below(|below| below.last().and_then(Frame::hop)).flatten(),
        top => top,
    });
    hop.flatten().map(|hop| look(&hop))
}

/// Makes the hop current until it is taken back: its owner has none meanwhile.
#[inline]
pub(crate) fn lend_hop(hop: &mut Option<Arc<Hop>>) -> Lent {
    let Some(lent) = hop else { return Lent::of(0, false, Attached::none()) };
    let attached = attach(lent.trace, &lent.tracestate, Some(&lent.baggage));
    let place = place_of(lent);
    match with_stack(|stack| stack.lend(hop.take())) {
        Some(is_nested) => Lent::of(place, is_nested, attached),
        // Where there is no stack any more, the owner keeps it.
        None => Lent::of(0, false, attached),
    }
}

/// The same for one that somebody else owns, until the guard is dropped.
pub(crate) fn enter_hop(hop: &Arc<Hop>) -> EnteredHop {
    EnteredHop(lend_hop(&mut Some(Arc::clone(hop))))
}

/// Makes the hop current, and lets the spans that are made meanwhile stand for the hop itself.
pub(crate) fn enter_as_hop(hop: &Arc<Hop>) -> Entered {
    let attached = attach(hop.trace, &hop.tracestate, Some(&hop.baggage));
    push(attached, |number| Frame::Standing(number, Arc::clone(hop)))
}

/// Does a span that is made now stand for the innermost hop?
pub(crate) fn stands_for_hop() -> bool {
    let stands = with_stack(|stack| {
        let is_below = stack.top().is_none();
        let stands = |below: &mut Vec<_>| matches!(below.last(), Some(Frame::Standing(..)));
        is_below && stack.below(stands).unwrap_or(false)
    });
    stands.unwrap_or(false)
}

/// Makes a captured context current until the guard is dropped.
pub(crate) fn enter(current: Current) -> Entered {
    push(current.attach(), |number| Frame::Captured(number, current))
}

/// Makes a user's span current, until [`exit_span`] names it.
pub(crate) fn enter_span(span: u64, current: Current) {
    let attached = current.attach();
    push_span(Frame::Span { id: span, current, _attached: attached });
}

/// The same for a span that another layer records, and shows to OpenTelemetry itself.
pub(crate) fn enter_foreign_span(span: u64, current: Current) {
    push_span(Frame::Span { id: span, current, _attached: Attached::none() });
}

fn push_span(frame: Frame) {
    with_stack(|stack| stack.push(frame));
}

/// A user's span is no longer current; spans may leave in any order.
pub(crate) fn exit_span(span: u64) {
    // Handed out, and dropped while the stack is not borrowed.
    let _frame = with_stack(|stack| {
        stack.below(|below| {
            let is_it = |frame: &Frame| matches!(frame, Frame::Span { id, .. } if *id == span);
            below.iter().rposition(is_it).map(|place| below.remove(place))
        })
    });
}

impl Frame {
    fn current(&self) -> Current {
        match self {
            Self::Hop(hop) | Self::Standing(_, hop) => Current::of(Arc::clone(hop)),
            Self::Captured(_, current) | Self::Span { current, .. } => current.clone(),
        }
    }

    /// The number of the [`Entered`] that takes it away.
    fn guard(&self) -> Option<u64> {
        match self {
            Self::Standing(number, _) | Self::Captured(number, _) => Some(*number),
            Self::Hop(_) | Self::Span { .. } => None,
        }
    }

    fn hop(&self) -> Option<Arc<Hop>> {
        match self {
            Self::Hop(hop) | Self::Standing(_, hop) => Some(Arc::clone(hop)),
            Self::Captured(_, current) | Self::Span { current, .. } => current.hop.clone(),
        }
    }
}

impl Lent {
    #[inline]
    fn of(hop: usize, is_nested: bool, attached: Attached) -> Self {
        Self { hop, is_nested, attached }
    }

    /// The hop, which is not current any more; `None` if there was none to lend. Called once.
    #[inline(always)]
    pub(crate) fn take_back(&mut self) -> Option<Arc<Hop>> {
        // Let go after the stack is as it was.
        let _attached = std::mem::replace(&mut self.attached, Attached::none());
        if self.hop == 0 {
            return None;
        }
        with_stack(|stack| stack.take_back(self.hop, self.is_nested)).flatten()
    }
}

impl Drop for EnteredHop {
    fn drop(&mut self) {
        self.0.take_back();
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            with_stack(|stack| stack.leave(number));
        }
    }
}

#[cfg(test)]
mod tests;

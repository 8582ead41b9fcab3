//! Owns the thread's stack of what is current: hops and `tracing` spans, innermost on top.
//!
//! The layer pushes its hop for the time of each poll, the bridge pushes a user's span for the time it is
//! entered. Both live on one stack, so "innermost wins" is the top of it.
//!
//! Mostly there is nothing but one hop, entered and left three times a request: it has a place of its own on top, and
//! moves down among the others once something else is laid upon it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::Hop;
use super::otel::{Attached, attach, innermost};
use crate::context::{TraceContext, Tracestate};

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
    /// A hop whose own span is being made.
    Standing(Arc<Hop>),
    /// What was captured elsewhere.
    Captured(Current),
    /// A `tracing` span that is entered.
    Span {
        id: u64,
        current: Current,
        _attached: Attached,
    },
    /// The place of a span that left from beneath a guard: what guards remember of depths stays true.
    Left,
}

/// The stack is as it was before when this is dropped, whatever was left on it in between.
#[derive(Debug)]
#[must_use = "the hop is current only while this lives"]
pub(crate) struct Entered {
    depth: Option<usize>,
    /// There was a hop on top before.
    is_nested: bool,
    // Let go after the stack is as it was.
    _attached: Attached,
}

struct Stack {
    /// The innermost frame, if it is a hop's and nothing was laid upon it so far.
    top: Cell<Option<Arc<Hop>>>,
    /// The hop that was on top before: in which a call is made. It lies between the others, and never without a top.
    outer: Cell<Option<Arc<Hop>>>,
    below: RefCell<Vec<Frame>>,
    /// How many are below, for those who need no more.
    depth: Cell<usize>,
}

thread_local! {
    static STACK: Stack = const {
        Stack {
            top: Cell::new(None),
            outer: Cell::new(None),
            below: RefCell::new(Vec::new()),
            depth: Cell::new(0),
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

    /// Returns how many are below, and whether there was a hop on top.
    #[inline]
    fn enter_hop(&self, hop: Arc<Hop>) -> (usize, bool) {
        let outer = self.top.replace(Some(hop));
        let is_nested = outer.is_some();
        if let Some(outer) = outer {
            self.nest(outer);
        }
        (self.depth.get(), is_nested)
    }

    // Apart from what happens at each poll, as the next two.
    #[inline(never)]
    fn nest(&self, outer: Arc<Hop>) {
        if let Some(outermost) = self.outer.replace(Some(outer)) {
            self.lay_down(outermost);
        }
    }

    /// The hop on top leaves, and the one before it is there again.
    #[inline(never)]
    fn leave_nested(&self, depth: usize) {
        let _top = self.top.take();
        if let Some(outer) = self.outer.take() {
            self.top.set(Some(outer));
            return;
        }
        // Something was laid upon both meanwhile: the outer one lies just above this depth.
        self.cut(depth + 1);
        if let Some(Some(Frame::Hop(outer))) = self.below(Vec::pop) {
            self.top.set(Some(outer));
        }
    }

    #[cold]
    fn lay_down(&self, hop: Arc<Hop>) {
        self.below(|below| below.push(Frame::Hop(hop)));
    }

    /// Lays a frame on top of all; returns how many are below it.
    fn push(&self, frame: Frame) -> usize {
        let top = self.top.take();
        if top.is_none() {
            self.close_gaps();
        }
        self.outer.take().into_iter().chain(top).for_each(|hop| self.lay_down(hop));
        let depth = self.depth.get();
        self.below(|below| below.push(frame));
        depth
    }

    /// Takes away what is above this depth.
    #[inline]
    fn leave(&self, depth: usize) {
        // A frame's drop may run the user's code (a hop's last reference): nothing is borrowed then.
        let top = self.top.take();
        if top.is_none() || self.depth.get() != depth {
            self.cut(depth);
        }
    }

    #[inline(never)]
    fn cut(&self, depth: usize) {
        while let Some(Some(_frame)) =
            self.below(|below| if below.len() > depth { below.pop() } else { None })
        {}
    }

    fn has_top(&self) -> bool {
        let top = self.top.take();
        let has_top = top.is_some();
        self.top.set(top);
        has_top
    }

    /// Takes away the places of spans that left, as far as no guard is above them.
    fn close_gaps(&self) {
        self.below(|below| {
            while let Some(Frame::Left) = below.last() {
                below.pop();
            }
        });
    }

    /// Takes a span out. Whoever is above it and has a guard goes by how many are below: there its place stays.
    fn exit(&self, span: u64) -> Option<Frame> {
        let has_top = self.has_top();
        let frame = self.below(|below| {
            let is_it = |frame: &Frame| matches!(frame, Frame::Span { id, .. } if *id == span);
            let place = below.iter().rposition(is_it)?;
            if has_top || below.iter().skip(place + 1).any(Frame::has_guard) {
                below.get_mut(place).map(|frame| std::mem::replace(frame, Frame::Left))
            } else {
                Some(below.remove(place))
            }
        });
        frame.flatten()
    }
}

// Every access may fail at a thread's very end; telemetry then knows no context, and nothing panics.
#[inline]
fn with_stack<T>(access: impl FnOnce(&Stack) -> T) -> Option<T> {
    STACK.try_with(access).ok()
}

fn push(attached: Attached, frame: Frame) -> Entered {
    Entered { depth: with_stack(|stack| stack.push(frame)), is_nested: false, _attached: attached }
}

/// The innermost context of this thread.
pub(crate) fn current() -> Option<Current> {
    let here = with_stack(|stack| match stack.top() {
        Some(hop) => Some(Current::of(hop)),
        None => stack.below(|below| below.iter().rev().find_map(Frame::current)).flatten(),
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
        None => stack.below(|below| innermost_of(below).and_then(Frame::hop)).flatten(),
        top => top,
    });
    hop.flatten().map(|hop| look(&hop))
}

/// Makes the hop current until the guard is dropped.
#[inline]
pub(crate) fn enter_hop(hop: &Arc<Hop>) -> Entered {
    let attached = attach(hop.trace, &hop.tracestate, Some(&hop.baggage));
    let (depth, is_nested) = with_stack(|stack| stack.enter_hop(Arc::clone(hop))).unzip();
    Entered { depth, is_nested: is_nested.unwrap_or(false), _attached: attached }
}

/// Makes the hop current, and lets the spans that are made meanwhile stand for the hop itself.
pub(crate) fn enter_as_hop(hop: &Arc<Hop>) -> Entered {
    push(attach(hop.trace, &hop.tracestate, Some(&hop.baggage)), Frame::Standing(Arc::clone(hop)))
}

/// Does a span that is made now stand for the innermost hop?
pub(crate) fn stands_for_hop() -> bool {
    let stands = with_stack(|stack| {
        let is_below = stack.top().is_none();
        let stands = |below: &mut Vec<_>| matches!(innermost_of(below), Some(Frame::Standing(_)));
        is_below && stack.below(stands).unwrap_or(false)
    });
    stands.unwrap_or(false)
}

/// Makes a captured context current until the guard is dropped.
pub(crate) fn enter(current: Current) -> Entered {
    push(current.attach(), Frame::Captured(current))
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
    let _frame = with_stack(|stack| stack.exit(span));
}

/// What is current of these, innermost last.
fn innermost_of(below: &[Frame]) -> Option<&Frame> {
    below.iter().rev().find(|frame| !matches!(frame, Frame::Left))
}

impl Frame {
    fn current(&self) -> Option<Current> {
        match self {
            Self::Hop(hop) | Self::Standing(hop) => Some(Current::of(Arc::clone(hop))),
            Self::Captured(current) | Self::Span { current, .. } => Some(current.clone()),
            Self::Left => None,
        }
    }

    /// Does an [`Entered`] take it away?
    fn has_guard(&self) -> bool {
        matches!(self, Self::Hop(_) | Self::Standing(_) | Self::Captured(_))
    }

    fn hop(&self) -> Option<Arc<Hop>> {
        match self {
            Self::Hop(hop) | Self::Standing(hop) => Some(Arc::clone(hop)),
            Self::Captured(current) | Self::Span { current, .. } => current.hop.clone(),
            Self::Left => None,
        }
    }
}

impl Entered {
    /// Nothing became current.
    pub(crate) fn nothing() -> Self {
        Self { depth: None, is_nested: false, _attached: Attached::none() }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if let Some(depth) = self.depth {
            with_stack(|stack| if self.is_nested { stack.leave_nested(depth) } else { stack.leave(depth) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::context::{Flags, SpanId, TraceId};
    use crate::scope::Kind;

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
    fn a_hop_within_another_gives_its_place_back_whatever_was_left_upon_it() {
        let hop = |id| Hop::begin(somewhere(id).trace, Kind::Internal, Moment::now(), |_| {});
        let (outer, inner) = (hop(1), hop(3));
        for (between, left) in [(false, false), (false, true), (true, false), (true, true)] {
            let first = enter_hop(&outer);
            if between {
                enter_span(6, somewhere(2));
            }
            let second = enter_hop(&inner);
            assert_eq!(top(), Some(3));
            enter_span(7, somewhere(4));
            assert_eq!(top(), Some(4));
            if !left {
                exit_span(7);
                assert_eq!(top(), Some(3));
            }
            drop(second);
            assert_eq!(top(), Some(if between { 2 } else { 1 }));
            drop(first);
            assert_eq!(top(), None);
        }
        assert_eq!([outer, inner].map(|hop| Arc::strong_count(&hop)), [1, 1]);
    }

    #[test]
    fn hops_within_hops_leave_one_after_the_other() {
        let hops =
            [1, 2, 3, 4].map(|id| Hop::begin(somewhere(id).trace, Kind::Internal, Moment::now(), |_| {}));
        let entered = hops.each_ref().map(enter_hop);
        for (left, guard) in entered.into_iter().rev().enumerate() {
            assert_eq!(top(), Some(4 - left as u64));
            drop(guard);
        }
        assert_eq!(top(), None);
        assert_eq!(hops.map(|hop| Arc::strong_count(&hop)), [1; 4]);
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
    fn a_span_that_leaves_from_beneath_a_hop_leaves_nothing_of_the_hop_behind() {
        let hops = [2, 3].map(|id| Hop::begin(somewhere(id).trace, Kind::Internal, Moment::now(), |_| {}));
        let below = || with_stack(|stack| stack.depth.get());
        // Within another hop or not, before another span is entered or after, which is left in time or not.
        for way in 0..8 {
            let [nested, first, left] = [1, 2, 4].map(|bit| way & bit > 0);
            enter_span(6, somewhere(1));
            let outer = enter_hop(&hops[0]);
            let inner = nested.then(|| enter_hop(&hops[1]));
            let hop = if nested { 3 } else { 2 };
            if first {
                exit_span(6);
                assert_eq!(top(), Some(hop));
            }
            enter_span(7, somewhere(4));
            exit_span(6);
            assert_eq!((top(), top_hop(|_| ())), (Some(4), None));
            if left {
                exit_span(7);
                assert_eq!(top(), Some(hop));
            }
            if nested {
                drop(inner);
                assert_eq!(top(), Some(2), "{way}");
            }
            drop(outer);
            assert_eq!((top(), stands_for_hop()), (None, false), "{way}");
            // What kept the place goes with the next span, and nothing piles up.
            enter_span(8, somewhere(5));
            assert_eq!((top(), below()), (Some(5), Some(1)));
            exit_span(8);
            assert_eq!((top(), below()), (None, Some(0)));
        }
        assert_eq!(hops.map(|hop| Arc::strong_count(&hop)), [1, 1]);
    }

    #[test]
    fn a_place_that_a_span_left_hides_nobody_who_stands_beneath_it() {
        let hop = |id| Hop::begin(somewhere(id).trace, Kind::Internal, Moment::now(), |_| {});
        let (around, within) = (hop(1), hop(3));
        let standing = enter_as_hop(&around);
        enter_span(7, somewhere(2));
        let inner = enter_hop(&within);
        exit_span(7);
        drop(inner);
        assert_eq!((top(), stands_for_hop(), top_hop(|_| ())), (Some(1), true, Some(())));
        drop(standing);
        assert_eq!(top(), None);
    }

    #[test]
    fn what_was_captured_ends_with_its_guard_although_a_span_left_from_beneath_it() {
        enter_span(6, somewhere(1));
        let captured = enter(somewhere(2));
        enter_span(7, somewhere(3));
        exit_span(6);
        exit_span(7);
        assert_eq!(top(), Some(2));
        drop(captured);
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

//! The proof that whatever leaves, and in whatever order, what is current is what was before.

use super::*;
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceId};
use crate::record::Kind;

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
fn a_guard_takes_its_hop_away_whatever_was_left_upon_it_and_beneath() {
    let hop = Hop::begin(somewhere(1).trace, Kind::Internal, Moment::now(), |_| {});
    // A span that is entered below it may be left above it, which moves it within the stack.
    for (below, above, nested) in
        [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1), (0, 0, 1), (0, 1, 1)]
    {
        let outer = (nested == 1).then(|| enter(somewhere(8)));
        let around = (nested == 1).then(|| enter_hop(&hop));
        (0..below).for_each(|_| enter_span(6, somewhere(6)));
        let guard = enter_hop(&hop);
        assert_eq!((top(), Arc::strong_count(&hop)), (Some(1), 2 + nested));
        (0..above).for_each(|_| enter_span(7, somewhere(7)));
        (0..below).for_each(|_| exit_span(6));
        drop(guard);
        assert_eq!(top(), around.as_ref().map(|_| 1));
        drop(around);
        assert_eq!(top(), outer.as_ref().map(|_| 8));
    }
    assert_eq!((top(), Arc::strong_count(&hop)), (None, 1));
}

#[test]
fn hops_within_hops_leave_one_after_the_other() {
    let hops = [1, 2, 3, 4].map(|id| Hop::begin(somewhere(id).trace, Kind::Internal, Moment::now(), |_| {}));
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
    let below = || with_frames(|frames| Some(frames.len()));
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

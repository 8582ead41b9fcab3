//! The proof that spans and events land where they happened.

mod events;
mod limit;
mod on_lines;

use std::sync::Arc;

use tracing::subscriber::DefaultGuard;
use tracing::{Span, error, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::context::{Flags, TraceId};
use crate::current::{enter_as_hop, enter_hop};
use crate::logs::{Lines, Logs, MemoryLines};
use crate::metrics::Red;
use crate::propagation::Propagators;
use crate::record::{Hop, Kind, Subject, Value, Work};
use crate::resource::Resource;
use crate::signals::Listening;
use crate::traces::{Limits, Record as Finished, Sampler, SpanRecord, Spans, Status};

/// One test's signals, and the subscriber of its thread.
struct Seen {
    signals: &'static Signals,
    lines: MemoryLines,
    _subscriber: DefaultGuard,
}

fn watch(spans: Spans, logs: Logs) -> Seen {
    let (lines, written) = Lines::in_memory_of(&logs, &Resource::default());
    let signals = Signals {
        spans,
        lines,
        points: None,
        red: Red::default(),
        reports: Default::default(),
        propagators: Propagators::default(),
        proxies: None,
        watched: Default::default(),
        order: Default::default(),
        database: None,
        listening: Listening::default(),
    };
    let signals: &'static Signals = Box::leak(Box::new(signals));
    let subscriber = tracing_subscriber::registry().with(Bridge::new(signals));
    Seen { signals, lines: written, _subscriber: tracing::subscriber::set_default(subscriber) }
}

fn everything() -> Seen {
    watch(Spans::in_memory(), Logs::new().json())
}

impl Seen {
    fn spans(&self) -> Vec<SpanRecord> {
        let queue = self.signals.spans.queue.as_ref().expect("spans are on");
        let records = queue.drain().into_iter().map(|record| match record {
            Finished::Span(span) => *span,
            Finished::Hop(_) => panic!("a hop was recorded"),
        });
        records.collect()
    }

    fn lines(&self) -> Vec<serde_json::Value> {
        let lines = self.lines.all();
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

fn a_hop(sampled: bool) -> Arc<Hop> {
    let flags = Flags::RANDOM.with_sampled(sampled);
    let trace = TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags };
    let work = Work { name: "work".into(), system: None, destination: None, ..Work::default() };
    Arc::new(Hop::new(trace, Kind::Consumer, Moment::now(), Subject::Work(work)))
}

fn within(sampled: bool) -> (Arc<Hop>, impl Sized) {
    let hop = a_hop(sampled);
    let entered = enter_hop(&hop);
    (hop, entered)
}

fn id(line: &serde_json::Value) -> &str {
    line["span_id"].as_str().unwrap_or_default()
}

#[test]
fn a_span_within_a_hop_is_its_child_and_its_lines_carry_its_id() {
    let seen = everything();
    let (hop, _entered) = within(true);
    info_span!("outer", user = 7_u64).in_scope(|| {
        info!(user = "hides the span's", "within");
        info_span!("inner", deep = true).in_scope(|| warn!("deeper"));
    });
    info!("after");
    let (spans, lines) = (seen.spans(), seen.lines());
    let [inner, outer] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((outer.parent, inner.parent), (Some(hop.trace.span_id), Some(outer.trace.span_id)));
    assert!(spans.iter().all(|span| span.trace.trace_id == hop.trace.trace_id && span.start <= span.end));
    assert_eq!((&*outer.name, outer.fields.get("user").map(Value::from)), ("outer", Some(Value::U64(7))));
    assert!(lines.iter().all(|line| line["trace_id"] == hop.trace.trace_id.to_string()));
    assert_eq!(
        lines.iter().map(id).collect::<Vec<_>>(),
        [outer, inner]
            .map(|span| span.trace.span_id)
            .into_iter()
            .chain([hop.trace.span_id])
            .map(|id| id.to_string())
            .collect::<Vec<_>>()
    );
    assert_eq!((&lines[0]["user"], &lines[1]["user"]), (&"hides the span's".into(), &7.into()));
    assert_eq!((&lines[1]["deep"], &lines[2]["user"]), (&true.into(), &serde_json::Value::Null));
}

#[test]
fn a_hop_within_a_span_is_the_innermost() {
    let seen = everything();
    let outer = info_span!("outer", color = "blue");
    let _outer = outer.enter();
    let (hop, entered) = within(true);
    info!("of the hop");
    info_span!("child").in_scope(|| {});
    drop(entered);
    info!("of the span");
    let lines = seen.lines();
    assert_eq!(id(&lines[0]), hop.trace.span_id.to_string());
    assert_eq!(lines[0]["color"], "blue");
    assert_ne!(lines[1]["trace_id"], lines[0]["trace_id"]);
    assert_eq!(seen.spans()[0].parent, Some(hop.trace.span_id));
}

#[test]
fn in_a_trace_that_is_not_sampled_a_span_stands_for_its_parent() {
    let seen = everything();
    let (hop, _entered) = within(false);
    info_span!("outer", user = 7).in_scope(|| info_span!("inner").in_scope(|| info!("within")));
    let lines = seen.lines();
    assert_eq!(id(&lines[0]), hop.trace.span_id.to_string());
    assert_eq!((&lines[0]["trace_flags"], &lines[0]["user"]), (&"02".into(), &7.into()));
    assert!(seen.spans().is_empty());
}

#[test]
fn a_span_has_the_vendors_list_of_its_trace() {
    let seen = everything();
    let mut hop = a_hop(true);
    let list = Tracestate::parse([&b"vendor=1"[..]]);
    Arc::get_mut(&mut hop).expect("one owner").tracestate = list.clone();
    let entered = enter_hop(&hop);
    info_span!("outer").in_scope(|| info_span!("inner").in_scope(|| {}));
    drop(entered);
    let spans = seen.spans();
    assert!(spans.len() == 2 && spans.iter().all(|span| span.tracestate == list), "{spans:?}");
}

#[test]
fn the_threshold_of_a_trace_that_a_span_begins_stands_on_its_spans_and_goes_out() {
    let mut spans = Spans::in_memory();
    spans.sampler = Sampler::probability(1.0);
    let seen = watch(spans, Logs::new().json());
    let sent = info_span!("start").in_scope(|| info_span!("step").in_scope(current)).expect("a span");
    assert_eq!(sent.tracestate().as_str(), "ot=th:0");
    let spans = seen.spans();
    assert!(spans.len() == 2 && spans.iter().all(|span| span.tracestate == *sent.tracestate()), "{spans:?}");
}

#[test]
fn a_span_outside_every_hop_starts_a_trace_of_its_own() {
    let seen = everything();
    info_span!("start").in_scope(|| info_span!("step").in_scope(|| info!("within")));
    info!("outside");
    let spans = seen.spans();
    assert_eq!((spans[1].parent, spans[0].parent), (None, Some(spans[1].trace.span_id)));
    assert!(spans[1].trace.flags.is_sampled() && spans[1].trace.flags.is_random());
    let lines = seen.lines();
    assert_eq!(lines[0]["trace_id"], spans[0].trace.trace_id.to_string());
    assert!(lines[1].get("trace_id").is_none());
}

#[test]
fn an_explicit_parent_is_honoured_and_one_that_is_disabled_is_the_request() {
    let seen = everything();
    let (hop, _entered) = within(true);
    let parent = info_span!("parent", color = "blue");
    info_span!("between").in_scope(|| {
        drop(info_span!(parent: &parent, "child"));
        drop(info_span!(parent: Span::none().id(), "of the request"));
        info!(parent: &parent, "of the parent");
        info!(parent: &Span::none(), "of the request");
    });
    let of_parent = seen.lines()[0].clone();
    drop(parent);
    let spans = seen.spans();
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("a span");
    assert_eq!(named("child").parent, Some(named("parent").trace.span_id));
    assert_eq!(named("of the request").parent, Some(hop.trace.span_id));
    assert_eq!(named("of the request").trace.trace_id, hop.trace.trace_id);
    assert_eq!(
        (id(&of_parent), &of_parent["color"]),
        (&*named("parent").trace.span_id.to_string(), &"blue".into())
    );
    assert_eq!(seen.lines()[1]["trace_id"], hop.trace.trace_id.to_string());
    assert_eq!(seen.lines()[1]["span_id"], hop.trace.span_id.to_string());
}

#[test]
fn what_has_no_parent_outside_of_a_request_has_no_trace_but_its_own() {
    let seen = everything();
    info_span!("around").in_scope(|| {
        drop(info_span!(parent: None, "root"));
        info!(parent: None, "of nobody");
    });
    let spans = seen.spans();
    assert_eq!((&*spans[0].name, spans[0].parent), ("root", None));
    assert_ne!(spans[0].trace.trace_id, spans[1].trace.trace_id);
    assert!(seen.lines()[0].get("trace_id").is_none());
}

#[test]
fn a_live_span_keeps_no_more_links_than_it_will_show() {
    let seen = everything();
    let (_hop, _entered) = within(true);
    let (cause, span) = (info_span!("cause"), info_span!("effect"));
    let limit = seen.signals.spans.link_limit;
    (0..limit + 1_000).for_each(|_| {
        span.follows_from(&cause);
    });
    drop(span);
    let effect = &seen.spans()[0];
    assert_eq!((effect.links.len(), effect.links_dropped), (limit, 1_000));
    assert!(effect.links.capacity() <= limit * 2, "{}", effect.links.capacity());
}

#[test]
fn a_span_that_outlives_its_hop_keeps_its_ids_and_its_hop() {
    let seen = everything();
    let (hop, entered) = within(true);
    let span = info_span!("task");
    drop(entered);
    span.in_scope(|| {
        info!("later");
        assert!(crate::current::request::add("late", true));
    });
    drop(span);
    assert_eq!(seen.lines()[0]["trace_id"], hop.trace.trace_id.to_string());
    assert_eq!(seen.spans()[0].parent, Some(hop.trace.span_id));
}

#[test]
fn an_error_marks_the_span_in_which_it_happened_and_no_other() {
    let seen = everything();
    let (_hop, _entered) = within(true);
    info_span!("outer").in_scope(|| {
        info_span!("inner").in_scope(|| error!("failed"));
        info_span!("recorded", error = tracing::field::Empty).in_scope(|| {
            Span::current().record("error", "x");
        });
        info_span!("handled", otel.status_code = "OK").in_scope(|| error!("handled"));
        let (_other, _entered) = within(true);
        error!("in a hop inside");
    });
    let failed: Vec<_> = seen.spans().into_iter().map(|span| (span.name, span.failed)).collect();
    assert_eq!(
        failed,
        [("inner", true), ("recorded", true), ("handled", false), ("outer", false)]
            .map(|(name, failed)| (name.into(), failed))
    );
}

#[test]
fn an_error_that_is_not_written_still_marks_its_span() {
    let seen = watch(Spans::in_memory(), Logs::new().json().level("off"));
    info_span!("failing").in_scope(|| error!("unwritten"));
    assert!(seen.spans()[0].failed && seen.lines().is_empty());
}

#[test]
fn special_fields_name_the_span_and_its_kind_and_are_no_attributes() {
    let seen = everything();
    let span =
        info_span!("query", otel.name = "SELECT users", otel.kind = "Client", otel.status_code = "ERROR");
    span.in_scope(|| info!("within"));
    drop(span);
    let span = &seen.spans()[0];
    assert_eq!(
        (&*span.name, span.kind, span.failed, span.fields.len()),
        ("SELECT users", Kind::Client, true, 0)
    );
    assert!(seen.lines()[0].as_object().expect("an object").keys().all(|key| !key.contains("otel")));
}

#[test]
fn what_the_user_says_of_a_spans_status_is_its_status() {
    let seen = everything();
    drop(info_span!("good", otel.status_code = "ok"));
    drop(info_span!("bad", otel.status_message = "no seats"));
    let late = info_span!("late", otel.status_description = tracing::field::Empty);
    late.record("otel.status_description", "row locked");
    drop(late);
    let better =
        info_span!("better", otel.status_message = "no seats", otel.status_code = tracing::field::Empty);
    better.record("otel.status_code", "OK");
    drop(better);
    let shown: Vec<_> = seen.spans().into_iter().map(|span| Finished::Span(Box::new(span))).collect();
    let shown: Vec<_> = shown
        .iter()
        .map(|span| crate::traces::Finished::of(span, &Limits::default()).expect("it ended"))
        .collect();
    let status: Vec<_> = shown.iter().map(|span| span.status.clone()).collect();
    let error = |text: &'static str| Status::Error(text.into());
    assert_eq!(status, [Status::Ok, error("no seats"), error("row locked"), Status::Ok]);
    assert!(shown.iter().all(|span| span.attributes.iter().all(|(name, _)| !name.contains("otel."))));
}

#[test]
fn what_is_recorded_later_and_followed_is_on_the_span() {
    let seen = everything();
    let (_hop, _entered) = within(true);
    let cause = info_span!("cause");
    let span = info_span!("effect", rows = tracing::field::Empty, kept = 1);
    span.record("rows", 3);
    span.follows_from(&cause);
    span.in_scope(|| info!("within"));
    drop(span);
    let effect = &seen.spans()[0];
    assert_eq!((effect.fields.get("rows").map(Value::from), effect.links.len()), (Some(Value::I64(3)), 1));
    drop(cause);
    assert_eq!(effect.links[0], seen.spans()[0].trace);
    assert_eq!((&seen.lines()[0]["rows"], &seen.lines()[0]["kept"]), (&3.into(), &1.into()));
}

#[test]
fn the_request_span_on_demand_stands_for_its_hop() {
    let seen = everything();
    let (hop, _entered) = within(true);
    let span = {
        let _standing = enter_as_hop(&hop);
        info_span!(parent: None, "request", tenant = "blue", user = tracing::field::Empty)
    };
    let _span = span.enter();
    info!("in the handler");
    info_span!("child").in_scope(|| {});
    Span::current().record("user", 7);
    assert_eq!(id(&seen.lines()[0]), hop.trace.span_id.to_string());
    assert_eq!(seen.lines()[0]["tenant"], "blue");
    let spans = seen.spans();
    assert_eq!((spans.len(), spans[0].parent), (1, Some(hop.trace.span_id)));
    let notes = hop.notes();
    let fields = &notes.as_ref().expect("something was said").fields;
    assert_eq!(
        (fields.get("tenant").map(Value::from), fields.get("user").map(Value::from)),
        (Some(Value::Str("blue".into())), Some(Value::I64(7)))
    );
}

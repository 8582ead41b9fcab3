//! A finished span as a value: what Zipkin's transport sends, and what tests read.
//!
//! It is built behind the queue, out of a [`Record`](super::Record); no request pays for it.

use std::borrow::Cow;

use super::span_writer::{Outline, SpanWriter, Status};
use super::{Limits, Record};
use crate::clock::Moment;
use crate::context::{SpanId, TraceContext, Tracestate};
use crate::record::{FieldValue, Kind, Value};

/// One finished span, with its limits applied.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Kind,
    pub(crate) trace: TraceContext,
    pub(crate) tracestate: Tracestate,
    pub(crate) parent: Option<SpanId>,
    pub(crate) parent_is_remote: bool,
    pub(crate) attributes: Vec<(Cow<'static, str>, Value)>,
    pub(crate) attributes_dropped: u32,
    pub(crate) status: Status<'static>,
    pub(crate) links: Vec<TraceContext>,
    pub(crate) links_dropped: u32,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
}

impl Finished {
    /// The span of a record; `None` for a hop that has not ended.
    pub(crate) fn of(record: &Record, limits: &Limits) -> Option<Self> {
        let mut collect = Collect::default();
        record.write(limits, &mut collect);
        collect.0
    }
}

/// The writer of such a value; empty until its span begins.
#[derive(Debug, Default)]
pub(super) struct Collect(pub(super) Option<Finished>);

impl Collect {
    fn push(&mut self, name: Cow<'static, str>, value: Value) {
        if let Some(finished) = &mut self.0 {
            finished.attributes.push((name, value));
        }
    }
}

impl SpanWriter for Collect {
    fn begin(&mut self, outline: &Outline<'_>) {
        self.0 = Some(Finished {
            name: Cow::Owned(outline.name.pieces().concat()),
            kind: outline.kind,
            trace: outline.trace,
            tracestate: outline.tracestate.clone(),
            parent: outline.parent,
            parent_is_remote: outline.parent_is_remote,
            attributes: Vec::with_capacity(16),
            attributes_dropped: 0,
            status: match &outline.status {
                Status::Unset => Status::Unset,
                Status::Ok => Status::Ok,
                Status::Error(description) => Status::Error(Cow::Owned(description.clone().into_owned())),
            },
            links: outline.links.to_vec(),
            links_dropped: outline.links_dropped,
            start: outline.start,
            end: outline.end,
        });
    }

    fn text(&mut self, name: &'static str, text: &[u8]) {
        self.push(Cow::Borrowed(name), String::from_utf8_lossy(text).into_owned().into());
    }

    fn number(&mut self, name: &'static str, number: u16) {
        self.push(Cow::Borrowed(name), number.into());
    }

    fn float(&mut self, name: &'static str, number: f64) {
        self.push(Cow::Borrowed(name), number.into());
    }

    fn value(&mut self, name: &[u8], value: FieldValue<'_>) {
        self.push(Cow::Owned(String::from_utf8_lossy(name).into_owned()), value.into());
    }

    fn end(&mut self, _: &Outline<'_>, attributes_dropped: u32) {
        if let Some(finished) = &mut self.0 {
            finished.attributes_dropped = attributes_dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::record::tests::a_span;
    use proptest::prelude::*;

    fn span_with(fields: Vec<(String, String)>) -> Record {
        let Record::Span(mut span) = a_span() else { unreachable!() };
        for (name, value) in fields {
            span.fields.set(&name, &*value);
        }
        Record::Span(span)
    }

    #[test]
    fn a_users_span_keeps_its_fields_and_says_where_it_comes_from() {
        let record =
            span_with(vec![("rows".into(), "7".into()), ("observability.target".into(), "x".into())]);
        let finished = Finished::of(&record, &Limits::default()).unwrap();
        let names: Vec<_> = finished.attributes.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["observability.target", "rows", "field_observability.target"]);
        assert_eq!(finished.status, Status::Unset);
    }

    #[test]
    fn a_failed_span_is_an_error_described_by_its_error_field() {
        let Record::Span(mut span) = span_with(vec![("error".into(), "no seats".into())]) else {
            unreachable!()
        };
        span.failed = true;
        let finished = Finished::of(&Record::Span(span), &Limits::default()).unwrap();
        assert_eq!(finished.status, Status::Error("no seats".into()));
    }

    proptest! {
        #[test]
        fn limits_hold_and_what_is_dropped_is_counted(
            fields in proptest::collection::vec(("[a-z]{1,4}", "\\PC{0,40}"), 0..40),
            count in 0_usize..20,
            length in 0_usize..20,
            links in 0_usize..6,
        ) {
            let Record::Span(mut span) = span_with(fields) else { unreachable!() };
            let known = span.fields.len();
            span.links = vec![span.trace; 3];
            let limits = Limits { attributes: count, value_length: Some(length), links };
            let finished = Finished::of(&Record::Span(span), &limits).unwrap();
            prop_assert!(finished.attributes.len() <= count);
            // The target is one more.
            prop_assert_eq!(finished.attributes.len() + finished.attributes_dropped as usize, known + 1);
            prop_assert_eq!(finished.links.len() + finished.links_dropped as usize, 3);
            prop_assert!(finished.links.len() <= links);
            for (_, value) in &finished.attributes {
                let Value::Str(text) = value else { unreachable!() };
                prop_assert!(text.chars().count() <= length);
            }
        }
    }
}

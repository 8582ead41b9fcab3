//! Owns the way from what waits in the queue to a finished span in plain words.

use super::finished::{Attributes, within};
use super::{Finished, Limits, Record, SpanRecord, Status, attributes};
use crate::names::attribute;
use crate::scope::Value;

impl Finished {
    /// The span of a record; `None` for a hop that has not ended.
    pub(crate) fn of(record: &Record, limits: &Limits) -> Option<Self> {
        match record {
            Record::Hop(hop) => attributes::of_hop(hop, limits),
            Record::Span(span) => Some(Self::of_span(span, limits)),
        }
    }

    fn of_span(span: &SpanRecord, limits: &Limits) -> Self {
        let mut attributes = Attributes::new(limits);
        attributes.set(attribute::TARGET, span.target);
        attributes.fields(&span.fields);
        let status = match (span.failed, span.fields.get("error")) {
            (false, _) => Status::Unset,
            (true, Some(Value::Str(error))) => Status::Error(error.clone()),
            (true, _) => Status::Error("".into()),
        };
        let (attributes, attributes_dropped) = attributes.done(span.fields_dropped);
        let (links, links_dropped) = within(&span.links, limits.links);
        Self {
            name: span.name.clone(),
            kind: span.kind,
            trace: span.trace,
            tracestate: span.tracestate.clone(),
            parent: span.parent,
            parent_is_remote: false,
            attributes,
            attributes_dropped,
            status,
            links,
            links_dropped,
            start: span.start,
            end: span.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::record::tests::a_span;
    use proptest::prelude::*;

    fn span_with(fields: Vec<(String, String)>) -> Record {
        let Record::Span(mut span) = a_span() else { unreachable!() };
        for (name, value) in fields {
            span.fields.set(name, value.into());
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

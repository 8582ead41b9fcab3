//! How what waits in the queue becomes a finished span: by a writer, or as a value.

use super::finished::Collect;
use super::span_writer::{Attributes, Name, Outline, SpanWriter, Status};
use super::{Finished, Limits, Record, SpanRecord, attributes};
use crate::names::attribute;
use crate::record::Value;

impl Record {
    /// Writes its span; false, and nothing is written, for a hop that has not ended.
    #[inline]
    pub(super) fn write(&self, limits: &Limits, writer: &mut impl SpanWriter) -> bool {
        match self {
            Self::Hop(hop) => attributes::write(hop, limits, writer),
            Self::Span(span) => {
                span.write(limits, writer);
                true
            }
        }
    }
}

impl SpanRecord {
    fn write(&self, limits: &Limits, writer: &mut impl SpanWriter) {
        let (links, links_dropped) = limits.links(&self.links, self.links_dropped);
        let outline = Outline {
            name: Name::One((&*self.name).into()),
            kind: self.kind,
            trace: self.trace,
            tracestate: &self.tracestate,
            parent: self.parent,
            parent_is_remote: false,
            status: match (self.failed, &self.status_message, self.fields.get("error")) {
                (false, ..) if self.is_ok => Status::Ok,
                (false, ..) => Status::Unset,
                (true, Some(text), _) | (true, None, Some(Value::Str(text))) => {
                    Status::Error((&**text).into())
                }
                (true, ..) => Status::Error("".into()),
            },
            links,
            links_dropped,
            start: self.start,
            end: self.end,
        };
        let mut attributes = Attributes::begin(writer, &outline, limits);
        attributes.text(attribute::TARGET, self.target);
        attributes.fields(&self.fields, None);
        attributes.end(&outline, self.fields_dropped);
    }
}

impl Finished {
    /// The span of a record; `None` for a hop that has not ended.
    pub(crate) fn of(record: &Record, limits: &Limits) -> Option<Self> {
        let mut collect = Collect::default();
        record.write(limits, &mut collect);
        collect.0
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

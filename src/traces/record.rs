//! What waits in the queue: a finished hop, or a user's finished span.

use std::borrow::Cow;
use std::sync::Arc;

use super::span_writer::{Attributes, Name, Outline, SpanWriter, Status};
use super::{Limits, attributes};
use crate::clock::Moment;
use crate::context::{SpanId, TraceContext, TraceId, Tracestate};
use crate::export::Weigh;
use crate::names::attribute;
use crate::record::{FieldValue, Fields, Hop, KeepReason, Kind};

/// One finished span, compact: attributes are built behind the queue.
#[derive(Debug)]
pub(crate) enum Record {
    Hop(Arc<Hop>),
    Span(Box<SpanRecord>),
}

/// A user's finished `tracing` span.
#[derive(Debug)]
pub(crate) struct SpanRecord {
    pub(crate) trace: TraceContext,
    pub(crate) tracestate: Tracestate,
    /// `None`: the root of a trace of its own.
    pub(crate) parent: Option<SpanId>,
    pub(crate) kind: Kind,
    pub(crate) name: Cow<'static, str>,
    pub(crate) target: &'static str,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
    pub(crate) fields: Fields,
    pub(crate) fields_dropped: u32,
    pub(crate) links: Vec<TraceContext>,
    /// How many there were beyond the limit.
    pub(crate) links_dropped: u32,
    /// An ERROR event happened in it, or its `error` field was set.
    pub(crate) failed: bool,
    /// The user said that it went well.
    pub(crate) is_ok: bool,
    /// The user's description of the error.
    pub(crate) status_message: Option<Cow<'static, str>>,
    /// Why it is kept although it was not sampled.
    pub(crate) kept: Option<KeepReason>,
}

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

    pub(super) fn trace_id(&self) -> TraceId {
        match self {
            Self::Hop(hop) => hop.trace.trace_id,
            Self::Span(span) => span.trace.trace_id,
        }
    }

    /// Why its trace is kept, if it says so itself.
    pub(super) fn keep_reason(&self) -> Option<KeepReason> {
        match self {
            Self::Hop(hop) => hop.kept.reason(),
            Self::Span(span) => span.kept,
        }
    }

    /// Where the service on the other side is told that the trace is kept.
    pub(super) fn peer(&self) -> Option<Arc<str>> {
        match self {
            Self::Hop(hop) => hop.notes().as_ref().and_then(|notes| notes.peer.clone()),
            Self::Span(_) => None,
        }
    }

    /// The peer of a processed message, whose sender does not know who processes it.
    pub(super) fn joined_peer(&self) -> Option<Arc<str>> {
        let Self::Hop(hop) = self else { return None };
        if hop.kind == Kind::Consumer { self.peer() } else { None }
    }

    /// Marks it as one that is kept for this reason, unless it has another.
    pub(super) fn keep(&mut self, reason: KeepReason) {
        match self {
            Self::Hop(hop) => {
                hop.keep(reason);
            }
            Self::Span(span) => {
                span.kept = span.kept.or(Some(reason));
                // What is kept for a reason has no known probability.
                if span.tracestate.ot_threshold().is_some() {
                    span.tracestate = span.tracestate.without_ot_threshold();
                }
            }
        }
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let own = match self {
            Self::Hop(hop) => size_of::<Hop>() + size_of_val(hop.links.as_slice()),
            Self::Span(span) => size_of::<SpanRecord>() + size_of_val(span.links.as_slice()),
        };
        // What a hop's own texts take is known since its end; fields have room for more.
        own + size_of::<Self>() + self.text_length() + self.size_of_fields()
    }

    fn size_of_fields(&self) -> usize {
        match self {
            Self::Hop(hop) => hop.notes().as_ref().map_or(0, |notes| notes.fields.size()),
            Self::Span(span) => span.fields.size(),
        }
    }
}

impl SpanRecord {
    fn write(&self, limits: &Limits, writer: &mut impl SpanWriter) {
        let (links, links_dropped) = limits.links(&self.links, self.links_dropped);
        let outline = Outline {
            name: Name::One((&*self.name).into()),
            kind: self.kind,
            trace: self.trace.sampled_if(self.kept.is_some()),
            tracestate: &self.tracestate,
            parent: self.parent,
            parent_is_remote: false,
            status: match (self.failed, &self.status_message, self.fields.get("error")) {
                (false, ..) if self.is_ok => Status::Ok,
                (false, ..) => Status::Unset,
                (true, Some(text), _) => Status::Error((&**text).into()),
                (true, None, Some(FieldValue::Text(text))) => Status::Error(String::from_utf8_lossy(text)),
                (true, ..) => Status::Error("".into()),
            },
            links,
            links_dropped,
            start: self.start,
            end: self.end,
        };
        let mut attributes = Attributes::begin(writer, &outline, limits, self.fields.len() > 0);
        attributes.text(attribute::TARGET, self.target);
        if let Some(reason) = self.kept {
            attributes.text(attribute::KEPT, reason.as_str());
        }
        attributes.fields(&self.fields, None);
        attributes.end(&outline, self.fields_dropped);
    }
}

impl Weigh for Record {
    fn text_length(&self) -> usize {
        match self {
            Self::Hop(hop) => hop.text_length(),
            Self::Span(span) => {
                span.fields.text_length() + span.status_message.as_ref().map_or(0, |message| message.len())
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::context::{Flags, TraceId};

    /// A user's span with nothing special about it.
    pub(crate) fn a_span() -> Record {
        let trace =
            TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::SAMPLED };
        Record::Span(Box::new(SpanRecord {
            trace,
            tracestate: Tracestate::default(),
            parent: Some(SpanId::random()),
            kind: Kind::Internal,
            name: "work".into(),
            target: "bookings",
            start: Moment::now(),
            end: Moment::now(),
            fields: Fields::default(),
            fields_dropped: 0,
            links: Vec::new(),
            links_dropped: 0,
            failed: false,
            is_ok: false,
            status_message: None,
            kept: None,
        }))
    }
}

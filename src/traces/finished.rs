//! A finished span as a value: what Zipkin's transport sends, and what tests read.
//!
//! It is built behind the queue, out of a [`Record`](super::Record); no request pays for it.

use std::borrow::Cow;

use super::span_writer::{Outline, SpanWriter, Status};
use crate::clock::Moment;
use crate::context::{SpanId, TraceContext, Tracestate};
use crate::record::{Kind, Value};

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

    fn value(&mut self, name: &str, value: &Value) {
        self.push(Cow::Owned(name.to_owned()), value.clone());
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|finished| &finished.attributes).map(|(name, _)| &**name)
    }

    fn end(&mut self, _: &Outline<'_>, attributes_dropped: u32) {
        if let Some(finished) = &mut self.0 {
            finished.attributes_dropped = attributes_dropped;
        }
    }
}

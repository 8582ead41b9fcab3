//! Owns what waits in the queue: a finished hop, or a user's finished span.

use std::borrow::Cow;
use std::sync::Arc;

use crate::clock::Moment;
use crate::context::{SpanId, TraceContext};
use crate::scope::{Fields, Hop, Kind};

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
    /// An ERROR event happened in it, or its `error` field was set.
    pub(crate) failed: bool,
}

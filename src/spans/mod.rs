//! Owns the traces: who is sampled, where finished spans wait, how they leave.
//!
//! The hop and the bridge hand finished records in; the exporter thread takes them out in batches through the
//! one seam, [`Transport`].

mod options;
mod queue;
mod record;
mod sampler;
mod transport;

pub use options::Traces;

pub(crate) use queue::Queue;
pub(crate) use record::{Record, SpanRecord};
pub(crate) use sampler::{Decision, Sampler};
pub(crate) use transport::{Delivery, Transport};

use std::sync::Arc;

use crate::scope::Hop;

/// The handle that the request's thread uses: ask before building, hand in when finished.
#[derive(Debug)]
pub(crate) struct Spans {
    pub(crate) sampler: Sampler,
    /// `None`: no exporter, nothing is recorded; the sampler still decides what the headers say.
    pub(crate) queue: Option<Queue>,
}

impl Spans {
    /// Are spans exported at all?
    pub(crate) fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Takes a finished hop whose context is sampled.
    pub(crate) fn hop(&self, hop: &Arc<Hop>) {
        if let Some(queue) = &self.queue {
            queue.push(Record::Hop(Arc::clone(hop)));
        }
    }

    /// Takes a user's finished span.
    pub(crate) fn span(&self, span: Box<SpanRecord>) {
        if let Some(queue) = &self.queue {
            queue.push(Record::Span(span));
        }
    }
}

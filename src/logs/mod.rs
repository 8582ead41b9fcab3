//! Owns the log lines: their shape, their level, and the writer that never blocks a request.

mod options;

pub use options::Logs;

use crate::clock::Moment;
use crate::context::TraceContext;
use crate::scope::{End, Fields, Hop};

/// The handle that the request's thread uses: a line is formatted there and written behind.
#[derive(Debug, Default)]
pub(crate) struct Lines {}

/// Where and when a `tracing` event happened.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) at: Moment,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) hop: Option<&'a Hop>,
    /// The fields of the enclosing `tracing` spans, outermost first.
    pub(crate) spans: &'a [&'a Fields],
}

impl Lines {
    /// Are lines written at all?
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    /// Writes the line of an event.
    pub(crate) fn event(&self, _event: &tracing::Event<'_>, _place: &Place<'_>) {}

    /// Writes the line of a call whose response's body failed after its head.
    pub(crate) fn body_failed(&self, _hop: &Hop) {}

    /// Writes the one line of a finished hop.
    pub(crate) fn hop(&self, _hop: &Hop, _end: &End) {}
}

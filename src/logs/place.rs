//! Where and when an event happened: the bridge knows it, every shape writes it.

use std::sync::Arc;

use crate::clock::Moment;
use crate::context::TraceContext;
use crate::record::{Fields, Hop};

/// Shows the fields of one span after the other.
pub(crate) type ShowFields<'a> = dyn Fn(&mut dyn FnMut(&Fields)) + 'a;

/// Where and when a `tracing` event happened.
pub(crate) struct Place<'a> {
    pub(crate) at: Moment,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) hop: Option<Arc<Hop>>,
    /// Shows the fields of the enclosing `tracing` spans, innermost first. Called after the event's own
    /// fields: those are formatted by the user's code, which must find no span locked.
    pub(crate) spans: &'a ShowFields<'a>,
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("at", &self.at).field("trace", &self.trace).finish_non_exhaustive()
    }
}

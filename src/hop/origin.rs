//! Owns where a hop comes from: whose trace it joins, and what it takes over from there.

use super::Core;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::propagation::Remote;
use crate::scope::{Hop, Kind, Subject, current};

/// What a new hop continues: what a stranger sent, what is current on this thread, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) from: Remote,
    is_remote: bool,
}

impl Origin {
    /// What is current on this thread.
    pub(crate) fn here() -> Self {
        let Some(current) = current() else { return Self::default() };
        let tracestate = current.tracestate().clone();
        let mut from = Remote { trace: Some(current.trace), tracestate, ..Remote::default() };
        if let Some(hop) = &current.hop {
            from.baggage = hop.baggage.clone();
            from.request_id = hop.request_id.clone();
        }
        Self { from, is_remote: false }
    }
}

impl From<Remote> for Origin {
    fn from(from: Remote) -> Self {
        Self { from, is_remote: true }
    }
}

impl Core {
    /// A new hop at its place in a trace; its subject may depend on whether that is sampled.
    // Inlined, the parts are not moved once more: 100 instructions of a request.
    #[inline]
    pub(crate) fn hop(
        &self,
        origin: Origin,
        kind: Kind,
        start: Moment,
        subject: impl FnOnce(TraceContext) -> Subject,
    ) -> Hop {
        let Origin { from, is_remote } = origin;
        let (trace, tracestate) = self.place(from.trace, from.tracestate);
        let mut hop = Hop::new(trace, kind, start, subject(trace));
        hop.parent = from.trace.map(|parent| parent.span_id);
        hop.parent_is_remote = is_remote && from.trace.is_some();
        hop.tracestate = tracestate;
        hop.baggage = from.baggage;
        hop.request_id = from.request_id;
        hop
    }
}

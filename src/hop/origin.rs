//! Owns where a hop comes from: whose trace it joins, and what it takes over from there.

use std::sync::Arc;

use super::Core;
use crate::clock::Moment;
use crate::context::{TraceContext, Tracestate};
use crate::propagation::Remote;
use crate::scope::{Current, Hop, Kind, current};

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
        let mut origin = Self::at(&current);
        if let Some(hop) = &current.hop {
            origin.from.baggage = hop.baggage.clone();
            origin.from.request_id = hop.request_id.clone();
        }
        origin
    }

    /// The place in the trace alone.
    #[inline]
    pub(crate) fn at(current: &Current) -> Self {
        let tracestate = current.tracestate().clone();
        Self {
            from: Remote { trace: Some(current.trace), tracestate, ..Remote::default() },
            is_remote: false,
        }
    }
}

impl From<Remote> for Origin {
    fn from(from: Remote) -> Self {
        Self { from, is_remote: true }
    }
}

impl Core {
    /// A new hop at its place in a trace; `complete` says the rest of it.
    #[inline]
    pub(crate) fn hop(
        &self,
        origin: Origin,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        let Origin { from, is_remote } = origin;
        self.listening.hop_begins();
        let (trace, tracestate) = self.place(from.trace, &from.tracestate);
        Hop::begin(trace, kind, start, |hop| {
            hop.parent = from.trace.map(|parent| parent.span_id);
            hop.parent_is_remote = is_remote && from.trace.is_some();
            hop.tracestate = tracestate.unwrap_or(from.tracestate);
            hop.baggage = from.baggage;
            hop.request_id = from.request_id;
            complete(hop);
        })
    }

    /// The same below what came with a request, where that was at most its place.
    #[inline]
    pub(crate) fn hop_in(
        &self,
        parent: Option<TraceContext>,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        self.listening.hop_begins();
        let (trace, tracestate) = self.place(parent, &Tracestate::default());
        Hop::begin(trace, kind, start, |hop| {
            if let Some(parent) = parent {
                (hop.parent, hop.parent_is_remote) = (Some(parent.span_id), true);
            }
            if let Some(tracestate) = tracestate {
                hop.tracestate = tracestate;
            }
            complete(hop);
        })
    }
}

//! Where a hop comes from: whose trace it joins, and what it takes over from there.

use std::sync::Arc;

use super::Signals;
use crate::clock::Moment;
use crate::context::{TraceContext, Tracestate};
use crate::current::Current;
use crate::propagation::Remote;
use crate::record::{Hop, Kind};

impl Signals {
    /// A new hop that continues what a stranger sent; `complete` says the rest of it.
    pub(crate) fn hop(
        &self,
        from: Remote,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        self.listening.hop_begins();
        let (trace, tracestate) = self.place(from.trace, &from.tracestate);
        Hop::begin(trace, kind, start, |hop| {
            hop.parent = from.trace.map(|parent| parent.span_id);
            hop.parent_is_remote = from.trace.is_some();
            hop.tracestate = tracestate.unwrap_or(from.tracestate);
            hop.baggage = from.baggage;
            hop.request_id = from.request_id;
            complete(hop);
        })
    }

    /// The same below what came with a request, where that was at most its place.
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

    /// The same below what is current on this thread: what it takes over is copied where it stays.
    pub(crate) fn hop_below(
        &self,
        here: Option<&Current>,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Hop),
    ) -> Arc<Hop> {
        self.listening.hop_begins();
        let (parent, none) = (here.map(|here| here.trace), Tracestate::default());
        let list = here.map_or(&none, Current::tracestate);
        let (trace, changed) = self.place(parent, list);
        Hop::begin(trace, kind, start, |hop| {
            hop.parent = parent.map(|parent| parent.span_id);
            if let Some(changed) = changed {
                hop.tracestate = changed;
            } else if !list.is_empty() {
                hop.tracestate = list.clone();
            }
            if let Some(outer) = here.and_then(|here| here.hop.as_deref()) {
                if !outer.baggage.is_empty() {
                    hop.baggage = outer.baggage.clone();
                }
                hop.request_id = outer.request_id.clone();
            }
            complete(hop);
        })
    }
}

//! Owns the time between a piece of work's begin and its end.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use tracing::Span;

use super::Work;
use crate::clock::Moment;
use crate::context::{Baggage, RequestId, TraceContext, Tracestate};
use crate::hop::{Core, Observation};
use crate::propagation::Remote;
use crate::scope;
use crate::scope::{Current, Hop, Outcome, Subject, current, scoped};

/// Work in progress. Dropping it unfinished reports [`Outcome::Cancelled`].
///
/// ```
/// use tower_observability::{Outcome, Work};
///
/// let mut running = Work::internal("nightly clean-up").begin();
/// running.within(|| tracing::info!("a line of this work"));
/// running.finish(Outcome::Ok);
/// ```
#[derive(Debug)]
#[must_use = "dropped at once it is reported as cancelled"]
pub struct Running {
    observation: Option<Observation>,
}

/// Whose trace the work joins.
struct Origin {
    parent: Option<TraceContext>,
    remote: bool,
    tracestate: Tracestate,
    baggage: Baggage,
    request_id: Option<RequestId>,
}

impl Running {
    pub(super) fn begin(core: Option<&'static Core>, work: Work) -> Self {
        Self { observation: core.map(|core| Observation::begin(core, hop(core, work))) }
    }

    /// Runs a piece of the work with its context current: lines, spans and calls belong to it.
    pub fn within<T>(&mut self, work: impl FnOnce() -> T) -> T {
        match &mut self.observation {
            Some(observation) => observation.run(work),
            None => work(),
        }
    }

    /// Ends the work.
    pub fn finish(mut self, outcome: Outcome) {
        if let Some(observation) = &mut self.observation {
            observation.finish(outcome, None);
        }
    }

    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let here = self.observation.as_ref().and_then(Observation::hop);
        let here = here.map(|hop| Current { trace: hop.trace, hop: Some(Arc::clone(hop)) });
        // Scoped for the time after this one is dropped: what a cancelled work says in its destructors is its own.
        let mut work = pin!(scoped(work, here, Span::none()));
        poll_fn(|cx| self.within(|| work.as_mut().poll(cx))).await
    }

    pub(super) fn note(&self, error: &dyn fmt::Display) {
        if let Some(hop) = self.observation.as_ref().and_then(Observation::hop) {
            // Formatted before the notes are locked: it is the user's code.
            let text = scope::formatted(format_args!("{error}"));
            hop.notes().get_or_insert_default().error.get_or_insert_with(|| vec![text]);
        }
    }
}

impl Origin {
    fn of(parent: Option<Remote>, linked: bool) -> Self {
        match parent {
            Some(remote) => Self {
                parent: remote.trace,
                remote: true,
                tracestate: remote.tracestate,
                baggage: remote.baggage,
                request_id: remote.request_id,
            },
            // Linked work has a trace of its own, wherever it is begun.
            None if linked => Self::new(),
            None => Self::here(),
        }
    }

    fn new() -> Self {
        Self {
            parent: None,
            remote: false,
            tracestate: Tracestate::default(),
            baggage: Baggage::default(),
            request_id: None,
        }
    }

    fn here() -> Self {
        let Some(current) = current() else { return Self::new() };
        let hop = current.hop.as_deref();
        Self {
            parent: Some(current.trace),
            remote: false,
            tracestate: hop.map(|hop| hop.tracestate.clone()).unwrap_or_default(),
            baggage: hop.map(|hop| hop.baggage.clone()).unwrap_or_default(),
            request_id: hop.and_then(|hop| hop.request_id.clone()),
        }
    }
}

fn hop(core: &Core, work: Work) -> Hop {
    let start = Moment::now();
    let origin = Origin::of(work.parent, !work.links.is_empty());
    let (trace, tracestate) = core.place(origin.parent, origin.remote, origin.tracestate);
    let subject = scope::Work { name: work.name, system: work.system, destination: work.destination };
    let mut hop = Hop::new(trace, work.kind, start, Subject::Work(subject));
    hop.parent = origin.parent.map(|parent| parent.span_id);
    hop.parent_is_remote = origin.remote && origin.parent.is_some();
    hop.links = work.links.iter().filter_map(|remote| remote.trace).collect();
    hop.tracestate = tracestate;
    hop.baggage = origin.baggage;
    hop.request_id =
        origin.request_id.or_else(|| work.links.into_iter().find_map(|remote| remote.request_id));
    hop
}

//! The time between a piece of work's begin and its end.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use tracing::Span;

use super::Work;
use crate::clock::Moment;
use crate::current::{Current, current, scoped};
use crate::propagation::Remote;
use crate::record;
use crate::record::{Detail, Hop, Interned, Outcome, Subject};
use crate::signals::{Observation, Signals};

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

impl Running {
    /// What is observed already; nothing if it is `None`.
    pub(super) fn of(observation: Option<Observation>) -> Self {
        Self { observation }
    }

    pub(super) fn begin(signals: Option<&'static Signals>, work: Work) -> Self {
        Self { observation: signals.map(|signals| Observation::begin(signals, hop(signals, work))) }
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

    /// Ends a query that failed, with the database's code of its error if it has one.
    pub(super) fn fail(mut self, code: Option<&str>) {
        let Some(observation) = &mut self.observation else { return };
        let code = code.filter(|code| !code.is_empty()).map(Interned::of);
        let query = observation.hop().and_then(|hop| hop.query());
        if let (Some(query), Some(code)) = (query, code) {
            let _ = query.code.set(code);
        }
        observation.finish(Outcome::ServerError, code.map(Interned::as_str));
    }

    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let here = self.observation.as_ref().and_then(Observation::hop);
        let here = here.cloned().map(Current::of);
        // Tied to the work for the time after `self` is dropped: what cancelled work logs in its destructors is its own.
        let mut work = pin!(scoped(work, here, Span::none()));
        poll_fn(|cx| self.within(|| work.as_mut().poll(cx))).await
    }

    /// Records the error's texts, unless the work itself recorded an error.
    pub(super) fn record_error(&self, texts: impl FnOnce() -> Vec<String>) {
        if let Some(hop) = self.observation.as_ref().and_then(Observation::hop) {
            // Formatted before the notes are locked: it is the user's code.
            let texts = texts();
            hop.notes().get_or_insert_default().error.get_or_insert(texts);
        }
    }
}

fn hop(signals: &Signals, work: Work) -> Arc<Hop> {
    let subject = record::Work {
        name: work.name,
        system: work.system,
        destination: work.destination,
        detail: Detail::Job,
    };
    let is_linked = !work.links.is_empty();
    let complete = |hop: &mut Hop| {
        hop.subject = Subject::Work(subject);
        let mut links = work.links.iter().filter_map(|remote| remote.trace);
        hop.links = links.by_ref().take(signals.spans.link_limit).collect();
        hop.links_dropped = u32::try_from(links.count()).unwrap_or(u32::MAX);
        let named = |remote: Remote| remote.request_id;
        for (key, value) in work.attributes {
            hop.add(key, value);
        }
        hop.request_id = hop.request_id.take().or_else(|| work.links.into_iter().find_map(named));
    };
    let start = Moment::now();
    match work.parent {
        Some(remote) => signals.hop(remote, work.kind, start, complete),
        // Linked work has a trace of its own, wherever it is begun.
        None if is_linked => signals.hop(Remote::default(), work.kind, start, complete),
        None => signals.hop_below(current().as_ref(), work.kind, start, complete),
    }
}

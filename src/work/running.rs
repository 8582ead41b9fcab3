//! The time between a piece of work's begin and its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use pin_project_lite::pin_project;

use super::Work;
use crate::clock::Moment;
use crate::current::current;
use crate::names::attribute;
use crate::propagation::Remote;
use crate::record;
use crate::record::{Detail, FieldValue, Hop, Interned, Message, Operation, Outcome, Subject};
use crate::signals::{Observation, Signals, Verdict};

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

pin_project! {
    /// A future whose polls, and whose destructors where it is cancelled, belong to the work: a panic in either ends it.
    pub(super) struct Driven<'a, F> {
        // Taken only by the drop.
        #[pin]
        work: Option<F>,
        running: &'a mut Running,
    }

    impl<F> PinnedDrop for Driven<'_, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.running.within(|| this.work.set(None));
        }
    }
}

const ORDER: &str = "tower_observability::order";

impl Running {
    /// What is observed already; nothing if it is `None`.
    pub(super) fn of(observation: Option<Observation>) -> Self {
        Self { observation }
    }

    pub(super) fn begin(signals: Option<&'static Signals>, work: Work) -> Self {
        let Some(signals) = signals else { return Self::of(None) };
        let observation = Observation::begin(signals, hop(signals, work));
        if observation.hop().and_then(|hop| hop.message()).is_some_and(|message| message.is_out_of_order) {
            observation
                .say(|| tracing::warn!(target: ORDER, "a newer message of this key was processed before"));
        }
        Self::of(Some(observation))
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

    pub(super) fn drive<F: Future>(&mut self, work: F) -> Driven<'_, F> {
        Driven { work: Some(work), running: self }
    }

    /// Records the error's texts, unless the work itself recorded an error.
    pub(super) fn record_error(&self, texts: impl FnOnce(&Hop) -> Vec<String>) {
        if let Some(hop) = self.observation.as_ref().and_then(Observation::hop) {
            // Formatted before the notes are locked: it is the user's code.
            let texts = texts(hop);
            hop.notes().get_or_insert_default().error.get_or_insert(texts);
        }
    }
}

impl<F: Future> Future for Driven<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(work) = this.work.as_pin_mut() else { return Poll::Pending };
        this.running.within(|| work.poll(cx))
    }
}

/// Fills in what the memory knows of the message, and for how long it waited; says what it knows.
fn remember(signals: &Signals, work: &Work, message: &mut Message) -> Verdict {
    message.waited = work.sent_at.and_then(|sent| SystemTime::now().duration_since(sent).ok());
    if message.operation != Operation::Process {
        return Verdict::default();
    }
    let place = work.destination.as_deref().unwrap_or(&work.name);
    message.known_by = message.id.as_deref().map(|id| signals.order.hash(place, id));
    message.version = work.version.as_ref().map(|(key, own)| (signals.order.hash(place, key), *own));
    let verdict = signals.order.look(message.known_by, message.version);
    message.is_duplicate = verdict.duplicate_of.is_some();
    message.is_out_of_order = verdict.newer.is_some();
    verdict
}

/// Adds what span and line say of a message.
fn add_message(hop: &mut Hop, verdict: Verdict, waited: Option<Duration>) {
    if let Some(waited) = waited {
        hop.add(attribute::MESSAGE_WAITED_MS, FieldValue::F64(waited.as_secs_f64() * 1e3));
    }
    if let Some(trace) = verdict.duplicate_of {
        hop.add(attribute::MESSAGE_DUPLICATE, FieldValue::Bool(true));
        hop.links.push(trace);
    }
    if let Some((version, trace)) = verdict.newer {
        hop.add(attribute::MESSAGE_OUT_OF_ORDER, FieldValue::Bool(true));
        hop.add(attribute::MESSAGE_NEWER_VERSION, FieldValue::U64(version));
        hop.links.push(trace);
    }
}

fn hop(signals: &Signals, mut work: Work) -> Arc<Hop> {
    let mut message = work.message.take();
    let verdict = message.as_mut().map(|message| remember(signals, &work, message)).unwrap_or_default();
    let waited = message.as_ref().and_then(|message| message.waited);
    let subject = record::Work {
        name: work.name,
        system: work.system,
        destination: work.destination,
        detail: message.map_or(Detail::Job, Detail::Message),
    };
    let is_linked = !work.links.is_empty();
    let complete = |hop: &mut Hop| {
        hop.subject = Subject::Work(subject);
        let mut links =
            work.links.iter().filter_map(|remote| remote.trace).filter(|trace| !trace.flags.is_invented());
        hop.links = links.by_ref().take(signals.spans.link_limit).collect();
        hop.links_dropped = u32::try_from(links.count()).unwrap_or(u32::MAX);
        add_message(hop, verdict, waited);
        let named = |remote: Remote| remote.request_id;
        for (key, value) in work.attributes {
            hop.add(&key, &value);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Flags, SpanId, TraceContext, TraceId};
    use crate::testing::Instance;

    #[tokio::test]
    async fn ids_that_were_made_up_here_are_neither_linked_to_nor_a_parent() {
        let place = |flags| Some(TraceContext::new(TraceId::random(), SpanId::random(), flags));
        // As a B3 caller's that sent no more than its decision.
        let invented = || Remote { trace: place(Flags::INVENTED), ..Remote::default() };
        let sent = Remote { trace: place(Flags::NONE), ..Remote::default() };
        let seen = Instance::new();
        seen.adopt(Work::consumer("linked").link(invented()).link(sent)).run(async {}).await;
        assert_eq!(seen.request("linked").span().links.len(), 1);
        let running = seen.adopt(Work::consumer("below").parent(invented())).begin();
        let hop = running.observation.as_ref().and_then(Observation::hop).expect("it runs");
        assert_eq!((hop.parent, hop.parent_is_remote), (None, false));
    }
}

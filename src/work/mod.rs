//! Work that does not come over HTTP: a job, a message; its hop and what it carries.

mod running;

pub use running::Running;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use crate::context::Baggage;
use crate::current::current;
use crate::propagation::{Carrier, OutgoingContext, Propagators, Remote};
use crate::record::{Kind, Outcome};
use crate::signals::{Signals, global};

/// A job or a message: a hop of its own, in the trace of whoever asked for it.
///
/// The producer's side hands its context on, the consumer's side joins it:
///
/// ```
/// use std::collections::HashMap;
/// use tower_observability::{Work, propagation, work};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut headers = HashMap::new();
/// Work::producer("send booking").destination("bookings").run(async { work::inject(&mut headers) }).await;
///
/// let booked = Work::consumer("process booking")
///     .destination("bookings")
///     .parent(propagation::extract(&headers))
///     .run(async { "booked" })
///     .await;
/// # assert_eq!(booked, "booked");
/// # }
/// ```
#[derive(Debug)]
#[must_use = "run it, or begin it"]
pub struct Work {
    kind: Kind,
    name: Cow<'static, str>,
    system: Option<Cow<'static, str>>,
    destination: Option<Cow<'static, str>>,
    parent: Option<Remote>,
    links: Vec<Remote>,
    signals: Option<&'static Signals>,
}

impl Work {
    /// Processes a message (kind CONSUMER).
    pub fn consumer(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Consumer, name.into())
    }

    /// Hands a message to a broker (kind PRODUCER).
    pub fn producer(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Producer, name.into())
    }

    /// Works within the process: a job, a timer (kind INTERNAL).
    pub fn internal(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Internal, name.into())
    }

    fn new(kind: Kind, name: Cow<'static, str>) -> Self {
        Self { kind, name, system: None, destination: None, parent: None, links: Vec::new(), signals: None }
    }

    /// The messaging system, `messaging.system`: "kafka", "rabbitmq". Default: none.
    pub fn system(mut self, system: impl Into<Cow<'static, str>>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// The queue or topic, `messaging.destination.name`. Default: none.
    pub fn destination(mut self, destination: impl Into<Cow<'static, str>>) -> Self {
        self.destination = Some(destination.into());
        self
    }

    /// Continues the trace of whoever sent the message. Default: the context that is current, else a new trace.
    pub fn parent(mut self, remote: Remote) -> Self {
        self.parent = Some(remote);
        self
    }

    /// Links to the trace of whoever sent the message, and keeps a trace of its own; for batches, as often as
    /// there are messages.
    pub fn link(mut self, remote: Remote) -> Self {
        self.links.push(remote);
        self
    }

    /// Reports to these signals instead of the process's.
    pub(crate) fn with_core(mut self, signals: &'static Signals) -> Self {
        self.signals = Some(signals);
        self
    }

    /// Begins the hop by hand, where no future is at hand; before `init` there is nothing to observe.
    pub fn begin(self) -> Running {
        let signals = self.signals.or_else(global).filter(|signals| !signals.is_off());
        Running::begin(signals, self)
    }

    /// Runs a future as this work; it ended well if it was not dropped and did not panic.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        let mut running = self.begin();
        let output = running.drive(work).await;
        running.finish(Outcome::Ok);
        output
    }

    /// Runs a future as this work; an `Err` is a server error and its text is noted.
    ///
    /// # Errors
    ///
    /// The future's own.
    pub async fn run_result<T, E, F>(self, work: F) -> Result<T, E>
    where
        E: fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut running = self.begin();
        let result = running.drive(work).await;
        if let Err(error) = &result {
            running.note(error);
        }
        running.finish(if result.is_ok() { Outcome::Ok } else { Outcome::ServerError });
        result
    }
}

/// Writes the current context (trace, baggage, request id) onto a message.
///
/// Outside of any request or work nothing is written. The carrier belongs to us or to a broker of ours, so the
/// baggage goes with it. What an earlier hop left on the carrier is replaced. The formats are those of the process
/// (`OTEL_PROPAGATORS`), as for [`propagation::extract`](crate::propagation::extract). Onto a
/// [`Command`](std::process::Command) it is written as variables, which the child reads by
/// [`propagation::from_environment`](crate::propagation::from_environment).
pub fn inject(carrier: &mut impl Carrier) {
    let Some(here) = current() else { return };
    let (hop, none) = (here.hop.as_deref(), Baggage::default());
    let outgoing = OutgoingContext {
        trace: Some(here.trace),
        tracestate: here.tracestate(),
        baggage: Some(hop.map_or(&none, |hop| &hop.baggage)),
        request_id: hop.and_then(|hop| hop.request_id.as_ref()),
    };
    Propagators::of_process().write(carrier, outgoing);
}

//! The traces: who is sampled, where finished spans wait, how they leave.
//!
//! The hop and the bridge hand finished records in; the exporter thread takes them out in batches and sends them through
//! the one seam, [`Transport`](crate::export::Transport), which has each written by its [`span_writer`].

mod attributes;
mod console;
mod finished;
mod keep;
mod options;
#[cfg(feature = "otlp")]
mod otlp;
mod record;
mod redact;
mod sampler;
mod span_writer;
mod zipkin;

pub use options::Traces;

pub(crate) use finished::Finished;
pub(crate) use keep::{Holder, Keep, LONGEST_MESSAGE, Peers};
pub(crate) use options::Format;
pub(crate) use record::{Record, SpanRecord};
pub(crate) use redact::{REDACTED, query as redact_query};
pub(crate) use sampler::{Decision, Sampler};
pub(crate) use span_writer::{Limits, Status};

use std::future::Future;
use std::sync::Arc;

use crate::account::{FlowReport, KeepCounts};
use crate::context::{Flags, TraceContext, TraceId, Tracestate, TurnedShare};
use crate::export::{Destination, Exporter, Notice, Queue, Signal, Tell, Transport};
use crate::record::{End, Hop, KeepReason, Kept};
use crate::resource::Resource;
use crate::threads::LossNotice;

const SIGNAL: Signal = Signal { name: "traces", items: "spans" };

/// How many records wait in memory where there is no exporter.
const IN_MEMORY: usize = 65_536;

/// The handle that the request's thread uses: ask before building, hand in when finished.
#[derive(Debug)]
pub(crate) struct Spans {
    pub(crate) sampler: Sampler,
    turned: TurnedShare,
    /// `None`: no exporter, nothing is recorded; the sampler still decides what the headers say.
    pub(crate) queue: Option<Arc<Queue<Record>>>,
    /// How many links a span is given while it lives.
    pub(crate) link_limit: usize,
    lost: LossNotice,
    /// What is done with traces that are not sampled; `None`: nothing of them is recorded.
    keep: Option<Arc<Keep>>,
}

impl Spans {
    /// The handle, and the exporter to run on a thread of our own; none where nothing is exported.
    ///
    /// Spans that cannot leave are not recorded: a notice says why, and the sampler still decides.
    pub(crate) fn new(
        traces: &Traces,
        resource: &Resource,
        no_color: bool,
        tell: Tell,
    ) -> (Self, Option<Exporter<Record>>) {
        let console = |main| console::transport(&traces.limits(), resource, no_color, main);
        let (sampler, link_limit) = (traces.sampler(), traces.limits().links);
        let transport = match traces.destination() {
            Destination::Off | Destination::None => return (Self::of(sampler, None, link_limit), None),
            Destination::Refused(reason) => Err(reason),
            Destination::Console => {
                // The drawing itself shows that a trace was delivered.
                let only_bad: Tell = Box::new(move |notice| {
                    if notice.is_bad() {
                        tell(notice)
                    }
                });
                return Self::exported_to(console(None), "standard error", traces, only_bad);
            }
            Destination::Url(url) => transport(traces, &url, resource).map(|transport| (url, transport)),
        };
        match transport {
            Err(reason) => {
                tell(Notice::unusable(SIGNAL, reason));
                (Self::of(sampler, None, link_limit), None)
            }
            Ok((url, transport)) if traces.is_shown() => {
                Self::exported_to(console(Some(transport)), &url, traces, tell)
            }
            Ok((url, transport)) => Self::exported_to(transport, &url, traces, tell),
        }
    }

    fn exported_to(
        transport: Box<dyn Transport<Record>>,
        url: &str,
        traces: &Traces,
        tell: Tell,
    ) -> (Self, Option<Exporter<Record>>) {
        let limits = traces.batch_limits();
        let queue = Arc::new(Queue::new(traces.queue_capacity()));
        let exporter = Exporter::new(SIGNAL, Arc::clone(&queue), transport, limits, url, tell);
        let link_limit = traces.limits().links;
        let keep = traces.keep_rules().map(|rules| Arc::new(Keep::new(rules, traces.peer_rules())));
        (Self { keep, ..Self::of(traces.sampler(), Some(queue), link_limit) }, Some(exporter))
    }

    /// Nothing is recorded and no trace that starts here is sampled; a caller's decision is passed on.
    pub(crate) fn off() -> Self {
        Self::of(Sampler::never().parent_based(), None, 0)
    }

    /// Everything is recorded and stays here, for [`Spans::drain`].
    pub(crate) fn in_memory() -> Self {
        let queue = Queue::new(IN_MEMORY);
        let link_limit = Limits::default().links;
        Self::of(Sampler::default(), Some(Arc::new(queue)), link_limit)
    }

    fn of(sampler: Sampler, queue: Option<Arc<Queue<Record>>>, link_limit: usize) -> Self {
        let turned = TurnedShare::default();
        Self { sampler, turned, queue, link_limit, lost: LossNotice::new("spans"), keep: None }
    }

    /// Are spans exported at all?
    pub(crate) fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Decides for a span of this trace, by its parent if it has one.
    #[inline]
    pub(crate) fn decide(
        &self,
        parent: Option<&TraceContext>,
        trace_id: TraceId,
        tracestate: &Tracestate,
    ) -> Decision {
        match self.turned.get() {
            None => self.sampler.decide(parent, trace_id, tracestate),
            Some(threshold) => self.sampler.with_threshold(threshold).decide(parent, trace_id, tracestate),
        }
    }

    /// Samples another share of the traces that begin here from now on; `None` goes back to the configured sampler.
    pub(crate) fn set_share(&self, share: Option<f64>) {
        self.turned.set(share);
    }

    /// Is a span with these flags recorded?
    #[inline]
    pub(crate) fn records(&self, flags: Flags) -> bool {
        self.is_on() && (flags.is_sampled() || self.keep.is_some())
    }

    /// Whether a new hop with these flags can be kept later.
    #[inline]
    pub(crate) fn kept(&self, flags: Flags) -> Kept {
        if self.keep.is_some() && !flags.is_sampled() { Kept::held() } else { Kept::default() }
    }

    /// Says of a hop that is not sampled whether it is kept, before its end is reported.
    #[inline]
    pub(crate) fn judge(&self, hop: &Hop, end: &End) {
        if let Some(keep) = &self.keep
            && hop.kept.is_held()
        {
            keep.judge(hop, end);
        }
    }

    /// The hop has failed before its end, for this reason.
    pub(crate) fn has_failed(&self, hop: &Hop, reason: KeepReason) {
        if let Some(keep) = self.keep.as_ref().filter(|keep| keep.wants_errors())
            && hop.keep(reason)
        {
            keep.keep(hop.trace.trace_id, reason);
        }
    }

    /// Takes a finished hop that is recorded.
    #[inline]
    pub(crate) fn hop(&self, hop: Arc<Hop>) {
        match (&self.queue, &self.keep) {
            (Some(_), Some(keep)) if hop.kept.is_held() => keep.hold(Record::Hop(hop)),
            (Some(queue), _) => queue.push(Record::Hop(hop)),
            (None, _) => {}
        }
    }

    /// Takes a user's finished span that is recorded.
    pub(crate) fn span(&self, mut span: Box<SpanRecord>) {
        match (&self.queue, &self.keep) {
            (Some(_), Some(keep)) if !span.trace.flags.is_sampled() => {
                span.kept = (span.failed && keep.wants_errors()).then_some(KeepReason::ErrorEvent);
                keep.hold(Record::Span(span));
            }
            (Some(queue), _) => queue.push(Record::Span(span)),
            (None, _) => {}
        }
    }

    /// What holds traces that are not sampled, to run on a thread of our own.
    pub(crate) fn holder(&self) -> Option<Holder> {
        self.keep.clone().zip(self.queue.clone()).map(|(keep, queue)| Holder::new(keep, queue))
    }

    /// What is done with traces that are not sampled, for the admin routes; `None` where they are not recorded.
    pub(crate) fn keep(&self) -> Option<&Arc<Keep>> {
        self.keep.as_ref()
    }

    /// The services that keep traces together with us.
    #[inline]
    pub(crate) fn peers(&self) -> Option<&Peers> {
        self.keep.as_ref()?.peers.as_ref()
    }

    /// What became of traces that are not sampled; `None` where they are not recorded.
    pub(crate) fn keep_report(&self) -> Option<KeepCounts> {
        self.keep.as_ref().map(|keep| keep.report())
    }

    /// Takes out what waits, as values; a thread's spans are in the order in which they ended.
    pub(crate) fn drain(&self) -> Vec<Finished> {
        let records = self.queue.as_ref().map(|queue| queue.drain()).unwrap_or_default();
        records.iter().filter_map(|record| Finished::of(record, &Limits::default())).collect()
    }

    /// Has the spans that wait now sent; resolves when they are accounted for.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        let held = self.keep.as_ref().map(|keep| keep.flush());
        let queue = self.queue.clone();
        async move {
            if let Some(held) = held {
                held.await;
            }
            let flushed = queue.map(|queue| queue.flush());
            if let Some(flushed) = flushed {
                flushed.await;
            }
        }
    }

    /// What became of all spans so far; `None` where nothing is exported.
    pub(crate) fn report(&self) -> Option<FlowReport> {
        self.queue.as_ref().map(|queue| queue.report())
    }

    /// How many had texts shortened to fit into a request.
    pub(crate) fn shortened(&self) -> u64 {
        self.queue.as_ref().map_or(0, |queue| queue.shortened())
    }

    /// Reports on standard error when a loss begins and when it has ended. Called about once a second, and at the end; true
    /// while a loss goes on.
    pub(crate) fn report_lost(&self) -> bool {
        self.report().is_some_and(|report| self.lost.look(report.reasons()))
    }
}

/// The transport in the chosen format.
fn transport(traces: &Traces, url: &str, resource: &Resource) -> Result<Box<dyn Transport<Record>>, String> {
    match traces.format() {
        Some(Format::Zipkin) => zipkin::transport(traces, url, resource),
        _ => otlp::transport(&traces.otlp, url, &traces.limits(), resource),
    }
}

#[cfg(not(feature = "otlp"))]
mod otlp {
    use super::{Limits, Record, Resource, Transport};
    use crate::otlp::OtlpConfig;

    pub(super) fn transport(
        _: &OtlpConfig,
        _: &str,
        _: &Limits,
        _: &Resource,
    ) -> Result<Box<dyn Transport<Record>>, String> {
        Err("built without OTLP; add features = [\"otlp\"] to tower-observability in Cargo.toml".to_owned())
    }
}

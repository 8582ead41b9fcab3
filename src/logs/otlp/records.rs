//! The handle to the log records: what happened is copied and queued; the exporter does the rest.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use tracing_log::NormalizeEvent as _;

use super::shortened::Shortened;
use super::visit::Copying;
use super::{Event, Record, SIGNAL, transport};
use crate::account::FlowReport;
use crate::export::{Destination, Exporter, Notice, Queue, Tell};
use crate::logs::options::Logs;
use crate::logs::otlp::packed::Packed;
use crate::logs::place::Place;
use crate::record::Hop;
use crate::resource::Resource;

/// The handle that the request's thread uses: a record is copied there and made into bytes behind.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    queue: Arc<Queue<Record>>,
    shortened: Arc<Shortened>,
    capacity: usize,
}

impl Records {
    /// The handle, and the exporter to run on a thread of our own; none where no records leave. A notice says why they
    /// cannot, although they are to.
    pub(crate) fn new(logs: &Logs, resource: &Resource, tell: Tell) -> Option<(Self, Exporter<Record>)> {
        let export = &logs.export;
        let url = match export.destination() {
            Destination::Off | Destination::None | Destination::Console => return None,
            Destination::Refused(reason) => {
                tell(Notice::unusable(SIGNAL, reason));
                return None;
            }
            Destination::Url(url) => url,
        };
        let shortened = Arc::<Shortened>::default();
        let made = transport::transport(export, &url, resource, &shortened);
        match made {
            Err(reason) => {
                tell(Notice::unusable(SIGNAL, reason));
                None
            }
            Ok(transport) => {
                let (limits, capacity) = (export.batch_limits(), export.queue_capacity());
                let queue = Arc::new(Queue::new(capacity));
                let exporter = Exporter::new(SIGNAL, Arc::clone(&queue), transport, limits, &url, tell);
                Some((Self { queue, shortened, capacity }, exporter))
            }
        }
    }

    /// Takes an event; `place` says where and when it was.
    pub(crate) fn event(&self, event: &tracing::Event<'_>, place: &Place<'_>) {
        // A record of the `log` crate comes with the metadata of its bridge; its own are in its fields.
        let of_log = if event.metadata().target() == "log" { event.normalized_metadata() } else { None };
        let (target, metadata) = match &of_log {
            Some(metadata) => (Cow::Owned(metadata.target().to_owned()), metadata),
            None => (Cow::Borrowed(event.metadata().target()), event.metadata()),
        };
        let level = *metadata.level();
        let origin = metadata.file().zip(metadata.line()).filter(|_| level == tracing::Level::ERROR);
        let mut said = Packed::default();
        event.record(&mut Copying(&mut said));
        let mut spans = Vec::new();
        (place.spans)(&mut |fields| {
            if fields.len() > 0 {
                spans.push(fields.clone());
            }
        });
        self.push(Event {
            at: place.at,
            severity: level.into(),
            name: "",
            target,
            trace: place.trace,
            hop: place.hop.clone(),
            origin: origin.map(|(file, line)| (Cow::Owned(file.to_owned()), line)),
            said,
            spans,
        });
    }

    /// Takes a finished hop.
    pub(crate) fn hop(&self, hop: &Arc<Hop>) {
        self.queue.push(Record::Hop(Arc::clone(hop)));
    }

    /// Takes an event of our own.
    pub(crate) fn push(&self, event: Event) {
        self.queue.push(Record::Event(Box::new(event)));
    }

    /// Takes what this library says of itself. After the end its line is enough.
    pub(crate) fn say(&self, event: Event) {
        self.queue.push_in_time(Record::Event(Box::new(event)));
    }

    /// Has what waits now sent; resolves when it is accounted for.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        self.queue.flush()
    }

    /// What became of the records.
    pub(crate) fn report(&self) -> FlowReport {
        self.queue.report()
    }

    /// How many may wait.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many were cut to what receivers take, or to fit into a request.
    pub(crate) fn shortened(&self) -> u64 {
        self.shortened.count() + self.queue.shortened()
    }
}

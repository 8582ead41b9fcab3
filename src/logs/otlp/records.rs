//! The handle to the log records: what happened is copied and queued; the exporter does the rest.

use std::future::Future;
use std::sync::Arc;

use super::shortened::Shortened;
use super::{Record, SIGNAL, transport};
use crate::account::FlowReport;
use crate::export::{Exporter, Queue, Tell};
use crate::logs::options::Logs;
use crate::record::{Hop, Snapshot};
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
        let shortened = Arc::<Shortened>::default();
        let open = |url: &str| transport::transport(export, url, resource, &shortened);
        let (url, transport) = SIGNAL.open(export.destination(), &tell, open)?;
        let (limits, capacity) = (export.batch_limits(), export.queue_capacity());
        let queue = Arc::new(Queue::new(capacity));
        let exporter = Exporter::new(SIGNAL, Arc::clone(&queue), transport, limits, &url, tell);
        Some((Self { queue, shortened, capacity }, exporter))
    }

    /// Takes a finished hop.
    pub(crate) fn hop(&self, hop: &Arc<Hop>) {
        self.queue.push(Record::Hop(Arc::clone(hop)));
    }

    /// Takes an event.
    pub(crate) fn event(&self, event: Snapshot) {
        self.queue.push(Record::Event(event));
    }

    /// Takes what this library says of itself. After the end its line is enough.
    pub(crate) fn say(&self, event: Snapshot) {
        self.queue.push_in_time(Record::Event(event));
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

//! One way out: a queue of its own, with its account, and the exporter that empties it.

use std::sync::Arc;
use std::time::Duration;

use super::SIGNAL;
use super::filed::Filed;
use super::options::Reports;
use super::rollbar;
use super::sentry;
use super::way_out::LeftOutCounts;
use crate::account::FlowReport;
use crate::export::{BatchLimits, Exporter, Notice, Queue, Tell, Transport};
use crate::resource::Resource;
use crate::threads::LossNotice;

/// So much may wait: reports count once, and once more for each two KiB of their texts.
const CAPACITY: usize = 1_024;

/// They are few, and somebody waits for them.
const LIMITS: BatchLimits = BatchLimits {
    batch_size: 8,
    largest_batch: 64,
    delay: Duration::from_millis(500),
    attempt: Duration::from_secs(10),
    batch: Duration::from_secs(30),
};

/// One way out.
#[derive(Debug)]
pub(crate) struct Way {
    queue: Arc<Queue<Filed>>,
    exporter: &'static str,
    lost: LossNotice,
}

type Made = Result<Box<dyn Transport<Filed>>, String>;

impl Way {
    /// Those that the options name. One that cannot be used is said, and is none.
    pub(super) fn all(
        reports: &Reports,
        resource: &Resource,
        tell: impl Fn() -> Tell,
        left_out: impl Fn() -> Arc<dyn LeftOutCounts>,
    ) -> Vec<(Self, Exporter<Filed>)> {
        let mut all = Vec::new();
        let mut add = |exporter, url: &str, make: &dyn Fn(&Arc<Queue<Filed>>) -> Made| {
            let queue = Arc::new(Queue::new(CAPACITY));
            match make(&queue) {
                Err(reason) => tell()(Notice::unusable(SIGNAL, reason)),
                Ok(transport) => {
                    let out = Exporter::new(SIGNAL, Arc::clone(&queue), transport, LIMITS, url, tell());
                    all.push((Self { queue, exporter, lost: LossNotice::new("error reports") }, out));
                }
            }
        };
        if let Some(dsn) = reports.sentry_dsn() {
            let make = |queue: &Arc<Queue<Filed>>| {
                sentry::transport(&dsn, reports, resource, Arc::clone(queue), left_out())
            };
            add("sentry_report_exporter", &dsn.endpoint, &make);
        }
        if let Some((token, url)) = reports.rollbar_item() {
            let make = |_: &Arc<Queue<Filed>>| rollbar::transport(token, url, reports, resource);
            add("rollbar_report_exporter", url, &make);
        }
        all
    }

    #[inline]
    pub(super) fn push(&self, report: Filed) {
        self.queue.push(report);
    }

    /// Says what is lost of late; true while a loss goes on.
    pub(super) fn report_lost(&self) -> bool {
        self.lost.look(self.report().reasons())
    }

    pub(super) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        self.queue.flush()
    }

    /// What its exporter is called in metrics.
    pub(crate) fn exporter(&self) -> &'static str {
        self.exporter
    }

    /// How much its queue holds.
    pub(crate) fn capacity(&self) -> usize {
        self.queue.capacity()
    }

    /// What became of its reports.
    pub(crate) fn report(&self) -> FlowReport {
        self.queue.report()
    }

    /// How many reports were shortened.
    pub(crate) fn shortened(&self) -> u64 {
        self.queue.shortened()
    }
}

//! The handle to metrics over OTLP, and what is to be run for them.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

use super::SIGNAL;
use super::point::Point;
use super::reader::{Reader, Requests};
use super::transport::transport;
use crate::account::FlowReport;
use crate::export::{Exporter, Queue, Tell};
use crate::metrics::{Metrics, Recorder};
use crate::resource::Resource;
use crate::threads::{LossNotice, Phase};

/// The handle: nothing that is recorded goes through it.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    queue: Arc<Queue<Point>>,
    requests: Requests,
    lost: Arc<LossNotice>,
}

/// What runs on a thread of ours.
pub(crate) struct PointExport {
    reader: Reader,
    exporter: Exporter<Point>,
}

impl Points {
    /// The handle, and what is to be run; none where metrics are not sent. A notice says why they cannot be, although they
    /// are to.
    pub(crate) fn new(
        metrics: &Metrics,
        recorder: &'static Recorder,
        resource: &Resource,
        tell: Tell,
    ) -> Option<(Self, PointExport)> {
        let export = &metrics.export;
        let (url, transport) =
            SIGNAL.open(export.destination(), &tell, |url| transport(export, url, resource))?;
        let limits = export.batch_limits();
        let queue = Arc::new(Queue::new(export.otlp.batching.queue));
        let requests = Requests::default();
        let reader =
            Reader::new(recorder, Arc::clone(&queue), requests.clone(), limits.delay, export.temporality);
        let exporter = Exporter::new(SIGNAL, Arc::clone(&queue), transport, limits, &url, tell);
        let lost = Arc::new(LossNotice::new("data points of metrics"));
        Some((Self { queue, requests, lost }, PointExport { reader, exporter }))
    }

    /// What became of the data points.
    pub(crate) fn report(&self) -> FlowReport {
        self.queue.report()
    }

    /// Reports on standard error when a loss begins and when it has ended. Called about once a second, and at the end; true
    /// while a loss goes on.
    pub(crate) fn report_lost(&self) -> bool {
        self.lost.look(self.report().reasons())
    }

    /// Has everything collected and sent; resolves when it is accounted for.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        self.requests.ask()
    }
}

impl PointExport {
    /// Runs until the phase is [`Phase::Closing`], when all is collected once more, and at the latest until its instant.
    pub(crate) async fn run(self, phase: watch::Receiver<Phase>) {
        let (later, follow) = watch::channel(Phase::Running);
        drop(tokio::spawn(self.reader.run(phase, later)));
        self.exporter.run(follow).await;
    }
}

impl fmt::Debug for PointExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PointExport").field("exporter", &self.exporter).finish_non_exhaustive()
    }
}

//! What is not built in is never made: no metrics over OTLP without the feature.

use std::future::Ready;

use tokio::sync::watch;

use super::SIGNAL;
use crate::account::FlowReport;
use crate::export::{Destination, Notice, Tell};
use crate::metrics::{Metrics, Recorder};
use crate::resource::Resource;
use crate::threads::Phase;

#[derive(Clone, Debug)]
pub(crate) enum Points {}

pub(crate) enum PointExport {}

impl Points {
    pub(crate) fn new(
        metrics: &Metrics,
        _: &'static Recorder,
        _: &Resource,
        tell: Tell,
    ) -> Option<(Self, PointExport)> {
        if metrics.export.destination() != Destination::Off {
            let remedy = "built without OTLP; add features = [\"otlp\"] to tower-observability in Cargo.toml";
            tell(Notice::unusable(SIGNAL, remedy.to_owned()));
        }
        None
    }

    pub(crate) fn report(&self) -> FlowReport {
        match *self {}
    }

    pub(crate) fn report_lost(&self) -> bool {
        match *self {}
    }

    pub(crate) fn flush(&self) -> Ready<()> {
        match *self {}
    }
}

impl PointExport {
    pub(crate) async fn run(self, _: watch::Receiver<Phase>) {
        match self {}
    }
}

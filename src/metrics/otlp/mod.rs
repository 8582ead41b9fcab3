//! Metrics over OTLP: a page's families under the names of the conventions, collected on a thread of ours every minute.
//!
//! The [`Reader`](reader::Reader) walks through the families as a page does and hands each series, as the bytes of a
//! data point, to the queue of the [`Exporter`](crate::export::Exporter), which sends and accounts for them as for spans.
//! It collects again only when all of them are settled, so that no two collections overtake each other.

mod export;
#[cfg(feature = "otlp")]
mod handle;
#[cfg(feature = "otlp")]
mod ledger;
mod options;
#[cfg(feature = "otlp")]
mod point;
#[cfg(feature = "otlp")]
mod reader;
#[cfg(feature = "otlp")]
mod transport;
#[cfg(feature = "otlp")]
mod walk;

pub(super) use export::{Export, Temporality};
#[cfg(feature = "otlp")]
pub(crate) use handle::{PointExport, Points};
pub(super) use options::VARIABLES;
#[cfg(not(feature = "otlp"))]
pub(crate) use unbuilt::{PointExport, Points};

use crate::export::Signal;

/// What the exporter calls it.
const SIGNAL: Signal = Signal { name: "metrics", items: "data points" };

/// What is not built in is never made.
#[cfg(not(feature = "otlp"))]
mod unbuilt {
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
                let remedy =
                    "built without OTLP; add features = [\"otlp\"] to tower-observability in Cargo.toml";
                tell(Notice::unusable(SIGNAL, remedy.to_owned()));
            }
            None
        }

        pub(crate) fn report(&self) -> FlowReport {
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
}

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
#[cfg(not(feature = "otlp"))]
mod unbuilt;
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

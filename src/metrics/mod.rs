//! The metrics: rate, errors and duration of every hop, the user's own, and the page that shows them.
//!
//! The `metrics` facade hands values in, from the user's macros and from [`Red`]; a [`Recorder`] keeps them in
//! striped cells that need no upkeep; a scrape takes them out as a page of text.

mod buckets;
mod exemplar;
#[allow(dead_code)] // without the feature `otlp` nothing reads it
mod exponential;
mod exposition;
mod family;
mod gauge;
mod group;
mod histogram;
mod label;
mod machine;
#[cfg(feature = "otlp")]
mod native;
mod number;
mod options;
mod otlp;
mod own;
mod page;
mod recorder;
mod red;
mod refused;
mod source;
#[cfg(feature = "otlp")]
mod unit;
mod watched;
mod writing;

pub use options::Metrics;
pub use watched::{PoolState, QueueState};

pub(crate) use exposition::Exposition;
pub(crate) use machine::{container, disk_space, network, process_start, runtime, usage};
pub(crate) use otlp::{PointExport, Points};
pub(crate) use own::{LineBuffer, kept, lines, points, records, reports, spans, target};
pub(crate) use page::{Page, Pieces};
pub(crate) use recorder::Recorder;
pub(crate) use red::{Count, Red};
pub(crate) use source::{Samples, Source};
pub(crate) use watched::Watched;

#[cfg(test)]
mod tests;

//! Owns the metrics: rate, errors and duration of every hop, the user's own, and the page that shows them.

mod options;
mod red;

pub use options::Metrics;

pub(crate) use red::Red;

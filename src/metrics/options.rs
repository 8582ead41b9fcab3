//! Owns the options of metrics.

/// Options of metrics.
#[derive(Clone, Debug, Default)]
#[must_use = "hand it to `Builder::metrics`"]
pub struct Metrics {}

//! Owns the options of traces.

/// Options of traces.
#[derive(Clone, Debug, Default)]
#[must_use = "hand it to `Builder::traces`"]
pub struct Traces {}

//! Owns the options of log lines.

/// Options of log lines.
#[derive(Clone, Debug, Default)]
#[must_use = "hand it to `Builder::logs`"]
pub struct Logs {}

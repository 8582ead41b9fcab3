//! Owns what the answers are made of.

use std::fmt;

use super::{Level, Readiness};
use crate::metrics::Recorder;

/// What the admin listener shows and changes. One per process, or per test.
pub(crate) struct AdminState {
    /// `None` where metrics are off: `/metrics` is then not found.
    pub(crate) recorder: Option<&'static Recorder>,
    pub(crate) readiness: Readiness,
    pub(crate) level: Level,
    pub(crate) token: Option<String>,
}

// By hand: the token must not be shown.
impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

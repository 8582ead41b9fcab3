//! The choice of what is left out.

use std::time::Duration;

/// What shall be left out.
#[derive(Clone, Debug)]
pub(in crate::logs) struct Choice {
    /// So much of the ok lines is kept.
    pub(super) share: f64,
    /// What took so long is kept anyway.
    pub(super) slow: Duration,
    /// So many lines a second may one place in the code write; 0 is without a limit.
    pub(super) limit: u32,
}

impl Default for Choice {
    fn default() -> Self {
        Self { share: 1.0, slow: Duration::from_secs(1), limit: 10_000 }
    }
}

//! Owns a hop's life: one function ends it, reached from every exit, and `Drop` is one of the exits.

use std::sync::Arc;

use super::Core;
use crate::clock::Moment;
use crate::scope::{End, ErrorType, Hop, Outcome};

/// A hop that is still running. Dropping it unfinished reports [`Outcome::Cancelled`].
#[derive(Debug)]
pub(crate) struct Observation {
    core: &'static Core,
    // `None` once the outcome is reported; this is what makes "exactly once" true.
    hop: Option<Arc<Hop>>,
}

impl Observation {
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        let Some(hop) = self.hop.take() else { return };
        let end = End {
            outcome,
            error_type: ErrorType::None,
            status: None,
            at: Moment::now(),
            first_byte: None,
            response_bytes: 0,
        };
        hop.finish(end);
        self.core.red.hop(&hop, &end);
        self.core.lines.hop(&hop, &end);
        self.core.spans.hop(&hop);
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.finish(Outcome::Cancelled);
    }
}

//! Owns the assembled signals that every hop of a process, or of one test, reports to.

use std::sync::OnceLock;

use crate::logs::Lines;
use crate::metrics::Red;
use crate::propagation::Propagators;
use crate::spans::Spans;

/// The signals, assembled once and never taken apart: a hop holds a plain reference.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) spans: Spans,
    pub(crate) lines: Lines,
    pub(crate) red: Red,
    pub(crate) propagators: Propagators,
}

impl Core {
    /// Is there nothing at all to do for a request, not even to hand its context on?
    pub(crate) fn is_off(&self) -> bool {
        let passes_on =
            self.propagators.tracecontext || self.propagators.baggage || self.propagators.request_id;
        !(passes_on || self.spans.is_on() || self.lines.is_on() || self.red.is_on())
    }
}

static GLOBAL: OnceLock<&'static Core> = OnceLock::new();

/// The process's signals; `None` before `init`.
pub(crate) fn global() -> Option<&'static Core> {
    GLOBAL.get().copied()
}

/// Installs the process's signals; false if there are some already.
pub(crate) fn set_global(core: &'static Core) -> bool {
    GLOBAL.set(core).is_ok()
}

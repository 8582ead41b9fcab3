//! The route that is observed in detail for a while, chosen at run time.
//!
//! One for the process, because an operator chooses it for the process; while there is none, whoever asks pays one load.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Route;

/// The route's number, and whether its requests are recorded in traces; [`NONE`] while there is none.
static DETAILED: AtomicU32 = AtomicU32::new(NONE);

const NONE: u32 = u32::MAX;
const RECORDED: u32 = 1 << 16;

/// What is observed in detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detailed {
    pub(crate) route: Route,
    /// Its requests are in traces, whatever the sampler says.
    pub(crate) is_recorded: bool,
}

impl Detailed {
    /// What is observed in detail now.
    #[inline]
    pub(crate) fn now() -> Option<Self> {
        let number = DETAILED.load(Ordering::Relaxed);
        (number != NONE)
            .then(|| Self { route: Route::numbered(number as u16), is_recorded: number & RECORDED != 0 })
    }

    /// Observes this from now on, or nothing.
    pub(crate) fn set(detailed: Option<Self>) {
        let number = |Self { route, is_recorded }: Self| {
            u32::from(route.number()) | if is_recorded { RECORDED } else { 0 }
        };
        DETAILED.store(detailed.map_or(NONE, number), Ordering::Relaxed);
    }
}

//! The wiring: `init` assembles the signals, the guard takes them down.
//!
//! Behind the requests run two threads of ours, the log writer's and `observability`, which exports, serves the
//! admin routes and waits for signals on a runtime of its own. Nothing of ours runs on the user's runtime, so
//! that neither can keep the other waiting.

mod builder;
mod messages;
mod observability;
mod running;
mod self_metrics;
mod start;
mod switches;

pub use builder::{Builder, builder};
pub use observability::Observability;
pub use running::Report;

#[cfg(feature = "cli")]
pub(crate) use start::{bind, container_advice};

use crate::error::Error;

/// Starts all signals for the service of this name, as the environment says.
///
/// It is [`builder`] with nothing chosen. Keep what it returns in a variable until the end of `main`: `let _ = init(…)?`
/// ends everything at once, for which the compiler has the lint `let_underscore_drop` (allowed by default), and this
/// library a warning when it happens.
///
/// ```no_run
/// let observability = tower_observability::init("bookings")?;
/// tracing::info!("ready");
/// # drop(observability);
/// # Ok::<(), tower_observability::Error>(())
/// ```
///
/// ```compile_fail
/// #![deny(let_underscore_drop)]
///
/// let _ = tower_observability::init("bookings")?;
/// # Ok::<(), tower_observability::Error>(())
/// ```
///
/// # Errors
///
/// Misuse in code, never the environment: see [`Builder::init`].
#[track_caller]
pub fn init(service: impl Into<String>) -> Result<Observability, Error> {
    builder(service).init()
}

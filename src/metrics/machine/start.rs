//! The moment when this process started: the kernel's where it says so, else that of `init`.

use super::system;
use crate::clock::Moment;
use crate::metrics::source::{Shape, Source};
use crate::names::metric;

/// When this process started. `init` calls it early, for the systems that do not tell.
pub(crate) fn process_start() -> Source {
    let now = Moment::now().unix_nanos() as f64 / 1e9;
    // The kernel knows its own start by the second only, so that a fresh process may be one of the future.
    let start = system::started().map_or(now, |start| start.min(now));
    let start = (start * 1_000.0).round() / 1_000.0;
    Source::new(metric::PROCESS_START_TIME, move |samples| {
        let help = "When the process started, in seconds since 1970.";
        samples.single(metric::PROCESS_START_TIME, Shape::Gauge, "seconds", help, Some(start));
    })
}

//! The records of the `log` crate: they become events, and its level follows ours.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;

/// Is our bridge the process's logger?
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Makes our bridge the process's logger; false if there is another one already.
pub(super) fn take(level: LevelFilter) -> bool {
    let taken = tracing_log::LogTracer::init().is_ok();
    if taken {
        TAKEN.store(true, Ordering::Relaxed);
        follow(level);
    }
    taken
}

/// The `log` crate's own level follows ours, so that records nobody wants cost nothing.
pub(super) fn follow(level: LevelFilter) {
    if TAKEN.load(Ordering::Relaxed) {
        log::set_max_level(as_log(level));
    }
}

fn as_log(level: LevelFilter) -> log::LevelFilter {
    match level.into_level() {
        None => log::LevelFilter::Off,
        Some(tracing::Level::ERROR) => log::LevelFilter::Error,
        Some(tracing::Level::WARN) => log::LevelFilter::Warn,
        Some(tracing::Level::INFO) => log::LevelFilter::Info,
        Some(tracing::Level::DEBUG) => log::LevelFilter::Debug,
        Some(tracing::Level::TRACE) => log::LevelFilter::Trace,
    }
}

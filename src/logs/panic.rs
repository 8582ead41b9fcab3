//! Owns the last words: a panic's line, written before whatever the process does next.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use super::Lines;
use crate::pipeline::is_quiet;
use crate::scope::Value;

/// How long a panicking thread waits for its line to be written: nobody knows whether the process goes on.
const PATIENCE: Duration = Duration::from_millis(100);

static LEADS_LOG: AtomicBool = AtomicBool::new(false);
/// One more than the lines delivered when a panic last waited in vain: until one more leaves, none waits again.
static STUCK_AT: AtomicU64 = AtomicU64::new(0);

/// From now on every panic writes a line, then goes on to the hook that was there before.
pub(crate) fn write_panics(lines: &'static Lines) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        lines.panicked(panic);
        previous(panic);
    }));
}

/// The `log` crate's own level follows ours, so that records nobody wants cost nothing.
pub(super) fn follow_level(level: LevelFilter) {
    if LEADS_LOG.load(Ordering::Relaxed) {
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

impl Lines {
    /// Turns records of the `log` crate into events, for the whole process; false if it has a logger already.
    pub(crate) fn take_log_records(&self) -> bool {
        let taken = tracing_log::LogTracer::init().is_ok();
        if taken {
            LEADS_LOG.store(true, Ordering::Relaxed);
            follow_level(self.highest_level());
        }
        taken
    }

    fn panicked(&self, panic: &PanicHookInfo<'_>) {
        if !self.is_on() {
            return;
        }
        let payload = panic.payload();
        let message = payload
            .downcast_ref::<&'static str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without a text");
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default().to_owned();
        let location = panic.location().map(|location| (location.file(), location.line()));
        self.fatal(message, &[("thread", Value::from(name))], location);
        let delivered = || self.report().delivered + 1;
        // Our own threads must not wait for each other.
        if !is_quiet() && STUCK_AT.load(Ordering::Relaxed) != delivered() && !self.flush(PATIENCE) {
            STUCK_AT.store(delivered(), Ordering::Relaxed);
        }
    }
}

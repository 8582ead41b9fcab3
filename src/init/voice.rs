//! Our own lines: the start, the exporters' notices, the end.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::Level;

use crate::export::{Notice, Tell};
use crate::logs::LOGS;
use crate::signals::Signals;

const TARGET: &str = "tower_observability";

/// The same for what must be no log record: what is said of the records themselves, and what comes after them.
pub(super) fn say_beside(signals: &Signals, level: Level, message: fmt::Arguments<'_>) {
    signals.lines.say_beside(level, TARGET, &message.to_string());
}

/// Turns the exporters' notices into lines; what it says before there are lines waits for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    signals: OnceLock<&'static Signals>,
    early: Mutex<Vec<Notice>>,
}

/// Writes a line of our own.
pub(super) fn say(signals: &Signals, level: Level, message: fmt::Arguments<'_>) {
    signals.lines.say(level, TARGET, &message.to_string(), &[]);
}

impl Notices {
    /// What an exporter tells them to.
    pub(super) fn tell(&self) -> Tell {
        let shared = Arc::clone(&self.shared);
        Box::new(move |notice| match shared.signals.get() {
            Some(signals) => shared.say(signals, &notice),
            None => shared.early().push(notice),
        })
    }

    /// There are lines now: what waited is said.
    pub(super) fn begin(&self, signals: &'static Signals) {
        let _ = self.shared.signals.set(signals);
        let early = std::mem::take(&mut *self.shared.early());
        early.iter().for_each(|notice| self.shared.say(signals, notice));
    }
}

impl Shared {
    fn say(&self, signals: &Signals, notice: &Notice) {
        let level = if notice.is_bad() { Level::WARN } else { Level::INFO };
        // A record of a record's failure would be the next to fail.
        let say = if notice.is_of(LOGS) { say_beside } else { say };
        say(signals, level, format_args!("{notice}"));
    }

    fn early(&self) -> std::sync::MutexGuard<'_, Vec<Notice>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

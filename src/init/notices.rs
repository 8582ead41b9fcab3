//! Owns the way of the exporter's notices to the log: what it says before there are lines waits for them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::Level;

use crate::hop::Core;
use crate::spans::{Notice, Tell};

/// Turns notices into lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    core: OnceLock<&'static Core>,
    early: Mutex<Vec<Notice>>,
}

impl Notices {
    /// What the exporter tells them to.
    pub(super) fn tell(&self) -> Tell {
        let shared = Arc::clone(&self.shared);
        Box::new(move |notice| match shared.core.get() {
            Some(core) => say(core, &notice),
            None => shared.early.lock().unwrap_or_else(PoisonError::into_inner).push(notice),
        })
    }

    /// There are lines now: what waited is said.
    pub(super) fn begin(&self, core: &'static Core) {
        let _ = self.shared.core.set(core);
        let early = std::mem::take(&mut *self.shared.early.lock().unwrap_or_else(PoisonError::into_inner));
        early.iter().for_each(|notice| say(core, notice));
    }
}

fn say(core: &Core, notice: &Notice) {
    let level = if notice.is_bad() { Level::WARN } else { Level::INFO };
    core.lines.say(level, format_args!("{notice}"));
}

//! The log level as the operator sees it: read, changed for a while, and back again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a level set from outside holds; somebody always forgets `debug`.
pub(super) const HOLDS: Duration = Duration::from_secs(15 * 60);

/// The log's level, as three calls into the logs.
#[derive(Clone)]
pub(crate) struct Level {
    calls: Arc<Calls>,
}

type Set = dyn Fn(&str) -> Result<(), String> + Send + Sync;

struct Calls {
    level: Box<dyn Fn() -> String + Send + Sync>,
    set: Box<Set>,
    reset: Box<dyn Fn() + Send + Sync>,
    // Counts the changes, so that only the last one's time to revert does.
    change: AtomicU64,
}

impl Level {
    /// `set` answers with what would be right if the directives are not.
    pub(crate) fn new(
        level: impl Fn() -> String + Send + Sync + 'static,
        set: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
        reset: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (level, set, reset) = (Box::new(level), Box::new(set), Box::new(reset));
        Self { calls: Arc::new(Calls { level, set, reset, change: AtomicU64::new(0) }) }
    }

    pub(super) fn now(&self) -> String {
        (self.calls.level)()
    }

    /// Changes the level until it is changed again, or for [`HOLDS`]. Called within a runtime.
    pub(super) fn set_for_a_while(&self, directives: &str) -> Result<(), String> {
        (self.calls.set)(directives)?;
        let mine = self.calls.change.fetch_add(1, Ordering::Relaxed) + 1;
        let calls = Arc::clone(&self.calls);
        tokio::spawn(async move {
            tokio::time::sleep(HOLDS).await;
            if calls.change.load(Ordering::Relaxed) == mine {
                (calls.reset)();
            }
        });
        Ok(())
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Level").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn level() -> Level {
        let now = Arc::new(Mutex::new("info".to_owned()));
        let [read, set, reset] = [(); 3].map(|()| Arc::clone(&now));
        Level::new(
            move || read.lock().unwrap().clone(),
            move |directives| {
                *set.lock().unwrap() = directives.to_owned();
                Ok(())
            },
            move || *reset.lock().unwrap() = "info".to_owned(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_level_reverts_fifteen_minutes_after_the_last_change() {
        let level = level();
        level.set_for_a_while("debug").expect("taken");
        tokio::time::sleep(HOLDS / 2).await;
        level.set_for_a_while("trace").expect("taken");
        tokio::time::sleep(HOLDS * 3 / 4).await;
        assert_eq!(level.now(), "trace");
        tokio::time::sleep(HOLDS / 2).await;
        assert_eq!(level.now(), "info");
    }
}

//! The log level as the operator sees it: read, changed for a while, and back again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long a level set from outside holds, so that a forgotten `debug` does not stay.
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
    // When the level goes back; `None` where it was not changed. One task waits for it, however many changes come.
    reverts: Mutex<Option<Instant>>,
}

impl Level {
    /// `set` fails with what would be right if the directives are not.
    pub(crate) fn new(
        level: impl Fn() -> String + Send + Sync + 'static,
        set: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
        reset: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (level, set, reset) = (Box::new(level), Box::new(set), Box::new(reset));
        Self { calls: Arc::new(Calls { level, set, reset, reverts: Mutex::new(None) }) }
    }

    pub(super) fn now(&self) -> String {
        (self.calls.level)()
    }

    /// Changes the level until it is changed again, or for [`HOLDS`]. Called within a runtime.
    pub(super) fn set_for_a_while(&self, directives: &str) -> Result<(), String> {
        // Under the lock, so that a change does not meet the end of the one before.
        let mut reverts = self.calls.reverts();
        (self.calls.set)(directives)?;
        if reverts.replace(Instant::now() + HOLDS).is_none() {
            drop(tokio::spawn(revert(Arc::clone(&self.calls))));
        }
        Ok(())
    }
}

/// Waits until the last change's time is over, and takes it back.
async fn revert(calls: Arc<Calls>) {
    while let Some(at) = calls.time_to_revert() {
        sleep_until(at).await;
    }
}

impl Calls {
    fn reverts(&self) -> MutexGuard<'_, Option<Instant>> {
        self.reverts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the level goes back; `None` once it has.
    fn time_to_revert(&self) -> Option<Instant> {
        let mut reverts = self.reverts();
        let later = reverts.filter(|at| *at > Instant::now());
        if later.is_none() {
            *reverts = None;
            (self.reset)();
        }
        later
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

    #[tokio::test(start_paused = true)]
    async fn many_changes_leave_one_task_and_the_level_reverts_again_and_again() {
        let level = level();
        let tasks = tokio::runtime::Handle::current().metrics();
        for _ in 0..2 {
            (0..30_000).for_each(|_| level.set_for_a_while("debug").expect("taken"));
            assert_eq!(tasks.num_alive_tasks(), 1);
            tokio::time::sleep(HOLDS + Duration::from_secs(1)).await;
            assert_eq!((level.now().as_str(), tasks.num_alive_tasks()), ("info", 0));
        }
    }
}

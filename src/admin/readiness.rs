//! Readiness: the user's checks, asked together, each with a time limit.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::threads::Asides;

const LIMIT: Duration = Duration::from_secs(1);
/// The most threads that may run one check at once; beyond them it is not ready.
const MOST_THREADS: usize = 4;

/// May this process get requests?
#[derive(Clone, Default)]
pub(crate) struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    draining: AtomicBool,
    checks: RwLock<Vec<Arc<Check>>>,
}

struct Check {
    name: String,
    ask: Box<dyn Fn() -> Answer + Send + Sync>,
    // On the runtime where the check was added: a pool's connections belong to it.
    home: Option<Handle>,
    threads: Asides,
}

type Answer = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Why it may not get requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotReady {
    Draining,
    /// The names of the checks that failed, took too long, or panicked.
    Failing(Vec<String>),
}

impl Readiness {
    /// Adds a check; one of the same name is replaced. It runs on the runtime within which it is added.
    pub(crate) fn add<F>(&self, name: impl Into<String>, check: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let name = name.into();
        let ask = Box::new(move || Box::pin(check()) as Answer);
        let mut checks = self.0.checks.write().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|known| known.name != name);
        checks.push(Arc::new(Check {
            name,
            ask,
            home: Handle::try_current().ok(),
            threads: Asides::default(),
        }));
    }

    /// From now on not ready, whatever the checks say.
    pub(crate) fn set_draining(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Asks all checks at once. Called within a runtime.
    pub(super) async fn ask(&self) -> Result<(), NotReady> {
        if self.0.draining.load(Ordering::Relaxed) {
            return Err(NotReady::Draining);
        }
        let checks = self.0.checks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let asked: Vec<_> =
            checks.into_iter().map(|check| (check.name.clone(), tokio::spawn(check.answer()))).collect();
        let mut failing = Vec::new();
        for (name, answer) in asked {
            // A panic, even in the user's closure, is an `Err` of the task.
            if !answer.await.unwrap_or(false) {
                failing.push(name);
            }
        }
        if failing.is_empty() { Ok(()) } else { Err(NotReady::Failing(failing)) }
    }
}

impl Check {
    async fn answer(self: Arc<Self>) -> bool {
        // A task of its own, so that a check that blocks its thread is given up all the same.
        let mut task = match self.home.clone() {
            Some(home) => home.spawn(async move { (self.ask)().await }),
            None => self.on_a_thread(),
        };
        let answer = tokio::time::timeout(LIMIT, &mut task).await;
        if answer.is_err() {
            task.abort();
        }
        matches!(answer, Ok(Ok(true)))
    }

    /// Asks on a new thread, because the current one also exports and must not be blocked. Threads that
    /// never come back are few.
    fn on_a_thread(self: Arc<Self>) -> JoinHandle<bool> {
        let (ours, check) = (Handle::current(), Arc::clone(&self));
        let answer = self.threads.aside(MOST_THREADS, move || {
            ours.block_on(async { tokio::time::timeout(LIMIT, (check.ask)()).await.unwrap_or(false) })
        });
        tokio::spawn(async move {
            match answer {
                Ok(answer) => answer.await.unwrap_or(false),
                Err(_) => false,
            }
        })
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = self.0.checks.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(checks.iter().map(|check| &check.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_that_fails_hangs_or_panics_is_named_and_the_others_are_not() {
        let readiness = Readiness::default();
        assert_eq!(readiness.ask().await, Ok(()));
        readiness.add("good", || async { true });
        readiness.add("bad", || async { false });
        readiness.add("hanging", std::future::pending::<bool>);
        readiness.add("panicking", || async { panic!("for the test") });
        readiness.add("panicking early", || -> std::future::Ready<bool> { panic!("for the test") });
        let before = tokio::time::Instant::now();
        let failing = ["bad", "hanging", "panicking", "panicking early"].map(str::to_owned).to_vec();
        assert_eq!(readiness.ask().await, Err(NotReady::Failing(failing)));
        assert_eq!(before.elapsed(), LIMIT, "together, not one after the other");
    }

    #[test]
    fn a_check_without_a_runtime_may_block_and_delays_no_other() {
        let readiness = Readiness::default();
        let (go_on, blocks) = std::sync::mpsc::channel::<()>();
        let blocks = std::sync::Mutex::new(blocks);
        readiness.add("good", || async { true });
        readiness.add("blocking", move || {
            let _ = blocks.lock().map(|blocks| blocks.recv());
            async { true }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let failing = Err(NotReady::Failing(vec!["blocking".to_owned()]));
        assert_eq!(runtime.block_on(readiness.ask()), failing);
        drop(go_on);
        assert_eq!(runtime.block_on(readiness.ask()), Ok(()));
    }

    #[tokio::test]
    async fn draining_needs_no_check_and_the_later_check_of_a_name_counts() {
        let readiness = Readiness::default();
        readiness.add("database", || async { false });
        readiness.add("database", || async { true });
        assert_eq!(readiness.ask().await, Ok(()));
        readiness.set_draining();
        assert_eq!(readiness.ask().await, Err(NotReady::Draining));
    }
}

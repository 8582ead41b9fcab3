//! Pools and queues, which are asked for their figures: a pool at each scrape, a queue every few seconds on our own thread.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::source::{Samples, Source};
use crate::clock::Moment;
use crate::names::{Conventions, label, metric};
use crate::record::guarded;
use crate::threads::{Asides, complain, lock};

/// The figures of a pool of connections. What the pool does not say stays `None`, and its metric is absent.
///
/// ```
/// use tower_observability::PoolState;
///
/// let state = PoolState { used: Some(7), idle: Some(3), max: Some(10), ..PoolState::default() };
/// # drop(state);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolState {
    /// Connections that are in use.
    pub used: Option<usize>,
    /// Connections that wait to be used.
    pub idle: Option<usize>,
    /// How many connections there may be.
    pub max: Option<usize>,
    /// Tasks that wait for a connection.
    pub waiting: Option<usize>,
}

/// The figures of a queue. What the broker does not say stays `None`, and its metric is absent.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::QueueState;
///
/// let state = QueueState { depth: Some(1_200), oldest: Some(Duration::from_secs(90)) };
/// # drop(state);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// How many messages wait; of a log such as Kafka, the lag of the group.
    pub depth: Option<u64>,
    /// For how long the oldest of them has waited.
    pub oldest: Option<Duration>,
}

/// The most pools, and the most queues, that are asked.
const MOST: usize = 500;
/// How often a queue is read.
const EVERY: Duration = Duration::from_secs(10);
/// A reading that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(2);
/// A reading that is older is not shown.
const FRESH: Duration = Duration::from_secs(25);

/// All pools and queues of a process, or of one test.
#[derive(Clone, Default)]
pub(crate) struct Watched(Arc<Inner>);

#[derive(Default)]
struct Inner {
    pools: Mutex<BTreeMap<String, AskPool>>,
    queues: Mutex<BTreeMap<String, Arc<Queue>>>,
    /// A queue was added.
    added: Notify,
}

type AskPool = Arc<dyn Fn() -> PoolState + Send + Sync>;
type Reading = Pin<Box<dyn Future<Output = Option<QueueState>> + Send>>;

struct Queue {
    read: Box<dyn Fn() -> Reading + Send + Sync>,
    /// The runtime where the reader was added: its connection belongs to it.
    home: Option<Handle>,
    /// What reads it where there was no runtime.
    threads: Asides,
    seen: Mutex<Seen>,
}

/// What was read of a queue so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: Option<(Moment, QueueState)>,
    failures: u64,
    /// A reading has not come back.
    is_reading: bool,
}

/// Adds a thing to its map; the earlier one of its name is replaced. `None` if there are too many.
fn add<T>(things: &Mutex<BTreeMap<String, T>>, what: &str, name: String, thing: T) -> Option<bool> {
    let mut things = lock(things);
    if things.len() >= MOST && !things.contains_key(&name) {
        drop(things);
        complain(format_args!("the {what} {name:?} is not shown: there are {MOST} already"));
        return None;
    }
    let is_first = things.is_empty();
    things.insert(name, thing);
    Some(is_first)
}

impl Watched {
    /// Adds a pool; returns the source of all pools if it is the first.
    pub(crate) fn pool(
        &self,
        name: String,
        ask: impl Fn() -> PoolState + Send + Sync + 'static,
    ) -> Option<Source> {
        let is_first = add(&self.0.pools, "pool", name, Arc::new(ask) as AskPool)?;
        let inner = Arc::clone(&self.0);
        is_first.then(|| Source::new("db_client_connection_", move |samples| pools(&inner, samples)))
    }

    /// Adds a queue; returns the source of all queues if it is the first.
    pub(crate) fn queue<F>(
        &self,
        name: String,
        read: impl Fn() -> F + Send + Sync + 'static,
    ) -> Option<Source>
    where
        F: Future<Output = Option<QueueState>> + Send + 'static,
    {
        let queue = Queue {
            read: Box::new(move || Box::pin(read())),
            home: Handle::try_current().ok(),
            threads: Asides::default(),
            seen: Mutex::default(),
        };
        let is_first = add(&self.0.queues, "queue", name, Arc::new(queue))?;
        self.0.added.notify_one();
        let inner = Arc::clone(&self.0);
        is_first.then(|| Source::new("queue_", move |samples| queues(&inner, samples)))
    }

    /// Reads the queues for as long as it is polled, each on its own: one that hangs delays no other. Asleep until there is
    /// a queue.
    pub(crate) async fn read_queues(self) {
        loop {
            let all: Vec<_> = lock(&self.0.queues).values().cloned().collect();
            let pause = if all.is_empty() { None } else { Some(EVERY) };
            for queue in all {
                if queue.begins() {
                    tokio::spawn(queue.read());
                }
            }
            // A queue that is added is read at once.
            let added = self.0.added.notified();
            match pause {
                Some(pause) => drop(timeout(pause, added).await),
                None => added.await,
            }
        }
    }
}

impl Queue {
    /// Is no reading under way? If so, one begins.
    fn begins(&self) -> bool {
        let mut seen = lock(&self.seen);
        !std::mem::replace(&mut seen.is_reading, true)
    }

    async fn read(self: Arc<Self>) {
        let read = self.answer().await;
        let mut seen = lock(&self.seen);
        seen.is_reading = false;
        match read {
            Some(state) => seen.last = Some((Moment::now(), state)),
            None => {
                seen.last = None;
                seen.failures += 1;
            }
        }
    }

    /// On the runtime of the reader's connection, so that a reader that blocks does not block ours. What panics or takes too
    /// long is no answer.
    async fn answer(self: &Arc<Self>) -> Option<QueueState> {
        let queue = Arc::clone(self);
        let mut task = match &self.home {
            Some(home) => home.spawn(queue.ask()),
            None => queue.on_a_thread(),
        };
        let answer = timeout(LIMIT, &mut task).await;
        if answer.is_err() {
            task.abort();
        }
        answer.ok()?.ok()?
    }

    async fn ask(self: Arc<Self>) -> Option<QueueState> {
        let reading = guarded(|| (self.read)())?;
        reading.await
    }

    /// Asks on a new thread, because the current one also exports and answers, and must not be blocked. While it does not
    /// come back there is no other of this queue.
    fn on_a_thread(self: Arc<Self>) -> JoinHandle<Option<QueueState>> {
        let (ours, queue) = (Handle::current(), Arc::clone(&self));
        let answer = self
            .threads
            .aside(1, move || ours.block_on(async { timeout(LIMIT, queue.ask()).await.ok().flatten() }));
        tokio::spawn(async move { answer.ok()?.await.ok()? })
    }
}

fn pools(inner: &Inner, samples: &mut Samples) {
    // The user's closures are called without our lock.
    let all: Vec<_> = lock(&inner.pools).iter().map(|(name, ask)| (name.clone(), Arc::clone(ask))).collect();
    for (name, ask) in all {
        let Some(state) = guarded(|| ask()) else { continue };
        let pool = (label::DB_CLIENT_CONNECTION_POOL_NAME, name.as_str());
        for (word, count) in [("used", state.used), ("idle", state.idle)] {
            if let Some(count) = count {
                let labels = [pool, (label::DB_CLIENT_CONNECTION_STATE, word)];
                let family = samples.family(metric::DB_CLIENT_CONNECTION_COUNT);
                family.sample(&labels, count as f64);
            }
        }
        let limit =
            Conventions::of_database(metric::DB_CLIENT_CONNECTION_LIMIT, metric::DB_CLIENT_CONNECTION_MAX);
        let counts = [(limit, state.max), (metric::DB_CLIENT_CONNECTION_PENDING_REQUESTS, state.waiting)];
        for (name, count) in counts {
            if let Some(count) = count {
                samples.family(name).sample(&[pool], count as f64);
            }
        }
    }
}

fn queues(inner: &Inner, samples: &mut Samples) {
    let now = Moment::now();
    for (name, queue) in &*lock(&inner.queues) {
        let seen = *lock(&queue.seen);
        let queue = [(label::QUEUE, name.as_str())];
        let failures = samples.family(metric::QUEUE_READ_FAILURES);
        failures.sample(&queue, seen.failures as f64);
        let Some((at, state)) = seen.last.filter(|(at, _)| now.since(*at) <= FRESH) else { continue };
        if let Some(depth) = state.depth {
            samples.family(metric::QUEUE_DEPTH).sample(&queue, depth as f64);
        }
        if let Some(oldest) = state.oldest {
            let family = samples.family(metric::QUEUE_OLDEST_MESSAGE_AGE);
            // It has become older since.
            family.sample(&queue, (oldest + now.since(at)).as_secs_f64());
        }
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pools, queues) = (lock(&self.0.pools).len(), lock(&self.0.queues).len());
        f.debug_struct("Watched").field("pools", &pools).field("queues", &queues).finish()
    }
}

#[cfg(test)]
#[path = "watched/tests.rs"]
mod tests;

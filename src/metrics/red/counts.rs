//! What is counted of the things that a service depends on, by the name that the service gave them.

use std::sync::OnceLock;

use ::metrics::{Counter, Label};

use super::facade::Keeper;
use crate::account::Table;
use crate::names::{label, metric};
use crate::record::Interned;
use crate::threads::complain;

/// Maximum number of counters: some hundred things.
const MOST: usize = 1_000;

/// Something that happened to a cache, a pool, a circuit breaker or a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Count {
    CacheHit,
    CacheMiss,
    CacheStale,
    CacheCoalesced,
    CacheStampede,
    PoolTimeout,
    BreakerClosed,
    BreakerOpen,
    BreakerHalfOpen,
    BreakerRejected,
    Retried,
    GaveUp,
    OutOfBudget,
    NotRetryable,
}

/// The handles so far.
pub(super) struct Counts {
    known: Table<(Interned, Count), Counter>,
    full: OnceLock<()>,
}

impl Count {
    /// The metric, the label for the thing's name, and the label for what happened.
    fn place(self) -> (&'static str, &'static str, Option<(&'static str, &'static str)>) {
        let cache = |result| (metric::CACHE_REQUESTS, label::CACHE, Some((label::RESULT, result)));
        let breaker = |state| (metric::BREAKER_TRANSITIONS, label::BREAKER, Some((label::STATE, state)));
        let retry = |result| (metric::RETRIES, label::RETRY, Some((label::RESULT, result)));
        match self {
            Self::CacheHit => cache("hit"),
            Self::CacheMiss => cache("miss"),
            Self::CacheStale => cache("stale"),
            Self::CacheCoalesced => cache("coalesced"),
            Self::CacheStampede => (metric::CACHE_STAMPEDES, label::CACHE, None),
            Self::PoolTimeout => {
                (metric::DB_CLIENT_CONNECTION_TIMEOUTS, label::DB_CLIENT_CONNECTION_POOL_NAME, None)
            }
            Self::BreakerClosed => breaker("closed"),
            Self::BreakerOpen => breaker("open"),
            Self::BreakerHalfOpen => breaker("half_open"),
            Self::BreakerRejected => (metric::BREAKER_REJECTED, label::BREAKER, None),
            Self::Retried => retry("retried"),
            Self::GaveUp => retry("gave_up"),
            Self::OutOfBudget => retry("out_of_budget"),
            Self::NotRetryable => retry("not_retryable"),
        }
    }

    /// All that can happen to the same thing. Their series begin together, at zero, so that `increase()` sees a first one.
    fn siblings(self) -> &'static [Self] {
        use Count::*;
        const GROUPS: [&[Count]; 4] = [
            &[CacheHit, CacheMiss, CacheStale, CacheCoalesced, CacheStampede],
            &[PoolTimeout],
            &[BreakerClosed, BreakerOpen, BreakerHalfOpen, BreakerRejected],
            &[Retried, GaveUp, OutOfBudget, NotRetryable],
        ];
        GROUPS.into_iter().find(|group| group.contains(&self)).unwrap_or_default()
    }
}

impl Counts {
    pub(super) const fn new() -> Self {
        Self { known: Table::new(MOST), full: OnceLock::new() }
    }

    /// Counts this; zero only makes the series of the thing. Says whether they were made now.
    pub(super) fn add(&self, of: Interned, count: Count, by: u64, keeper: Keeper) -> bool {
        let key = (of, count);
        let known = self.known.find(&key);
        let is_new = known.is_none();
        if let Some((_, counter)) = known.or_else(|| self.first(key, keeper)) {
            counter.increment(by);
        }
        is_new
    }

    #[cold]
    fn first(&self, (of, count): (Interned, Count), keeper: Keeper) -> Option<(usize, &Counter)> {
        for sibling in count.siblings() {
            let make = || ((of, *sibling), register(of, *sibling, keeper));
            if self.known.find_or_add(&(of, *sibling), make).is_none() {
                self.full.get_or_init(|| {
                    complain(format_args!(
                        "there are {MOST} counters of caches, pools, breakers and retries; those of {:?} and of further \
                         ones are not shown: give them fewer names",
                        of.as_str()
                    ));
                });
            }
        }
        self.known.find(&(of, count))
    }
}

fn register(of: Interned, count: Count, keeper: Keeper) -> Counter {
    let (name, thing, happened) = count.place();
    let mut labels = vec![Label::from_static_parts(thing, of.as_str())];
    labels.extend(happened.map(|(label, value)| Label::from_static_parts(label, value)));
    let counter = keeper.counter(name, labels);
    counter.increment(0);
    counter
}

//! A cache as the service's own code, or a library's, reports it; and its stampedes.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::count;
use crate::current::request;
use crate::metrics::Count;
use crate::names::attribute;
use crate::record::Interned;

/// A cache of the service. It only reports: where the values are is the service's own matter.
///
/// Look-ups are counted in `cache_requests_total{cache, result}`; the hit ratio is their quotient. A request that did not
/// hit has the field `observability.cache.<name>`, with the result of the last look-up.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let vehicles = tower_observability::cache("vehicles");
/// # let found: Option<&str> = None;
/// let vehicle = match found {
///     Some(vehicle) => {
///         vehicles.hit();
///         vehicle
///     }
///     None => vehicles.load("B-AR 2026", async { "from the database" }).await,
/// };
/// # assert_eq!(vehicle, "from the database");
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "report what it does"]
pub struct Cache {
    name: Interned,
}

/// So many loads of one key at once are a stampede.
const STAMPEDE: u32 = 10;
/// The loads of so many keys are followed; those of further ones are counted as misses only.
const MOST_KEYS: usize = 10_000;

/// How many loads of a key are under way.
static LOADS: LazyLock<Mutex<HashMap<(Interned, u64), u32>>> = LazyLock::new(Mutex::default);
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A load under way.
struct Loading {
    key: (Interned, u64),
    is_followed: bool,
}

/// The cache of this name. It becomes a metric label, so keep the names few.
pub fn cache(name: &str) -> Cache {
    let cache = Cache { name: Interned::of(name) };
    count(cache.name, Count::CacheHit, 0);
    cache
}

impl Cache {
    /// The value was there.
    pub fn hit(self) {
        count(self.name, Count::CacheHit, 1);
    }

    /// The value was not there. [`load`](Self::load) says it as well, and sees stampedes.
    pub fn miss(self) {
        self.was(Count::CacheMiss, "miss");
    }

    /// The value was there, too old, and was used all the same.
    pub fn stale(self) {
        self.was(Count::CacheStale, "stale");
    }

    /// The value was not there, and this look-up waited for the load of another.
    pub fn coalesced(self) {
        self.was(Count::CacheCoalesced, "coalesced");
    }

    /// Reports a miss, and runs the future that loads the value of this key.
    ///
    /// Ten loads of one key at once are a stampede: `cache_stampedes_total` counts it once, and a line of level WARN says it.
    /// What else would load the value together belongs in front of the cache.
    pub async fn load<F: Future>(self, key: impl Hash, load: F) -> F::Output {
        self.miss();
        let (loading, loads) = Loading::begin((self.name, HASHES.hash_one(key)));
        if loads == STAMPEDE {
            count(self.name, Count::CacheStampede, 1);
            let cache = self.name.as_str();
            tracing::warn!(target: "tower_observability::cache", cache, loads, "stampede: many loads of one key at once");
        }
        let loaded = load.await;
        drop(loading);
        loaded
    }

    fn was(self, result: Count, word: &'static str) {
        count(self.name, result, 1);
        request::add([attribute::CACHE, self.name.as_str()].concat(), word);
    }
}

impl Loading {
    /// A load begins; says how many of its key are under way.
    fn begin(key: (Interned, u64)) -> (Self, u32) {
        let mut loads = LOADS.lock().unwrap_or_else(PoisonError::into_inner);
        if loads.len() >= MOST_KEYS && !loads.contains_key(&key) {
            return (Self { key, is_followed: false }, 0);
        }
        let of_key = loads.entry(key).or_default();
        *of_key += 1;
        (Self { key, is_followed: true }, *of_key)
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        let mut loads = LOADS.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_followed
            && let Some(of_key) = loads.get_mut(&self.key)
        {
            *of_key -= 1;
            if *of_key == 0 {
                loads.remove(&self.key);
            }
        }
    }
}

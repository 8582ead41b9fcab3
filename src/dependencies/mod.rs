//! What a service depends on and says something of itself about: its pools, caches, circuit breakers and retries.

mod acquiring;
mod breaking;
mod caching;
mod retrying;

pub use acquiring::acquire;
pub use breaking::{Breaker, breaker};
pub use caching::{Cache, cache};
pub use retrying::{Retries, retries};

use crate::metrics::Count;
use crate::record::Interned;
use crate::signals::global;

/// Counts what happened to a thing of this name; says whether it is seen for the first time.
fn count(of: Interned, count: Count, by: u64) -> bool {
    global().is_some_and(|signals| signals.red.count(of, count, by))
}

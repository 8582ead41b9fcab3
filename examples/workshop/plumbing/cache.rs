//! The cache: in memory, or in the Redis of `REDIS_URL`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use super::real::RealCache;

/// JSON values by key.
pub(crate) enum Cache {
    Memory(Mutex<HashMap<String, String>>),
    Real(RealCache),
}

impl Cache {
    /// Opens it, empty. Its values are those of this name.
    pub(crate) async fn open(name: &'static str) -> Result<Self, Failure> {
        Ok(RealCache::open(name).await?.map_or_else(|| Self::Memory(Mutex::default()), Self::Real))
    }

    /// The value, if it is there. A cache that cannot be asked has none: who needs the value loads it.
    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = match self {
            Self::Memory(values) => values.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned(),
            Self::Real(real) => real.get(key).await,
        };
        serde_json::from_str(&text?).ok()
    }

    pub(crate) async fn put(&self, key: &str, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)?;
        match self {
            Self::Memory(values) => {
                values.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), text);
            }
            Self::Real(real) => real.put(key, &text).await,
        }
        Ok(())
    }
}

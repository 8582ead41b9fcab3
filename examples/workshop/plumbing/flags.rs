//! Feature flags that are set while the service runs, and told on the span and the line of each request that asks for one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::routing::put;
use axum::{Json, Router};
use tower_observability::request;

/// All flags of a service. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Flags(Arc<Mutex<BTreeMap<String, bool>>>);

impl Flags {
    /// Those that `FLAGS` lists, separated by commas, are on; all others are off.
    pub(crate) fn of_environment() -> Self {
        let listed = std::env::var("FLAGS").unwrap_or_default();
        let flags = listed.split(',').map(str::trim).filter(|flag| !flag.is_empty());
        Self(Arc::new(Mutex::new(flags.map(|flag| (flag.to_owned(), true)).collect())))
    }

    /// Is it on? The request says what it was told.
    pub(crate) fn is_on(&self, flag: &str) -> bool {
        let is_on = self.all().get(flag).copied().unwrap_or_default();
        request::feature_flag(flag, variant(is_on));
        is_on
    }

    /// `PUT /flags/NAME` with `true` or `false`.
    pub(crate) fn routes(&self) -> Router {
        Router::new().route("/flags/{flag}", put(set)).with_state(self.clone())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn set(State(flags): State<Flags>, Path(flag): Path<String>, Json(is_on): Json<bool>) -> Json<()> {
    tracing::info!(flag, variant = variant(is_on), "feature flag set");
    flags.all().insert(flag, is_on);
    Json(())
}

fn variant(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

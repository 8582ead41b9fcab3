//! The admin routes inside the user's own router.

use std::sync::Arc;

use axum::Router;

use super::Observability;
use crate::admin;

impl Observability {
    /// `GET /metrics`, `/live`, `/ready` and `/log-level`, to merge into a router of the user's.
    ///
    /// They only read: the log level cannot be changed here. They are there whether or not the admin listener
    /// is; whoever can reach the router can read them.
    ///
    /// ```no_run
    /// # fn app(observability: &tower_observability::Observability) -> axum::Router {
    /// axum::Router::new().merge(observability.admin_routes())
    /// # }
    /// ```
    pub fn admin_routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        admin::routes(Arc::clone(&self.running.admin))
    }
}

//! Owns the routes for a router of the user's: reading only.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any_service;

use super::{AdminState, Origin, respond};

/// `/metrics`, `/live`, `/ready` and `/log-level` as a router to merge into another, of whatever state.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(state: Arc<AdminState>) -> Router<S> {
    let answer = tower::service_fn(move |request: Request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(respond(&state, request, Origin::Mounted).await) }
    });
    ["/metrics", "/live", "/ready", "/log-level"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, any_service(answer.clone())))
}

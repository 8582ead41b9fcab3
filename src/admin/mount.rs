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

#[cfg(test)]
mod tests {
    use tower::ServiceExt as _;

    use super::*;
    use crate::admin::state::tests::state;

    #[tokio::test]
    async fn mounted_routes_read_and_do_not_change() {
        let router: Router<()> = routes(Arc::new(state()));
        let ask = |method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(axum::body::Body::from("debug"));
            router.clone().oneshot(request.expect("valid"))
        };
        for path in ["/metrics", "/live", "/ready", "/log-level"] {
            assert_eq!(ask("GET", path).await.expect("infallible").status(), 200, "{path}");
        }
        assert_eq!(ask("PUT", "/log-level").await.expect("infallible").status(), 405);
    }
}

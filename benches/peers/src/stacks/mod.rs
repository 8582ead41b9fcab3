//! The stacks: each as its documentation shows it, with sinks at its ends.

pub(crate) mod fastrace;
pub(crate) mod floor;
pub(crate) mod logfire;
pub(crate) mod otel;
pub(crate) mod ours;
pub(crate) mod tower_http;
pub(crate) mod usual;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;

/// The same body as that of the other stacks.
const BODY: &str = r#"{"id":4711,"name":"Ada Lovelace","city":"Bonn"}"#;

/// The router for stacks that write no line of a request by themselves: its handler does.
fn telling() -> Router {
    async fn answer(Path(_id): Path<u64>) -> &'static str {
        tracing::info!(status = 200, "request finished");
        BODY
    }
    Router::new().route("/users/{id}", get(answer))
}

//! Promise: whichever of tower's and tower-http's layers stand inside and outside of ours, a request is told once,
//! as what it was for our layer; and what its client gets is what the layers together make of it.

mod compression;
mod cors;
mod limits;
mod panics;
mod paths;
mod request_ids;
mod timeouts;
mod trace_layer;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode, header};
use axum::routing::{any, get, post};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_observability::{Outcome, RouteLayer, request};

use crate::support::scene::{HALF, Scene, halves};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn hello() -> Router {
    Router::new().route("/x", get(|| async { "hello" }))
}

/// A router that answers with a body in two halves, and what lets the second go.
fn in_halves() -> (Router, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let held = Arc::clone(&go);
    (Router::new().route("/x", get(move || async move { halves(&held) })), go)
}

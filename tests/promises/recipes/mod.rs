//! Promise: each recipe of the guide does what it says, and what it is a remedy for is as it says, too.

mod blocking;
mod events;
#[cfg(feature = "drivers")]
mod pools;
mod routes;
mod stack;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tower::{Layer, ServiceBuilder};
use tower_observability::{Outcome, RouteLayer, request};

use crate::support::scene::Scene;

/// The line with this message, wherever it was written.
fn said(lines: &[serde_json::Value], message: &str) -> serde_json::Value {
    let found = lines.iter().find(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("no {message:?} in {lines:#?}")).clone()
}

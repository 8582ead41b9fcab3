//! Promise: under our layer a service answers as it does without it, down to the bytes on the wire.
//!
//! The same router is served bare and under the layer, both are asked the same, and the answers are compared. What may
//! differ is `x-request-id`, which the layer adds, and the clock's `date`.

mod bodies;
mod http1;
mod http2;
mod router;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use tower_observability::testing::Instance;

use self::router::{Files, router};
use crate::support::server::Server;

/// The same router twice, and what our layer saw.
struct Twins {
    bare: Server,
    observed: Server,
    seen: Instance,
    _files: Files,
}

impl Twins {
    async fn new(name: &str) -> Self {
        let (seen, files) = (Instance::new(), Files::new(name));
        let bare = Server::start(router(&files)).await;
        let observed = Server::start(router(&files).layer(seen.layer())).await;
        Self { bare, observed, seen, _files: files }
    }

    /// Waits until so many requests were told, and says as what; then none is in flight.
    async fn told(&self, count: usize) -> Vec<String> {
        let closing = |line: &serde_json::Value| line["target"] == "tower_observability::request";
        let told = || self.seen.lines().into_iter().filter(closing).collect::<Vec<_>>();
        let told =
            self.seen.until("each request's end", || Some(told()).filter(|told| told.len() == count)).await;
        let page = self.seen.scrape();
        let mut gauges = page.lines().filter(|line| line.starts_with("http_server_active_requests{"));
        assert!(gauges.all(|line| line.ends_with(" 0")), "{}", self.seen);
        told.iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
    }
}

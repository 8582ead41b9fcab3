//! A service behind our layer on a real server, and the check that all signals agree on its one request.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Request, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::sync::Notify;
use tower_observability::testing::{Instance, Request as Seen};
use tower_observability::{Kind, ObservabilityLayer};

use super::server::Server;

/// A test's thread is the service's, too: what handlers say is seen.
pub struct Scene {
    pub seen: Instance,
    pub server: Server,
    _here: Box<dyn Any>,
}

impl Scene {
    /// Serves what `stack` builds around our layer.
    pub async fn of(stack: impl FnOnce(ObservabilityLayer) -> Router) -> Self {
        let seen = Instance::new();
        let here = Box::new(seen.subscribe());
        let server = Server::start(stack(seen.layer())).await;
        Self { seen, server, _here: here }
    }

    pub async fn get(&self, path: &str) -> Response<Bytes> {
        self.ask(Request::get(path)).await
    }

    pub async fn ask(&self, request: Builder) -> Response<Bytes> {
        self.send(request.body(Full::default()).unwrap()).await
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let (parts, body) = self.head(request).await.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// The answer's head; its body is not read yet.
    pub async fn head(&self, mut request: Request<Full<Bytes>>) -> Response<Incoming> {
        *request.uri_mut() = self.server.url(request.uri().path()).parse().unwrap();
        Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap()
    }

    /// How many requests are in flight.
    pub fn open(&self) -> f64 {
        self.seen.metric("http_server_active_requests", &[])
    }

    /// The lines written at the end of requests.
    pub fn closing_lines(&self) -> Vec<Value> {
        let closes = |line: &Value| line["target"] == "tower_observability::request";
        self.seen.lines().into_iter().filter(closes).collect()
    }

    /// The one request, once it has ended: told once by each signal, alike, and nothing is in flight.
    pub async fn ended(&self, outcome: &str, status: impl Into<Option<u16>>) -> Seen {
        self.seen.until("the request's end", || self.closing_lines().pop()).await;
        let request = self.seen.only_request();
        let served = self.seen.spans().into_iter().filter(|span| span.kind == Kind::Server).count();
        assert_eq!((self.closing_lines().len(), served), (1, 1), "told once: {}", self.seen);
        let (line, span) = (request.closing_line(), request.span());
        let status = status.into().map(Value::from);
        assert_eq!((&line["outcome"], line.get("status")), (&outcome.into(), status.as_ref()), "{line:#}");
        assert_eq!(*span.attribute("observability.outcome"), *outcome);
        let lasted = span.end.duration_since(span.start).unwrap().as_secs_f64() * 1e3;
        assert!((lasted - line["duration_ms"].as_f64().unwrap()).abs() < 0.01, "{lasted} ms: {line:#}");
        assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0, "{request}");
        assert_eq!(self.open(), 0.0, "{}", self.seen);
        request
    }

    /// Nothing was told of any request.
    pub fn saw_nothing(&self) {
        assert!(self.closing_lines().is_empty() && self.seen.spans().is_empty(), "{}", self.seen);
    }
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// One half of a body of [`halves`]: compressible, and longer than what layers leave as it is.
pub const HALF: usize = 2_000;

/// A body whose second half waits until it is let go.
pub fn halves(go: &Arc<Notify>) -> Body {
    let (go, half) = (Arc::clone(go), Bytes::from(vec![b'x'; HALF]));
    let first = stream::iter([Ok::<_, Infallible>(half.clone())]);
    let second = stream::once(async move {
        go.notified().await;
        Ok(half)
    });
    Body::from_stream(first.chain(second))
}

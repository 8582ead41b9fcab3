//! What grows, one dimension at a time, and the router that shows it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::Uri;
use axum::routing::get;
use tokio::sync::Semaphore;
use tower_observability::ObservabilityLayer;
use tracing::info_span;

use crate::support::noop::NoopLayer;
use crate::support::service::BODY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    Noop,
    Ours,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    Routes,
    InFlight,
    Spans,
    /// 1: nobody listens where the collector should be.
    DeadCollector,
}

/// A router, what it is asked for in turn, and what its handlers wait for.
pub(crate) struct Service {
    pub(crate) app: Router,
    pub(crate) uris: Vec<Uri>,
    pub(crate) gate: Arc<Semaphore>,
}

impl Dimension {
    pub(crate) const ALL: [Self; 4] = [Self::Routes, Self::InFlight, Self::Spans, Self::DeadCollector];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::InFlight => "in flight",
            Self::Spans => "child spans",
            Self::DeadCollector => "collector",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Routes => "Routes of the router, asked in turn",
            Self::InFlight => "Requests in flight at once",
            Self::Spans => "Child spans of a request",
            Self::DeadCollector => "The collector",
        }
    }

    pub(crate) fn values(self) -> &'static [u64] {
        match self {
            Self::Routes => &[1, 10, 100, 1_000],
            Self::InFlight => &[1, 10, 100, 1_000, 10_000],
            Self::Spans => &[0, 1, 2, 5, 10, 20],
            Self::DeadCollector => &[0, 1],
        }
    }

    pub(crate) fn word(self, value: u64) -> String {
        match (self, value) {
            (Self::DeadCollector, 0) => "answers".to_owned(),
            (Self::DeadCollector, _) => "gone".to_owned(),
            _ => value.to_string(),
        }
    }

    /// Two numbers of requests, of which the difference is counted: what happens once has happened in the fewer.
    pub(crate) fn requests(self, value: u64) -> (u64, u64) {
        let few = value.max(1_024).next_multiple_of(self.burst(value));
        (few, few * 3)
    }

    /// How many requests are begun before any of them goes on.
    pub(crate) fn burst(self, value: u64) -> u64 {
        if self == Self::InFlight { value } else { 1 }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name).expect("a dimension")
    }

    pub(crate) fn service(self, value: u64, stack: Stack) -> Service {
        let gate = Arc::new(Semaphore::new(0));
        let routes = if self == Self::Routes { value } else { 1 };
        let spans = if self == Self::Spans { value } else { 0 };
        let mut router = Router::new();
        for number in 0..routes {
            let gate = Arc::clone(&gate);
            let handler = move |Path(_id): Path<u64>| answer(Arc::clone(&gate), spans);
            router = router.route(&format!("/users{number}/{{id}}"), get(handler));
        }
        let app = match stack {
            Stack::Noop => router.layer(NoopLayer),
            Stack::Ours => router.layer(ObservabilityLayer::new()),
        };
        let uris =
            (0..routes).map(|number| format!("/users{number}/4711").parse().expect("a path")).collect();
        // Without a state of its own axum lays the layers anew around every request.
        Service { app: app.with_state(()), uris, gate }
    }
}

/// Waits until all of its burst have begun.
async fn answer(gate: Arc<Semaphore>, spans: u64) -> &'static str {
    gate.acquire().await.expect("an open gate").forget();
    for number in 0..spans {
        let _span = info_span!("query", number).entered();
    }
    BODY
}

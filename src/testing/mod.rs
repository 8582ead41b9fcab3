//! Owns the signals of one test: in memory, apart from every other test and from the process's own.

mod span;

pub use span::Span;

use std::sync::{Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::bridge::Bridge;
use crate::hop::Core;
use crate::layer::ObservabilityLayer;
use crate::logs::{Lines, MemoryLines};
use crate::metrics::{Exposition, Metrics, Recorder, Red};
use crate::propagation::Propagators;
use crate::spans::Spans;
use crate::work::Work;

/// All three signals of one test. Parallel tests, each with its own instance, never mix.
///
/// What an instance holds lives as long as the test process.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use tower::ServiceExt;
/// use tower_observability::testing::Instance;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seen = Instance::new();
/// let app = Router::new().route("/bookings/{id}", get(|| async { "booked" })).layer(seen.layer());
/// app.oneshot(Request::get("/bookings/7").body(Body::empty())?).await?;
///
/// assert_eq!(seen.spans()[0].name, "GET /bookings/{id}");
/// assert_eq!(seen.lines()[0]["status"], 200);
/// assert!(seen.scrape().contains("http_server_request_duration_seconds_count"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Instance {
    core: &'static Core,
    recorder: &'static Recorder,
    lines: MemoryLines,
    spans: Mutex<Vec<Span>>,
}

impl Instance {
    /// Everything on: every trace that starts here is sampled, lines from TRACE up, metrics.
    #[must_use]
    pub fn new() -> Self {
        let (lines, written) = Lines::in_memory();
        let recorder: &'static Recorder = Box::leak(Box::new(Recorder::new(&Metrics::default())));
        let core = Core {
            spans: Spans::in_memory(),
            lines,
            red: Red::new(recorder),
            propagators: Propagators::default(),
        };
        Self { core: Box::leak(Box::new(core)), recorder, lines: written, spans: Mutex::default() }
    }

    /// The server's side, reporting here.
    pub fn layer(&self) -> ObservabilityLayer {
        ObservabilityLayer::new().with_core(self.core)
    }

    /// The client's side, reporting here.
    pub fn client_layer(&self) -> ObservabilityLayer {
        ObservabilityLayer::client().with_core(self.core)
    }

    /// The work, reporting here.
    pub fn adopt(&self, work: Work) -> Work {
        work.with_core(self.core)
    }

    /// Makes this instance the thread's `tracing` subscriber until the guard is dropped.
    #[must_use = "the subscriber is the thread's only while this lives"]
    pub fn subscribe(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(Bridge::new(self.core)))
    }

    /// Runs `work` with this instance as the thread's `metrics` recorder.
    pub fn with_recorder<T>(&self, work: impl FnOnce() -> T) -> T {
        ::metrics::with_local_recorder(self.recorder, work)
    }

    /// The spans that ended so far, in the order in which they ended.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.extend(self.core.spans.drain().into_iter().map(Span::from));
        spans.clone()
    }

    /// The lines written so far, as JSON.
    ///
    /// # Panics
    ///
    /// If a line is not valid JSON, which is a mistake of ours.
    #[must_use]
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: String| match serde_json::from_str(&line) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {line}"),
        };
        self.lines.all().into_iter().map(parse).collect()
    }

    /// The page as Prometheus' text format 0.0.4 shows it.
    #[must_use]
    pub fn scrape(&self) -> String {
        self.recorder.render(Exposition::Text)
    }

    /// The page as OpenMetrics 1.0 shows it, with exemplars.
    #[must_use]
    pub fn scrape_openmetrics(&self) -> String {
        self.recorder.render(Exposition::OpenMetrics)
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}

//! The service that a fault is tried on: a process of its own, which is asked over HTTP from outside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tower_observability::{FlowReport, ObservabilityLayer};

use crate::support::child::{Child, Ended, Running};

/// How many requests are sent at once, which is also the size of a batch.
pub(super) const REQUESTS: usize = 20;

/// A request that takes longer is harmed.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service under a fault.
pub(super) struct Service {
    pub(super) running: Running,
    pub(super) runtime: Runtime,
    /// Where its admin routes are.
    pub(super) admin: String,
    address: String,
    client: Client<HttpConnector, Empty<Bytes>>,
    requests: usize,
    harmed: usize,
}

/// In the child: serves until it is asked to end, and then says what became of everything.
pub(super) fn serve() {
    let observability = tower_observability::init("bookings").unwrap();
    let end = Arc::new(Notify::new());
    let asked_to_end = Arc::clone(&end);
    let work = |Path(count): Path<usize>| async move {
        for _ in 0..count {
            tracing::info!(text = "x".repeat(4_000), "at work");
        }
        "done"
    };
    let end = move || async move { end.notify_one() };
    let app = Router::new().route("/lines/{count}", get(work)).layer(ObservabilityLayer::new());
    let app = app.route("/end", post(end));
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("serving: {}", listener.local_addr().unwrap());
        eprintln!("admin: {}", observability.admin_address().unwrap());
        let until = async move { asked_to_end.notified().await };
        axum::serve(listener, app).with_graceful_shutdown(until).await.unwrap();
        let report = observability.shutdown().await;
        eprintln!("spans: {}", columns(&report.spans));
        eprintln!("lines: {}", columns(&report.lines));
    });
}

fn columns(flow: &FlowReport) -> String {
    let lost = flow.dropped_total() + flow.left_out_total() + flow.queued();
    assert_eq!(flow.created, flow.delivered + flow.unconfirmed + lost, "{flow:?}");
    let dropped: Vec<_> =
        flow.dropped.iter().map(|(reason, count)| format!("{count} (`{}`)", reason.as_str())).collect();
    let dropped = if dropped.is_empty() { "0".to_owned() } else { dropped.join(", ") };
    format!("{} | {} | {} | {dropped}", flow.created, flow.delivered, flow.unconfirmed)
}

impl Service {
    /// What is to be started: batches of [`REQUESTS`] spans.
    pub(super) fn child() -> Child {
        let child = Child::new("faults", "serve").env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", REQUESTS.to_string());
        child.env("OTEL_BSP_SCHEDULE_DELAY", "20000").env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "10000")
    }

    pub(super) fn of(mut running: Running) -> Self {
        let mut after = |what: &str| running.line(what).split_once(what).unwrap().1.to_owned();
        let (address, admin) = (after("serving: "), after("admin: "));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { running, runtime, admin, address, client, requests: 0, harmed: 0 }
    }

    /// Sends [`REQUESTS`] requests, one after the other, each of which writes so many lines beside its own.
    pub(super) fn ask(&mut self, lines: usize) {
        for _ in 0..REQUESTS {
            let start = Instant::now();
            let answer = self.runtime.block_on(async {
                let request = Request::get(format!("http://{}/lines/{lines}", self.address));
                let answer = self.client.request(request.body(Empty::new()).unwrap()).await.ok()?;
                (answer.status() == StatusCode::OK).then_some(())?;
                Some(answer.into_body().collect().await.ok()?.to_bytes())
            });
            let is_well = answer.is_some_and(|body| body == "done") && start.elapsed() < PATIENCE;
            self.requests += 1;
            self.harmed += usize::from(!is_well);
        }
    }

    /// How many requests were harmed, of how many.
    pub(super) fn harmed(&self) -> String {
        format!("{} of {}", self.harmed, self.requests)
    }

    /// Ends it by itself.
    pub(super) fn end(self) -> Ended {
        let request = Request::post(format!("http://{}/end", self.address)).body(Empty::new()).unwrap();
        self.runtime.block_on(async {
            self.client.request(request).await.unwrap().into_body().collect().await.unwrap()
        });
        drop(self.client);
        drop(self.runtime);
        self.running.end().well()
    }
}

//! Owns the eight processes: started one after the other, ended by closing their input.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::evidence::{Evidence, Line};
use super::{exposition, provider, viewer};
use crate::plumbing::{BoxError, Calls, variable};
use crate::services;

const MAY_START_FOR: Duration = Duration::from_secs(20);
const MAY_END_FOR: Duration = Duration::from_secs(15);

/// Where a user sends the spans himself.
pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The running workshop. Dropping it kills what is left of it.
pub(super) struct Workshop {
    /// What was heard of the services so far.
    pub(super) evidence: Arc<Evidence>,
    services: Vec<Service>,
}

/// One process, and the addresses that it told us.
struct Service {
    name: &'static str,
    process: Child,
    reader: JoinHandle<()>,
    url: String,
    admin: String,
}

/// Who gets the spans?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spans {
    /// Our own viewer.
    Viewer,
    /// Whoever the environment names.
    Elsewhere,
}

impl Spans {
    /// The environment's choice.
    pub(super) fn chosen() -> Self {
        if std::env::var(ENDPOINT).is_ok_and(|endpoint| !endpoint.is_empty()) {
            Self::Elsewhere
        } else {
            Self::Viewer
        }
    }
}

impl Workshop {
    /// Starts the workshop, does something with it and ends it, however that went. `each` hears every log line.
    pub(super) async fn run<T>(
        spans: Spans,
        each: fn(&Line),
        act: impl AsyncFnOnce(&Self) -> Result<T, BoxError>,
    ) -> Result<(T, Arc<Evidence>), BoxError> {
        let workshop = Self::start(spans, each).await?;
        let outcome = act(&workshop).await;
        let evidence = workshop.stop().await?;
        Ok((outcome?, evidence))
    }

    /// The viewer and the payment provider first, then each of the eight.
    async fn start(spans: Spans, each: fn(&Line)) -> Result<Self, BoxError> {
        let evidence = Arc::new(Evidence::default());
        let mut variables = vec![(variable("provider"), provider::start().await?)];
        if spans == Spans::Viewer {
            variables.push((ENDPOINT.to_owned(), viewer::start(evidence.clone()).await?));
        }
        let mut workshop = Self { evidence, services: Vec::new() };
        for name in services::NAMES {
            let service = Service::start(name, spans, &variables, &workshop.evidence, each).await?;
            variables.push((variable(name), service.url.clone()));
            workshop.services.push(service);
        }
        Ok(workshop)
    }

    /// The URL of a path at the public edge.
    pub(super) fn gateway(&self, path: &str) -> String {
        self.services
            .iter()
            .find(|service| service.name == "gateway")
            .map_or_else(String::new, |gateway| format!("{}{path}", gateway.url))
    }

    /// Name and address of each service's `/metrics`.
    pub(super) fn metrics_pages(&self) -> BTreeMap<&'static str, String> {
        self.services.iter().map(|service| (service.name, format!("{}/metrics", service.admin))).collect()
    }

    /// Reads the eight `/metrics` into the evidence.
    pub(super) async fn scrape(&self) -> Result<(), BoxError> {
        let calls = Calls::default();
        for (name, page) in self.metrics_pages() {
            let text = calls.text(Method::GET, page, None, Bytes::new()).await?;
            self.evidence.add_samples(exposition::read(name, &String::from_utf8_lossy(&text)));
        }
        Ok(())
    }

    /// Ends all eight, who tell the last that they have to tell.
    async fn stop(mut self) -> Result<Arc<Evidence>, BoxError> {
        for service in &mut self.services {
            drop(service.process.stdin.take());
        }
        for service in &mut self.services {
            timeout(MAY_END_FOR, service.process.wait())
                .await
                .map_err(|_| format!("{} did not end by itself", service.name))??;
            timeout(MAY_END_FOR, &mut service.reader).await.map_err(|_| "a line has no end")??;
        }
        Ok(self.evidence)
    }
}

impl Service {
    async fn start(
        name: &'static str,
        spans: Spans,
        variables: &[(String, String)],
        evidence: &Arc<Evidence>,
        each: fn(&Line),
    ) -> Result<Self, BoxError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        forget_foreign_options(&mut command, spans);
        // Half a second and less between two batches: somebody is waiting at the screen.
        command.env("OTEL_BSP_SCHEDULE_DELAY", "200").envs(variables.iter().cloned());
        let mut process = command.spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let (say, heard) = oneshot::channel();
        let reader = tokio::spawn(read_lines(BufReader::new(output), evidence.clone(), each, say));
        let listening = timeout(MAY_START_FOR, heard).await;
        let listening =
            listening.map_err(|_| format!("{name} did not start"))?.map_err(|_| format!("{name} died"))?;
        let told = |key| listening[key].as_str().unwrap_or_default().to_owned();
        Ok(Self { name, process, reader, url: told("url"), admin: told("admin") })
    }
}

/// The workshop looks the same on every machine: of the shell's options only those of the exporter count.
fn forget_foreign_options(command: &mut Command, spans: Spans) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let exporter = name.starts_with("OTEL_EXPORTER_OTLP_") && spans == Spans::Elsewhere;
        if (name.starts_with("OTEL_") && !exporter)
            || name.starts_with("OBSERVABILITY_")
            || name == "RUST_LOG"
        {
            command.env_remove(&*name);
        }
    }
}

/// Keeps every line; the first that says "listening" also goes to whoever waits for the start.
async fn read_lines(
    output: BufReader<tokio::process::ChildStdout>,
    evidence: Arc<Evidence>,
    each: fn(&Line),
    say: oneshot::Sender<Value>,
) {
    let mut say = Some(say);
    let mut lines = output.lines();
    while let Ok(Some(text)) = lines.next_line().await {
        let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
        if value["message"] == "listening"
            && let Some(say) = say.take()
        {
            let _ = say.send(value.clone());
        }
        let line = Line::of(&value);
        each(&line);
        evidence.add_line(line);
    }
}

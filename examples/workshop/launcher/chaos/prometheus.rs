//! A Prometheus of our own, if the program is there: it scrapes the eight every second and evaluates the rules of
//! `examples/stack` every two.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::super::children::Workshop;
use super::super::ports;
use super::fault::Alert;
use super::rules;
use crate::plumbing::{BoxError, Calls};

const MAY_START_FOR: Duration = Duration::from_secs(20);
const MAY_END_FOR: Duration = Duration::from_secs(15);
/// A shell between us and it, which ends it and removes its folder when our end of the pipe is closed, however that came.
const GUARD: &str = "trap : INT TERM; folder=$1; shift; \"$@\" & cat; kill $!; wait $!; rm -rf \"$folder\"";

/// The program, on the loopback interface.
pub(super) struct Prometheus {
    url: String,
    calls: Calls,
    /// The shell that guards it.
    guard: Child,
}

/// What an alert says now.
pub(super) struct State {
    /// `pending`, `firing`, or that only a part of the rule is true.
    pub(super) state: String,
    pub(super) value: String,
}

impl Prometheus {
    /// None, if there is no such program.
    pub(super) async fn start(workshop: &Workshop) -> Result<Option<Self>, BoxError> {
        let Some(program) = program() else { return Ok(None) };
        let folder = std::env::temp_dir().join(format!("workshop-prometheus-{}", std::process::id()));
        write_files(&folder, workshop)?;
        // It takes no port of the system's choice.
        let port = ports::free()?;
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "sh"]).arg(&folder).arg(program);
        command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let guard = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let url = format!("http://127.0.0.1:{port}");
        let prometheus = Self { url, calls: Calls::unseen(), guard };
        prometheus.answers().await?;
        Ok(Some(prometheus))
    }

    async fn answers(&self) -> Result<(), BoxError> {
        let deadline = Instant::now() + MAY_START_FOR;
        while Instant::now() < deadline {
            if self.ask("vector(1)").await.is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        Err("prometheus did not start".into())
    }

    /// Is the alert pending or firing, or its part true? None, if not.
    pub(super) async fn state(&self, alert: &Alert) -> Result<Option<State>, BoxError> {
        if let Some(part) = &alert.part {
            let of_it =
                format!("({}) and on (job) group by (job) (up{{job='{}'}})", part.condition, alert.job);
            let value = self.ask(&of_it).await?;
            return Ok(value.map(|value| State { state: "beyond its bound".to_owned(), value }));
        }
        let all: Value = self.calls.get(format!("{}/api/v1/alerts", self.url)).await?;
        let all = all["data"]["alerts"].as_array().into_iter().flatten();
        let mut of_it =
            all.filter(|one| one["labels"]["alertname"] == alert.name && one["labels"]["job"] == alert.job);
        Ok(of_it.next().map(|one| State {
            state: one["state"].as_str().unwrap_or_default().to_owned(),
            value: short(one["value"].as_str().unwrap_or_default()),
        }))
    }

    /// The first value of a query's answer.
    async fn ask(&self, query: &str) -> Result<Option<String>, BoxError> {
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let answer: Value = self.calls.get(format!("{}/api/v1/query?query={query}", self.url)).await?;
        Ok(answer["data"]["result"][0]["value"][1].as_str().map(short))
    }

    /// Ends it, and leaves nothing behind.
    pub(super) async fn stop(mut self) -> Result<(), BoxError> {
        drop(self.guard.stdin.take());
        let ended = timeout(MAY_END_FOR, self.guard.wait()).await;
        ended.map_err(|_| "prometheus did not end by itself")??;
        Ok(())
    }
}

/// That of `PROMETHEUS` (none, if it is empty), else of `PATH`.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("PROMETHEUS") {
        return Some(PathBuf::from(named)).filter(|program| !program.as_os_str().is_empty());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("prometheus")).find(|program| program.is_file())
}

fn write_files(folder: &Path, workshop: &Workshop) -> Result<(), BoxError> {
    std::fs::create_dir_all(folder.join("rules"))?;
    for (name, text) in rules::FILES {
        std::fs::write(folder.join("rules").join(format!("{name}.yml")), text)?;
    }
    Ok(std::fs::write(folder.join("prometheus.yml"), config(workshop))?)
}

/// A figure with three digits behind the point.
fn short(value: &str) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), |value| format!("{value:.3}"))
}

fn config(workshop: &Workshop) -> String {
    let targets = workshop.addresses().filter(|(_, at)| !at.admin.is_empty()).map(|(name, at)| {
        let address = at.admin.trim_start_matches("http://");
        format!("      - {{ targets: [\"{address}\"], labels: {{ job: {name} }} }}\n")
    });
    format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 2s }}\n\
         rule_files: [rules/*.yml]\n\
         scrape_configs:\n  - job_name: services\n    static_configs:\n{}",
        targets.collect::<String>()
    )
}

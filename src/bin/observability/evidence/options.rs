//! What to collect for a page of evidence, and where it is.

use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::tls::Tls;

/// What to collect, and where it is.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("about").required(true).args(["trace", "service"])))]
pub(crate) struct Evidence {
    /// The trace, 32 hexadecimal digits.
    #[arg(long, value_parser = trace_id)]
    pub(super) trace: Option<String>,
    /// The service, as `service.name` and as Prometheus' `job`; the slowest failed trace of that time is taken.
    #[arg(long, requires = "at")]
    pub(super) service: Option<String>,
    /// When it was, such as 2026-11-29T12:00:00Z.
    #[arg(long)]
    pub(super) at: Option<Timestamp>,
    /// How long before and after that is looked at.
    #[arg(long, default_value = "10m")]
    pub(super) around: SignedDuration,
    /// The trace store: Jaeger's API, which Tempo has as well (`…/jaeger`), Zipkin's (`zipkin+http://…`), or what
    /// Jaeger's UI downloads of a trace (`file:trace.json`).
    #[arg(long, default_value = "http://127.0.0.1:16686")]
    pub(super) traces: String,
    /// The log store: Loki's API, VictoriaLogs' (`victorialogs+http://…`), or lines in a file (`file:lines.json`).
    #[arg(long, default_value = "http://127.0.0.1:3100")]
    pub(super) logs: String,
    /// Prometheus' API.
    #[arg(long, default_value = "http://127.0.0.1:9090")]
    pub(super) metrics: String,
    #[command(flatten)]
    pub(super) tls: Tls,
    /// The page.
    #[arg(long, default_value = "evidence.html")]
    pub(super) out: PathBuf,
}

fn trace_id(text: &str) -> Result<String, String> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_lowercase()).ok_or_else(|| "a trace id has 32 hexadecimal digits".to_owned())
}

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
    #[arg(long, value_parser = at)]
    pub(super) at: Option<Timestamp>,
    /// How long before and after that is looked at.
    #[arg(long, default_value = "10m", value_parser = around)]
    pub(super) around: SignedDuration,
    /// The trace store: Jaeger's API, which Tempo has as well (`…/jaeger`), Zipkin's (`zipkin+http://…`), or what
    /// Jaeger's UI downloads of a trace (`file:trace.json`).
    #[arg(long, default_value = "http://127.0.0.1:16686", value_parser = traces)]
    pub(super) traces: String,
    /// The log store: Loki's API, VictoriaLogs' (`victorialogs+http://…`), or lines in a file (`file:lines.json`).
    #[arg(long, default_value = "http://127.0.0.1:3100", value_parser = logs)]
    pub(super) logs: String,
    /// Prometheus' API.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_parser = url)]
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

fn at(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a time with its zone, such as 2026-11-29T12:00:00Z".to_owned())
}

fn around(text: &str) -> Result<SignedDuration, String> {
    let time = text.parse().ok().filter(|time: &SignedDuration| !time.is_negative());
    time.ok_or_else(|| "a time such as 90s, 10m or 24h".to_owned())
}

fn traces(text: &str) -> Result<String, String> {
    store(text, "zipkin+", "http://127.0.0.1:16686, zipkin+http://127.0.0.1:9411 or file:trace.json")
}

fn logs(text: &str) -> Result<String, String> {
    store(
        text,
        "victorialogs+",
        "http://127.0.0.1:3100, victorialogs+http://127.0.0.1:9428 or file:lines.json",
    )
}

/// A file, or a URL with or without the other kind of store before it.
fn store(text: &str, other: &str, examples: &str) -> Result<String, String> {
    let is_store = text.starts_with("file:") || url(text.strip_prefix(other).unwrap_or(text)).is_ok();
    is_store.then(|| text.to_owned()).ok_or_else(|| format!("a store such as {examples}"))
}

/// An address over HTTP, as it is.
pub(crate) fn url(text: &str) -> Result<String, String> {
    let uri: Option<hyper::Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(|uri| uri.scheme_str());
    let is_served = matches!(scheme, Some("http" | "https"));
    is_served.then(|| text.to_owned()).ok_or_else(|| "a URL such as http://127.0.0.1:9090".to_owned())
}

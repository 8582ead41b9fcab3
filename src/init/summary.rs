//! The start-up line: what is in force, where each value came from, and how what is off is turned on.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::config::{Config, Source, masked};
use crate::export::Destination;
use crate::names::attribute;
use crate::resource::Resource;
use crate::traces::Format;

const NAME: &str = "OTEL_SERVICE_NAME";

/// The message of the start-up line.
pub(super) fn summary(config: &Config, resource: &Resource, admin: Option<SocketAddr>) -> String {
    let parts = [
        Some(service(config, resource)),
        Some(traces(config)),
        lines(config),
        records(config),
        Some(metrics(config, admin)),
        Some(chosen(config)),
    ];
    format!("observability started: {}", parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

fn service(config: &Config, resource: &Resource) -> String {
    let mut text = format!("service {}", resource.get(attribute::SERVICE_NAME));
    match config.source(NAME) {
        Source::Default => text.push_str(" (no name was given)"),
        source => push(&mut text, format_args!(" ({})", source.as_str())),
    }
    let version = resource.get(attribute::SERVICE_VERSION);
    if !version.is_empty() {
        push(&mut text, format_args!(" {version}"));
    }
    push(&mut text, format_args!(", instance {}", resource.get(attribute::SERVICE_INSTANCE_ID)));
    text
}

fn traces(config: &Config) -> String {
    let sampler = config.value("OTEL_TRACES_SAMPLER");
    match config.options.traces.destination() {
        Destination::Url(url) => {
            let how =
                if config.options.traces.format() == Some(Format::Zipkin) { " as Zipkin's JSON" } else { "" };
            format!("traces to {}{how}, sampler {sampler}", masked(&url, false))
        }
        Destination::Off => {
            format!("traces off (OTEL_TRACES_EXPORTER=otlp turns them on), sampler {sampler}")
        }
        Destination::None => {
            format!("traces off (OTEL_EXPORTER_OTLP_ENDPOINT turns them on), sampler {sampler}")
        }
        Destination::Refused(reason) => format!("traces off ({reason}), sampler {sampler}"),
    }
}

/// Nothing where log records are sent instead.
fn lines(config: &Config) -> Option<String> {
    let logs = &config.options.logs;
    if logs.is_on() {
        let (format, level) = (config.value("OBSERVABILITY_LOG_FORMAT"), config.value("RUST_LOG"));
        return Some(format!("lines as {format} to stdout, {level}"));
    }
    let off = || "lines off (OTEL_LOGS_EXPORTER=console turns them on)".to_owned();
    (logs.destination() == Destination::Off).then(off)
}

/// Nothing where nobody asked for log records: the lines say the same.
fn records(config: &Config) -> Option<String> {
    match config.options.logs.destination() {
        Destination::Url(url) => {
            Some(format!("logs to {}, {}", masked(&url, false), config.value("RUST_LOG")))
        }
        Destination::Refused(reason) => Some(format!("logs off ({reason})")),
        Destination::Off | Destination::None => None,
    }
}

fn metrics(config: &Config, admin: Option<SocketAddr>) -> String {
    let metrics = &config.options.metrics;
    if metrics.enabled && metrics.installed {
        return "metrics to the recorder that the process has installed".to_owned();
    }
    match (metrics.enabled, admin) {
        (false, _) => "metrics off (OTEL_METRICS_EXPORTER=prometheus turns them on)".to_owned(),
        (true, Some(address)) => format!("metrics at http://{address}/metrics"),
        (true, None) => "metrics recorded, served only where `admin_routes()` are mounted".to_owned(),
    }
}

/// Every other value that somebody chose, and who.
fn chosen(config: &Config) -> String {
    let is_chosen = |source| !matches!(source, Source::Default | Source::Derived);
    let chosen = config.choices.iter().filter(|choice| is_chosen(choice.source) && choice.name != NAME);
    let chosen = chosen.map(|choice| match (&*choice.value, choice.source.as_str()) {
        ("", source) => format!("{} ({source}, not in force)", choice.name),
        (value, source) => format!("{}={value} ({source})", choice.name),
    });
    let chosen: Vec<_> = chosen.collect();
    if chosen.is_empty() { "the rest by default".to_owned() } else { chosen.join(", ") }
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(what);
}

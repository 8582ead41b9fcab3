//! This crate's own log lines: what is in force at the start, the exporters' notices, the end.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::Level;

use crate::config::{Config, Options, Source, variables};
use crate::export::{Destination, Notice, Tell, masked_url};
use crate::logs::LOGS;
use crate::names::attribute;
use crate::resource::Resource;
use crate::signals::Signals;
use crate::threads::complain;
use crate::traces::Format;

pub(super) const TARGET: &str = "tower_observability";
const NAME: &str = "OTEL_SERVICE_NAME";
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
/// What turns traces on.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// Values that are shown at a terminal without the name of their variable.
const SHOWN: [&str; 11] = [
    NAME,
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_LOGS_EXPORTER",
    "RUST_LOG",
    "OBSERVABILITY_LOG_FORMAT",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_METRICS_EXPORTER",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    INTERVAL,
];

/// Turns the exporters' notices into lines; those before the start-up lines wait for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    signals: OnceLock<&'static Signals>,
    early: Mutex<Vec<Notice>>,
}

/// The choices in force, as the start-up lines show them.
struct InForce<'a> {
    config: &'a Config,
    resource: &'a Resource,
    admin: Option<SocketAddr>,
}

/// Writes a line of our own.
pub(super) fn say(signals: &Signals, level: Level, message: fmt::Arguments<'_>) {
    signals.lines.say(level, TARGET, &message.to_string(), &[]);
}

/// Writes a line of our own that must not be a log record: one about the records, or one after the last of them.
pub(super) fn say_beside(signals: &Signals, level: Level, message: fmt::Arguments<'_>) {
    signals.lines.say_beside(level, TARGET, &message.to_string());
}

/// Logs what is in force, then each warning once: one line in a format for machines, three in the
/// format for a person.
pub(super) fn announce(
    signals: &'static Signals,
    config: &Config,
    resource: &Resource,
    admin: Option<SocketAddr>,
    troubles: impl Iterator<Item = String>,
    notices: &Notices,
) {
    if config.options.general.disabled {
        complain(format_args!(
            "OTEL_SDK_DISABLED=true: no log line, span or metric leaves this process, not even those of your own code"
        ));
    }
    let in_force = InForce { config, resource, admin };
    if config.value("OBSERVABILITY_LOG_FORMAT") == "pretty" && signals.lines.are_written() {
        let reports = config.options.reports.in_force();
        let rows = in_force.rows().into_iter().chain(reports);
        rows.for_each(|row| say(signals, Level::INFO, format_args!("{row}")));
    } else {
        say(signals, Level::INFO, format_args!("{}", in_force.sentence()));
    }
    let code = config.options.logs.complaint().map(|why| format!("the level given to `Logs::level`: {why}"));
    let environment = config.warnings.iter().map(ToString::to_string);
    let metrics = config.options.metrics.complaints().iter().cloned();
    let reports = config.options.reports.complaint();
    let warnings: Vec<String> =
        environment.chain(code).chain(metrics).chain(reports).chain(troubles).collect();
    warnings.iter().for_each(|trouble| say(signals, Level::WARN, format_args!("{trouble}")));
    notices.begin(signals, warnings, &in_force.refused());
}

impl InForce<'_> {
    /// All of it as one message.
    fn sentence(&self) -> String {
        let parts = [
            Some(self.service()),
            Some(self.traces()),
            self.lines(),
            self.records(),
            Some(self.metrics()),
            self.config.options.reports.in_force(),
            Some(self.chosen()),
        ];
        format!("observability started: {}", parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
    }

    /// The signals of which the start-up line says that they are off for a reason that follows.
    fn refused(&self) -> Vec<&'static str> {
        let Options { traces, logs, metrics, .. } = &self.config.options;
        let metrics = metrics.export.destination();
        let all = [("traces", traces.destination()), ("logs", logs.destination()), ("metrics", metrics)];
        let refused = all.into_iter().filter(|(_, to)| matches!(to, Destination::Refused(_)));
        refused.map(|(name, _)| name).collect()
    }

    fn service(&self) -> String {
        let mut text = format!("service {}", self.resource.get(attribute::SERVICE_NAME));
        match self.config.source(NAME) {
            Source::Default => text.push_str(" (no name was given; OTEL_SERVICE_NAME gives one)"),
            source => push(&mut text, format_args!(" ({})", source.as_str())),
        }
        let version = self.resource.get(attribute::SERVICE_VERSION);
        if !version.is_empty() {
            push(&mut text, format_args!(" {version}"));
        }
        push(&mut text, format_args!(", instance {}", self.resource.get(attribute::SERVICE_INSTANCE_ID)));
        text
    }

    fn traces(&self) -> String {
        let sampler = self.config.value("OTEL_TRACES_SAMPLER");
        let traces = &self.config.options.traces;
        match traces.destination() {
            Destination::Url(url) => {
                let how = if traces.format() == Some(Format::Zipkin) { " as Zipkin's JSON" } else { "" };
                format!("traces to {}{how}, sampler {sampler}", masked_url(&url))
            }
            Destination::Console => format!("traces to standard error, sampler {sampler}"),
            Destination::Off => {
                format!("traces off (OTEL_TRACES_EXPORTER=otlp turns them on), sampler {sampler}")
            }
            Destination::None if !ENDPOINTS.iter().any(|name| self.config.warns_of(name)) => {
                format!("traces off (OTEL_EXPORTER_OTLP_ENDPOINT turns them on), sampler {sampler}")
            }
            Destination::None | Destination::Refused(_) => {
                format!("traces off (a warning says why), sampler {sampler}")
            }
        }
    }

    /// Nothing where log records are sent instead.
    fn lines(&self) -> Option<String> {
        let logs = &self.config.options.logs;
        if logs.is_on() {
            let (format, level) =
                (self.config.value("OBSERVABILITY_LOG_FORMAT"), self.config.value("RUST_LOG"));
            return Some(format!("lines as {format} to stdout, {level}"));
        }
        let off = || "lines off (OTEL_LOGS_EXPORTER=console turns them on)".to_owned();
        (logs.destination() == Destination::Off).then(off)
    }

    /// Nothing where log records were not asked for: the lines say the same.
    fn records(&self) -> Option<String> {
        match self.config.options.logs.destination() {
            Destination::Url(url) => {
                Some(format!("logs to {}, {}", masked_url(&url), self.config.value("RUST_LOG")))
            }
            Destination::Refused(_) => Some("logs off (a warning says why)".to_owned()),
            Destination::Off | Destination::None | Destination::Console => None,
        }
    }

    fn metrics(&self) -> String {
        match (self.page(), self.points()) {
            (Some(page), Some(points)) => format!("metrics {page}, and {points}"),
            (Some(one), None) | (None, Some(one)) => format!("metrics {one}"),
            (None, None) => "metrics off (OTEL_METRICS_EXPORTER=prometheus turns them on)".to_owned(),
        }
    }

    /// Where the metrics are shown; `None` if they are not.
    fn page(&self) -> Option<String> {
        let metrics = &self.config.options.metrics;
        let text = match self.admin {
            _ if !metrics.page => return None,
            // The facade cannot tell whether a recorder has buckets.
            _ if metrics.installed => {
                "to the installed recorder, whose durations are summaries unless it has buckets: \
                 PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix(\"_duration_seconds\".to_owned()), \
                 Metrics::SECONDS)"
                    .to_owned()
            }
            Some(address) => format!("at http://{address}/metrics"),
            None => "recorded, served only where `admin_routes()` are mounted".to_owned(),
        };
        Some(text)
    }

    /// Where the metrics are sent to; `None` if they were not to be.
    fn points(&self) -> Option<String> {
        match self.config.options.metrics.export.destination() {
            Destination::Url(url) => {
                Some(format!("to {} every {} ms", masked_url(&url), self.config.value(INTERVAL)))
            }
            Destination::Refused(_) => Some("sent nowhere (a warning says why)".to_owned()),
            Destination::Off | Destination::None | Destination::Console => None,
        }
    }

    /// Every other value that was chosen, and who chose it.
    fn chosen(&self) -> String {
        let is_chosen = |source| !matches!(source, Source::Default | Source::Derived);
        let choices = self.config.choices.iter();
        let chosen = choices.filter(|choice| is_chosen(choice.source) && choice.name != NAME);
        let chosen = chosen.map(|choice| match (&*choice.value, choice.source.as_str()) {
            ("", source) => format!("{} ({source}, not in force)", choice.name),
            (value, source) => format!("{}={value} ({source})", choice.name),
        });
        let chosen: Vec<_> = chosen.collect();
        if chosen.is_empty() { "everything else by default".to_owned() } else { chosen.join(", ") }
    }

    /// A row for each signal, for a terminal: only what helps while a service is written.
    fn rows(&self) -> [String; 3] {
        let row = |name: &str, what: String, signals: &[&str]| {
            let mut row = format!("{name:7}  {what}");
            self.environment(signals).for_each(|choice| push(&mut row, format_args!(", {choice}")));
            row
        };
        [
            row("traces", self.traces_row(), &["general", "traces"]),
            row("logs", self.logs_row(), &["logs"]),
            row("metrics", self.metrics_row(), &["metrics", "admin"]),
        ]
    }

    fn traces_row(&self) -> String {
        let service = self.resource.get(attribute::SERVICE_NAME);
        let version = self.resource.get(attribute::SERVICE_VERSION);
        let service = format!("service {service}{}{version}", if version.is_empty() { "" } else { " " });
        match self.config.options.traces.destination() {
            Destination::Url(url) => format!("to {}, {service}", masked_url(&url)),
            Destination::Console => format!("on standard error, {service}"),
            Destination::Refused(_) => format!("off, a warning says why; {service}"),
            Destination::Off | Destination::None => {
                format!("off; OTEL_TRACES_EXPORTER=console shows them here; {service}")
            }
        }
    }

    fn logs_row(&self) -> String {
        let level = format!("{} on standard output", self.config.value("RUST_LOG"));
        match self.config.options.logs.destination() {
            Destination::Url(url) => format!("{level}, and to {}", masked_url(&url)),
            Destination::Refused(_) => format!("{level} only, a warning says why"),
            Destination::Off | Destination::None | Destination::Console => level,
        }
    }

    fn metrics_row(&self) -> String {
        let metrics = &self.config.options.metrics;
        let row = match self.admin {
            Some(address) if metrics.page && !metrics.installed => {
                format!("at http://{address}/metrics, with /ready, /live and /log-level")
            }
            Some(address) if !metrics.page => {
                format!("off; http://{address} has /ready, /live and /log-level")
            }
            Some(_) | None => return self.metrics().trim_start_matches("metrics ").to_owned(),
        };
        match self.points() {
            Some(points) if metrics.page => format!("{row}, and {points}"),
            Some(points) => format!("{points}; {}", row.trim_start_matches("off; ")),
            None => row,
        }
    }

    /// What the environment chose of these signals and is in force, where the row does not say it already.
    fn environment<'a>(&'a self, signals: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let choices = self.config.choices.iter().zip(variables());
        let of_signals = choices.filter(|(_, row)| signals.contains(&row.signal)).map(|(choice, _)| choice);
        let chosen = of_signals.filter(|choice| {
            choice.source == Source::Environment && !choice.value.is_empty() && !SHOWN.contains(&choice.name)
        });
        chosen.map(|choice| format!("{}={}", choice.name, choice.value))
    }
}

impl Notices {
    /// What an exporter gives its notices to.
    pub(super) fn tell(&self) -> Tell {
        let shared = Arc::clone(&self.shared);
        Box::new(move |notice| match shared.signals.get() {
            Some(signals) => shared.say(signals, &notice),
            None => shared.early().push(notice),
        })
    }

    /// The start-up lines are written: the notices that waited follow, without a reason that is among those lines.
    fn begin(&self, signals: &'static Signals, mut warnings: Vec<String>, refused: &[&str]) {
        let _ = self.shared.signals.set(signals);
        for notice in std::mem::take(&mut *self.shared.early()) {
            let is_known =
                notice.remedy().is_some_and(|remedy| warnings.iter().any(|line| line.contains(remedy)));
            if !is_known {
                self.shared.say(signals, &notice);
                warnings.push(notice.to_string());
            } else if !refused.contains(&notice.signal()) {
                let name = notice.signal();
                say(
                    signals,
                    Level::WARN,
                    format_args!("{name} are not exported; the warning before says why"),
                );
            }
        }
    }
}

impl Shared {
    fn say(&self, signals: &Signals, notice: &Notice) {
        let level = if notice.is_bad() { Level::WARN } else { Level::INFO };
        // A log record about failing log records would fail as well.
        let say = if notice.is_of(LOGS) { say_beside } else { say };
        say(signals, level, format_args!("{notice}"));
    }

    fn early(&self) -> MutexGuard<'_, Vec<Notice>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push(text: &mut String, what: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(what);
}

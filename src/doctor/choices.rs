//! What `init` would choose here where nothing has to be asked for it.

use std::io;

use tracing::Level;
use tracing_subscriber::filter::Targets;

use super::finding::{Finding, from};
use crate::config::{Config, Env, Options, Source, variables};
use crate::export::Destination;
use crate::names::attribute;
use crate::traces::Format;

const NAME: &str = "OTEL_SERVICE_NAME";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
const KEEP: &str = "OBSERVABILITY_TRACES_KEEP";
const PROPAGATORS: &str = "OTEL_PROPAGATORS";
const LEVEL: &str = "RUST_LOG";
const FORMAT: &str = "OBSERVABILITY_LOG_FORMAT";
const EXPORTER: &str = "OTEL_LOGS_EXPORTER";

/// Variables whose value another row shows.
const SHOWN: [&str; 18] = [
    "OTEL_SDK_DISABLED",
    NAME,
    SAMPLER,
    ARGUMENT,
    KEEP,
    PROPAGATORS,
    LEVEL,
    FORMAT,
    EXPORTER,
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
];

/// Variables that other clients of HTTP read.
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Who the service is, and whether anything leaves it at all.
pub(super) fn general(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    if config.options.general.disabled {
        let off = Finding::chosen("everything", "off", "OTEL_SDK_DISABLED");
        found.push(off.warns(
            "OTEL_SDK_DISABLED=true: no log line, span or metric leaves the process; unset it to see any",
        ));
    }
    let resource = config.options.general.resource();
    found.push(match config.source(NAME) {
        Source::Default => {
            let unknown = Finding::chosen("service", "not known", "code");
            unknown.warns("the name that the code gives to `init` is not known here; --service says it")
        }
        _ => Finding::chosen("service", resource.get(attribute::SERVICE_NAME), from(config, &[NAME])),
    });
    found
}

/// Which traces there are, and how a caller's is continued.
pub(super) fn sampling(config: &Config) -> Vec<Finding> {
    let mut found = vec![sampler(config)];
    if config.source(KEEP) == Source::Environment {
        found.push(Finding::chosen("kept beside them", config.value(KEEP), KEEP));
    }
    let formats = config.value(PROPAGATORS);
    let propagators = Finding::chosen("propagators", formats, from(config, &[PROPAGATORS]));
    found.push(match formats {
        "" | "none" => propagators
            .warns("no context is read from callers or sent with calls: every service has traces of its own"),
        _ => propagators,
    });
    found
}

/// The sampler in words.
fn sampler(config: &Config) -> Finding {
    let (name, argument) = (config.value(SAMPLER), config.value(ARGUMENT));
    let share: f64 = argument.parse().unwrap_or(1.0);
    let root = name.trim_start_matches("parentbased_");
    let traces = match root {
        "always_off" => "no trace that begins here".to_owned(),
        "traceidratio" if share > 0.0 && share < 1.0 => {
            format!("1 of {} traces", trimmed(1.0 / share))
        }
        "traceidratio" if share <= 0.0 => "no trace that begins here".to_owned(),
        _ => "every trace".to_owned(),
    };
    let caller = if name == root { "whatever a caller decided" } else { "a caller's decision is followed" };
    let sampler =
        Finding::chosen("sampler", format!("{traces}; {caller}"), from(config, &[SAMPLER, ARGUMENT]));
    if traces.starts_with("no trace") {
        let only = if name == root { "" } else { " but those that a caller has sampled" };
        return sampler.warns(format!(
            "no span is recorded{only}: {SAMPLER}={name}{}; parentbased_always_on records all",
            if argument.is_empty() { String::new() } else { format!(", {ARGUMENT}={argument}") }
        ));
    }
    sampler
}

/// Two places, and none where they are zero.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The lines: their format, level, and where they go.
pub(super) fn lines(config: &Config) -> Vec<Finding> {
    if !config.options.logs.is_on() || config.options.general.disabled {
        let off = Finding::chosen("lines", "off", from(config, &[EXPORTER]));
        let sent = matches!(config.options.logs.destination(), Destination::Url(_));
        let is_chosen = sent || config.options.general.disabled;
        let remedy = "OTEL_LOGS_EXPORTER=console turns them on";
        return vec![if is_chosen { off.with(remedy) } else { off.warns(remedy) }];
    }
    vec![Finding::chosen("lines", config.value(FORMAT), from(config, &[FORMAT])), level(config), output()]
}

fn level(config: &Config) -> Finding {
    let directives = config.value(LEVEL);
    let level = Finding::chosen("level", directives, from(config, &[LEVEL]));
    let targets: Result<Targets, _> = directives.parse();
    let request = concat!(env!("CARGO_CRATE_NAME"), "::request");
    match targets.map(|targets| targets.would_enable(request, &Level::INFO)) {
        Ok(false) => level.warns(
            "lines of requests that succeed, and of the start, have the level INFO and are not written",
        ),
        _ => level,
    }
}

/// What standard output is: that of this process, whose environment is to be the service's.
#[cfg(unix)]
fn output() -> Finding {
    use rustix::fs::{FileType, fstat, fstatvfs, stat as stat_of};
    let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
    let step = |answer: &str| Finding::step("lines", "output", answer);
    let Ok(stat) = fstat(io::stdout()) else {
        return step("closed").fails("standard output is closed: lines are lost as `write_failed`");
    };
    let is_device = |path: &str| stat_of(path).is_ok_and(|known| known.st_rdev == stat.st_rdev);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice if is_terminal => step("a terminal"),
        FileType::CharacterDevice if is_device("/dev/null") => {
            step("/dev/null").warns("standard output is closed or goes to /dev/null: nobody reads a line")
        }
        FileType::CharacterDevice if is_device("/dev/full") => {
            step("/dev/full").fails("standard output is full: lines are lost as `write_failed`")
        }
        FileType::RegularFile => match fstatvfs(io::stdout()) {
            Ok(system) if system.f_bavail == 0 => {
                step("a file").fails("its disk is full: lines are lost as `write_failed`")
            }
            _ => step("a file"),
        },
        FileType::Fifo => step("a pipe"),
        FileType::Socket => step("a socket"),
        _ => step("a device"),
    }
}

#[cfg(not(unix))]
fn output() -> Finding {
    let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
    Finding::step("lines", "output", if is_terminal { "a terminal" } else { "no terminal" })
}

/// What is wrong with the environment, what else it chose, and what it says that this library does not heed.
pub(super) fn environment(config: &Config, env: &Env) -> Vec<Finding> {
    let Config { options, choices, warnings } = config;
    let told = warnings.iter().map(ToString::to_string);
    let told = told.chain(options.metrics.complaints().iter().cloned()).chain(options.reports.complaint());
    let mut found: Vec<_> = told.map(warned).collect();
    let proxies: Vec<_> = PROXIES.into_iter().filter(|name| env.value(name).is_some()).collect();
    if let [first, ..] = proxies.as_slice() {
        let proxy = Finding::chosen("proxy", "not used", *first);
        found.push(proxy.warns(format!(
            "{} is not heeded: exports leave for their endpoint directly",
            proxies.join(", ")
        )));
    }
    let other = choices.iter().zip(variables()).filter(|(choice, _)| {
        choice.source == Source::Environment && !choice.value.is_empty() && !SHOWN.contains(&choice.name)
    });
    found.extend(other.map(|(choice, _)| Finding::chosen("also set", choice.value.clone(), choice.name)));
    found
}

/// A warning that `init` gives as well.
fn warned(told: String) -> Finding {
    let about = told.split(['=', ' ']).next().unwrap_or_default().to_owned();
    Finding::chosen("variable", about, "").warns(told)
}

/// What a service has to have built in for what its variables choose; this program has all of it.
pub(super) fn features(config: &Config) -> Option<Finding> {
    let Options { traces, logs, metrics, reports, .. } = &config.options;
    let ways = [
        (traces.destination(), traces.is_grpc() && traces.format() == Some(Format::Otlp)),
        (logs.destination(), logs.is_grpc()),
        (metrics.export.destination(), metrics.export.is_grpc()),
    ];
    let leaves = |(to, is_grpc)| match to {
        Destination::Url(url) => Some((url, is_grpc)),
        _ => None,
    };
    let ways: Vec<(String, bool)> = ways.into_iter().filter_map(leaves).collect();
    let reported = reports.urls();
    let is_tls = |url: &String| url.starts_with("https://");
    let packs = |name: &str| name.ends_with("_COMPRESSION") && config.value(name) == "gzip";
    let needed = [
        ("otlp-grpc", ways.iter().any(|(_, is_grpc)| *is_grpc)),
        ("tls", ways.iter().map(|(url, _)| url).chain(&reported).any(is_tls)),
        ("gzip", config.choices.iter().any(|choice| packs(choice.name))),
        ("reports", !reported.is_empty()),
    ];
    let needed: Vec<_> = needed.into_iter().filter_map(|(name, is)| is.then_some(name)).collect();
    let row = Finding::chosen("features", needed.join(", "), "Cargo.toml");
    (!needed.is_empty()).then(|| {
        row.with("the service needs them; a warning at its start says which of them `is not built in`")
    })
}

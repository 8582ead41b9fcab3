//! The command: started with the variables that have it send to the page.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt as _;

use tokio::process::{Child as Process, Command};

use super::super::say;

/// The variables beside the endpoint, which is the page's. Each stands in the help as well.
pub(super) const VARIABLES: [(&str, &str); 8] = [
    // Other SDKs speak gRPC unless they are told.
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ("OTEL_TRACES_EXPORTER", "otlp"),
    ("OTEL_LOGS_EXPORTER", "console,otlp"),
    ("OTEL_METRICS_EXPORTER", "otlp"),
    ("OTEL_BSP_SCHEDULE_DELAY", "500"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "500"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "2000"),
    // JavaScript's SDK refuses one that is longer than the interval.
    ("OTEL_METRIC_EXPORT_TIMEOUT", "2000"),
];

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where one of these is set, something goes elsewhere.
const ENDPOINTS: [&str; 4] = [
    ENDPOINT,
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// The command that runs. Dropping it ends it.
pub(super) struct Child(Process);

impl Child {
    /// Starts it. What is set in our own environment stays as it is.
    pub(super) fn start(program: &OsStr, arguments: &[OsString], url: &str) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(arguments).kill_on_drop(true);
        for (name, value) in VARIABLES.into_iter().chain([(ENDPOINT, url)]).filter(|(name, _)| !is_set(name))
        {
            command.env(name, value);
        }
        for name in ENDPOINTS.into_iter().filter(|name| is_set(name)) {
            say(&format!("observability view: {name} is set, so that the command sends there and not here"));
        }
        let started = command.spawn();
        started.map(Self).map_err(|error| format!("{} cannot be started: {error}", program.display()))
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.0.id().unwrap_or_default()
    }

    /// Its exit code once it has ended; as a shell has it, 128 and the signal that ended it.
    pub(super) async fn wait(&mut self) -> u8 {
        let Ok(status) = self.0.wait().await else { return 1 };
        let signal = status.signal().map(|signal| 128 + signal);
        status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
    }
}

/// OpenTelemetry takes an empty variable as one that is not set.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
#[test]
fn the_help_says_each_variable() {
    for (name, value) in VARIABLES {
        assert!(super::HELP.contains(&format!("{name}={value}")), "{name}={value}");
    }
    assert!(super::HELP.contains(&format!("{ENDPOINT}=")));
}

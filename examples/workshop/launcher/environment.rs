//! Which options of the shell reach the eight.

use tokio::process::Command;

/// The variable that names an OTLP collector.
pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Any of these says where spans go.
const SPANS_GO: [&str; 4] =
    [ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_ZIPKIN_ENDPOINT", "OTEL_TRACES_EXPORTER"];

/// The workshop looks the same on every machine, unless somebody wants it otherwise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Environment {
    /// No option at all: the spans come to our own viewer, the lines to us.
    Viewer,
    /// Those that say where spans go; the lines come to us.
    Spans,
    /// Those that say where spans and lines go.
    Exporters,
    /// All of them, as they are.
    Unchanged,
}

impl Environment {
    /// The spans go to the endpoint in the environment, else to our own viewer.
    pub(super) fn chosen() -> Self {
        let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        if SPANS_GO.iter().any(is_set) { Self::Spans } else { Self::Viewer }
    }

    /// Takes away from a service what is not to reach it.
    pub(super) fn apply(self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if is_option(&name) && !self.keeps(&name) {
                command.env_remove(&*name);
            }
        }
        if self != Self::Unchanged {
            // Half a second and less between two batches: somebody is waiting at the screen.
            command.env("OTEL_BSP_SCHEDULE_DELAY", "200");
        }
    }

    fn keeps(self, name: &str) -> bool {
        let spans = name == "OTEL_TRACES_EXPORTER"
            || ["OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_ZIPKIN_"].iter().any(|of| name.starts_with(of));
        match self {
            Self::Viewer => false,
            Self::Spans => spans,
            Self::Exporters => spans || name == "OTEL_LOGS_EXPORTER",
            Self::Unchanged => true,
        }
    }
}

fn is_option(name: &str) -> bool {
    name.starts_with("OTEL_") || name.starts_with("OBSERVABILITY_") || name == "RUST_LOG"
}

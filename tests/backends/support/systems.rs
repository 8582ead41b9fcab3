//! The addresses of the real systems, as the script `tests/backends/systems` exports them.

use std::path::PathBuf;

/// A variable that the script sets.
#[derive(Debug)]
pub struct System(&'static str);

/// Jaeger's API and UI.
pub const JAEGER: System = System("BACKEND_JAEGER");
/// Jaeger's receiver of OTLP over HTTP: the value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
pub const JAEGER_OTLP: System = System("BACKEND_JAEGER_OTLP");
/// Jaeger's receiver of OTLP over gRPC.
pub const JAEGER_OTLP_GRPC: System = System("BACKEND_JAEGER_OTLP_GRPC");
/// A server that speaks Sentry's protocol, and keeps what it is sent.
pub const KENT: System = System("BACKEND_KENT");
/// The file with the published schema of Sentry's events.
pub const EVENT_SCHEMA: System = System("BACKEND_EVENT_SCHEMA");
/// Zipkin's API and UI.
pub const ZIPKIN: System = System("BACKEND_ZIPKIN");
/// The collector, to be started with a configuration of one's own.
pub const COLLECTOR: System = System("BACKEND_COLLECTOR");
/// The collector's receiver of OTLP over HTTP; spans go on to Zipkin, and all is printed in detail.
pub const COLLECTOR_OTLP: System = System("BACKEND_COLLECTOR_OTLP");
/// The collector's receiver of OTLP over gRPC.
pub const COLLECTOR_OTLP_GRPC: System = System("BACKEND_COLLECTOR_OTLP_GRPC");
/// The file that holds what the collector printed.
pub const COLLECTOR_OUTPUT: System = System("BACKEND_COLLECTOR_OUTPUT");
/// The API of a Loki, for who has one.
pub const LOKI: System = System("BACKEND_LOKI");
/// The folder of Node's modules that has Grafana's grammar of LogQL.
pub const LOGQL: System = System("BACKEND_LOGQL");
/// VictoriaLogs' API.
pub const VICTORIA_LOGS: System = System("BACKEND_VICTORIA_LOGS");
/// OpenSearch's API.
pub const OPENSEARCH: System = System("BACKEND_OPENSEARCH");
/// The API of a Prometheus that scrapes each second.
pub const PROMETHEUS: System = System("BACKEND_PROMETHEUS");
/// The folder of the lists (`*.json`, as file_sd reads them) of what Prometheus scrapes.
pub const PROMETHEUS_TARGETS: System = System("BACKEND_PROMETHEUS_TARGETS");
/// The program that checks expositions.
pub const PROMTOOL: System = System("BACKEND_PROMTOOL");
/// Alertmanager, to be started.
pub const ALERTMANAGER: System = System("BACKEND_ALERTMANAGER");
/// The program that checks Alertmanager's configuration.
pub const AMTOOL: System = System("BACKEND_AMTOOL");
/// The folder of Node's modules that has the schemas of Compose and Kubernetes.
pub const MANIFESTS: System = System("BACKEND_MANIFESTS");
/// The script that finds what keeps people with a screen reader or a keyboard from using a page.
pub const AXE: System = System("BACKEND_AXE");
/// The blackbox exporter, to be started.
pub const BLACKBOX_EXPORTER: System = System("BACKEND_BLACKBOX_EXPORTER");
/// The node exporter, to be started.
pub const NODE_EXPORTER: System = System("BACKEND_NODE_EXPORTER");
/// The program that reads dashboards by Grafana's schema.
pub const BOARDS: System = System("BACKEND_BOARDS");
/// Prometheus, to be started with a configuration of one's own.
pub const PROMETHEUS_PROGRAM: System = System("BACKEND_PROMETHEUS_PROGRAM");
/// A browser.
pub const CHROMIUM: System = System("BACKEND_CHROMIUM");
/// What drives the browser.
pub const CHROMEDRIVER: System = System("BACKEND_CHROMEDRIVER");
/// nginx, to be started with a configuration of one's own.
pub const NGINX: System = System("BACKEND_NGINX");
/// A Python with the official SDK and the reference parser of OpenMetrics.
pub const PYTHON: System = System("BACKEND_PYTHON");
/// A PostgreSQL, as the URL of a database.
pub const POSTGRES: System = System("BACKEND_POSTGRES");
/// A Redis.
pub const REDIS: System = System("BACKEND_REDIS");
/// A RabbitMQ.
pub const RABBITMQ: System = System("BACKEND_RABBITMQ");
/// A broker of Kafka, as host and port.
pub const KAFKA: System = System("BACKEND_KAFKA");
/// The folder of Kafka's jars.
pub const KAFKA_JARS: System = System("BACKEND_KAFKA_JARS");
/// A NATS.
pub const NATS: System = System("BACKEND_NATS");
/// The script that runs one of those that services depend on.
pub const DEPENDENCY: System = System("BACKEND_DEPENDENCY");
/// The port of Erlang's mapper of ports.
pub const EPMD_PORT: System = System("BACKEND_EPMD_PORT");

impl System {
    /// What the variable holds: a base URL without a slash at its end, or a path.
    ///
    /// # Panics
    ///
    /// Without the variable; the message tells how to get it.
    pub fn value(&self) -> String {
        let value = std::env::var(self.0).unwrap_or_default();
        let remedy =
            "tests/backends/systems run cargo test --locked --workspace --all-features --test backends";
        assert!(!value.is_empty(), "{} is not set; this starts the real systems first:\n  {remedy}", self.0);
        value
    }

    /// The URL of a path there, such as `/api/services`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.value())
    }

    /// The file, folder or program.
    pub fn path(&self) -> PathBuf {
        self.value().into()
    }
}

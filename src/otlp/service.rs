//! What OTLP calls each signal, and how long a record of it waits for its batch.

use std::time::Duration;

/// What OTLP calls a signal.
#[derive(Debug)]
pub(crate) struct Service {
    /// In the names of variables.
    pub(super) word: &'static str,
    /// Appended to a general endpoint of HTTP.
    pub(super) path: &'static str,
    /// The method of gRPC.
    #[allow(dead_code)] // without the feature `otlp` nothing is sent
    pub(super) method: &'static str,
    /// How long a record waits for its batch by default; of metrics, how often they are collected.
    pub(super) delay: Duration,
}

pub(crate) const TRACES: Service = Service {
    word: "TRACES",
    path: "/v1/traces",
    method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    delay: Duration::from_secs(5),
};

pub(crate) const LOGS: Service = Service {
    word: "LOGS",
    path: "/v1/logs",
    method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    delay: Duration::from_secs(1),
};

pub(crate) const METRICS: Service = Service {
    word: "METRICS",
    path: "/v1/metrics",
    method: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    delay: Duration::from_secs(60),
};

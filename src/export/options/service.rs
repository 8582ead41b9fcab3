//! What OTLP calls each signal: the paths where it is taken, and its word in the variables' names.

/// A signal's service of OTLP.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its word in the names of variables.
    pub(crate) word: &'static str,
    /// What is appended to a general endpoint of HTTP.
    pub(crate) path: &'static str,
    /// The method of gRPC.
    pub(crate) method: &'static str,
}

pub(crate) const TRACES: Service = Service {
    word: "TRACES",
    path: "/v1/traces",
    method: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

pub(crate) const LOGS: Service = Service {
    word: "LOGS",
    path: "/v1/logs",
    method: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
};

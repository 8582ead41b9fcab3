//! Owns every name that leaves the process: headers, log keys, span attributes, metrics and labels.
//!
//! They are under semantic versioning: `tests/promises/wire.rs` holds a snapshot of this file's values.

/// Header names.
pub mod header {
    use http::HeaderName;

    /// W3C trace context, the parent.
    pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    /// W3C trace context, the vendors' list.
    pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
    /// W3C baggage.
    pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
    /// The request's id, echoed on the response and forwarded on every call.
    pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
}

/// Span and resource attributes (OpenTelemetry semantic conventions 1.44).
#[allow(missing_docs)] // the conventions define each
pub mod attribute {
    pub const CLIENT_ADDRESS: &str = "client.address";
    pub const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";
    pub const ERROR_TYPE: &str = "error.type";
    pub const EXCEPTION_MESSAGE: &str = "exception.message";
    pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
    pub const EXCEPTION_TYPE: &str = "exception.type";
    pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
    pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
    pub const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
    pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
    pub const HTTP_ROUTE: &str = "http.route";
    pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
    pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
    pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
    pub const MESSAGING_SYSTEM: &str = "messaging.system";
    pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
    pub const NETWORK_PEER_PORT: &str = "network.peer.port";
    pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
    pub const OUTCOME: &str = "observability.outcome";
    pub const REQUEST_ID: &str = "observability.request_id";
    pub const SERVER_ADDRESS: &str = "server.address";
    pub const SERVER_PORT: &str = "server.port";
    pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
    pub const SERVICE_NAME: &str = "service.name";
    pub const SERVICE_NAMESPACE: &str = "service.namespace";
    pub const SERVICE_VERSION: &str = "service.version";
    pub const TARGET: &str = "observability.target";
    pub const TELEMETRY_DISTRO_NAME: &str = "telemetry.distro.name";
    pub const TELEMETRY_DISTRO_VERSION: &str = "telemetry.distro.version";
    pub const TELEMETRY_SDK_LANGUAGE: &str = "telemetry.sdk.language";
    pub const TELEMETRY_SDK_NAME: &str = "telemetry.sdk.name";
    pub const TELEMETRY_SDK_VERSION: &str = "telemetry.sdk.version";
    pub const TTFB_MS: &str = "observability.ttfb_ms";
    pub const URL_FULL: &str = "url.full";
    pub const URL_PATH: &str = "url.path";
    pub const URL_QUERY: &str = "url.query";
    pub const URL_SCHEME: &str = "url.scheme";
    pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
}

/// Keys of a log line in the format `json`.
#[allow(missing_docs)] // described in the README's table, which a test holds against this list
pub mod key {
    pub const DURATION_MS: &str = "duration_ms";
    pub const ERROR: &str = "error";
    pub const ERROR_CHAIN: &str = "error_chain";
    pub const FILE: &str = "file";
    pub const INSTANCE: &str = "instance";
    pub const LEVEL: &str = "level";
    pub const LINE: &str = "line";
    pub const MESSAGE: &str = "message";
    pub const METHOD: &str = "method";
    pub const OUTCOME: &str = "outcome";
    pub const PATH: &str = "path";
    pub const REQUEST_ID: &str = "request_id";
    pub const RESPONSE_BYTES: &str = "response_bytes";
    pub const ROUTE: &str = "route";
    pub const SERVICE: &str = "service";
    pub const SPAN_ID: &str = "span_id";
    pub const STATUS: &str = "status";
    pub const TARGET: &str = "target";
    pub const TIMESTAMP: &str = "timestamp";
    pub const TRACE_FLAGS: &str = "trace_flags";
    pub const TRACE_ID: &str = "trace_id";
    pub const TTFB_MS: &str = "ttfb_ms";
    pub const VERSION: &str = "version";

    /// The keys that we alone write, on every line; a user's field of such a name becomes `field_<name>`.
    pub const RESERVED: &[&str] = &[
        DURATION_MS,
        ERROR_CHAIN,
        FILE,
        INSTANCE,
        LEVEL,
        LINE,
        MESSAGE,
        METHOD,
        OUTCOME,
        PATH,
        REQUEST_ID,
        RESPONSE_BYTES,
        ROUTE,
        SERVICE,
        SPAN_ID,
        STATUS,
        TARGET,
        TIMESTAMP,
        TRACE_FLAGS,
        TRACE_ID,
        TTFB_MS,
        VERSION,
    ];

    /// What stands before a user's field whose name is reserved.
    pub const MOVED_PREFIX: &str = "field_";
}

/// Metric families, as Prometheus writes them.
#[allow(missing_docs)] // each family carries its HELP text
pub mod metric {
    pub const HTTP_CLIENT_BODY_ERRORS: &str = "http_client_response_body_errors_total";
    pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http_client_request_duration_seconds";
    pub const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http_server_active_requests";
    pub const HTTP_SERVER_REQUEST_DURATION: &str = "http_server_request_duration_seconds";
    pub const OBSERVABILITY_METRICS_REFUSED: &str = "observability_metrics_refused_total";
    pub const OTEL_SDK_EXPORTER_LOG_EXPORTED: &str = "otel_sdk_exporter_log_exported_total";
    pub const OTEL_SDK_EXPORTER_SPAN_EXPORTED: &str = "otel_sdk_exporter_span_exported_total";
    pub const OTEL_SDK_LOG_CREATED: &str = "otel_sdk_log_created_total";
    pub const OTEL_SDK_PROCESSOR_LOG_PROCESSED: &str = "otel_sdk_processor_log_processed_total";
    pub const OTEL_SDK_PROCESSOR_LOG_QUEUE_CAPACITY: &str = "otel_sdk_processor_log_queue_capacity";
    pub const OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE: &str = "otel_sdk_processor_log_queue_size";
    pub const OTEL_SDK_PROCESSOR_SPAN_PROCESSED: &str = "otel_sdk_processor_span_processed_total";
    pub const OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY: &str = "otel_sdk_processor_span_queue_capacity";
    pub const OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE: &str = "otel_sdk_processor_span_queue_size";
    pub const OTEL_SDK_SPAN_STARTED: &str = "otel_sdk_span_started_total";
    pub const PROCESS_START_TIME: &str = "process_start_time_seconds";
    pub const TARGET_INFO: &str = "target_info";
    pub const WORK_DURATION: &str = "work_duration_seconds";
}

/// Metric labels, as Prometheus writes them.
#[allow(missing_docs)] // the conventions define each
pub mod label {
    pub const ERROR_TYPE: &str = "error_type";
    pub const HTTP_REQUEST_METHOD: &str = "http_request_method";
    pub const HTTP_RESPONSE_STATUS_CODE: &str = "http_response_status_code";
    pub const HTTP_ROUTE: &str = "http_route";
    pub const NETWORK_PROTOCOL_VERSION: &str = "network_protocol_version";
    pub const OTEL_METRIC_OVERFLOW: &str = "otel_metric_overflow";
    pub const OTEL_SPAN_SAMPLING_RESULT: &str = "otel_span_sampling_result";
    pub const REASON: &str = "reason";
    pub const SERVER_ADDRESS: &str = "server_address";
    pub const SERVER_PORT: &str = "server_port";
    pub const URL_SCHEME: &str = "url_scheme";
    pub const WORK_KIND: &str = "work_kind";
    pub const WORK_NAME: &str = "work_name";
}

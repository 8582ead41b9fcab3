//! Owns every name that leaves the process: headers, log keys, attributes, events, metrics and labels.
//!
//! They are under semantic versioning: `tests/promises/wire.rs` holds a snapshot of this file's values.

mod formats;
#[cfg(feature = "otlp")]
pub(crate) mod schema;

pub use formats::{FORMATS, ecs, gelf, logstash, otel};

/// A group of names: a constant each, and the group as a table from which the README's is made.
macro_rules! names {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        $(
            #[doc = $about]
            pub const $name: &str = $text;
        )+

        /// Every name of this group, with what it says.
        pub const TABLE: &[(&str, &str)] = &[$(($text, $about)),+];
    };
}

pub mod label;
pub mod metric;

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
    /// Zipkin's B3 in one header.
    pub const B3: HeaderName = HeaderName::from_static("b3");
    /// B3 in several headers: the trace.
    pub const B3_TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
    /// B3 in several headers: the span.
    pub const B3_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
    /// B3 in several headers: the span's parent.
    pub const B3_PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
    /// B3 in several headers: the decision.
    pub const B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
    /// B3 in several headers: the debug flag.
    pub const B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");
    /// Jaeger's trace, span and flags.
    pub const UBER_TRACE_ID: HeaderName = HeaderName::from_static("uber-trace-id");
    /// The response's trace, where a layer is told to say it.
    pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
}

/// Attributes of spans, log records and the resource (OpenTelemetry semantic conventions 1.44).
pub mod attribute {
    names! {
        CLIENT_ADDRESS = "client.address",
            "The peer's address, without its port.";
        CODE_FILE_PATH = "code.file.path",
            "Log record: the source file (ERROR events, panics).";
        CODE_LINE_NUMBER = "code.line.number",
            "Log record: the line in the source file (ERROR events, panics).";
        DEPLOYMENT_ENVIRONMENT_NAME = "deployment.environment.name",
            "Resource: the environment, such as `production`.";
        DURATION_MS = "observability.duration_ms",
            "Log record: milliseconds from the request to the last byte or trailer (request's record).";
        ERROR_TYPE = "error.type",
            "The status code as text, or a word of the closed set; absent on success.";
        EXCEPTION_MESSAGE = "exception.message",
            "The text of an error that the service noted.";
        EXCEPTION_STACKTRACE = "exception.stacktrace",
            "The texts of the noted error's causes, one a line.";
        HTTP_REQUEST_METHOD = "http.request.method",
            "The method, or `_OTHER`.";
        HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original",
            "The method as sent, where it is `_OTHER`.";
        HTTP_RESPONSE_BODY_SIZE = "http.response.body.size",
            "Log record: bytes of the body (request's record).";
        HTTP_RESPONSE_STATUS_CODE = "http.response.status_code",
            "The status code.";
        HTTP_ROUTE = "http.route",
            "The matched route; absent where none matched.";
        MESSAGING_DESTINATION_NAME = "messaging.destination.name",
            "The queue or topic.";
        MESSAGING_OPERATION_NAME = "messaging.operation.name",
            "`send` or `process`, where the system is given.";
        MESSAGING_OPERATION_TYPE = "messaging.operation.type",
            "`send` or `process`, where the system is given.";
        MESSAGING_SYSTEM = "messaging.system",
            "The broker's kind.";
        NETWORK_PEER_ADDRESS = "network.peer.address",
            "The peer's address.";
        NETWORK_PEER_PORT = "network.peer.port",
            "The peer's port.";
        NETWORK_PROTOCOL_VERSION = "network.protocol.version",
            "`1.0`, `1.1`, `2`, `3`.";
        OUTCOME = "observability.outcome",
            "How the hop ended: `ok`, `client_error`, `server_error`, `cancelled`, `timeout`, `panic`, `body_error`, `upgraded`.";
        REQUEST_ID = "observability.request_id",
            "The request's id, as in `x-request-id`.";
        SERVER_ADDRESS = "server.address",
            "The host that was asked for.";
        SERVER_PORT = "server.port",
            "The port that was asked for.";
        SERVICE_INSTANCE_ID = "service.instance.id",
            "Resource: this process, a UUID.";
        SERVICE_NAME = "service.name",
            "Resource: the service.";
        SERVICE_NAMESPACE = "service.namespace",
            "Resource: the group of services.";
        SERVICE_VERSION = "service.version",
            "Resource: the service's version.";
        TARGET = "observability.target",
            "The module of a user's span.";
        TELEMETRY_DISTRO_NAME = "telemetry.distro.name",
            "Resource: `tower-observability`.";
        TELEMETRY_DISTRO_VERSION = "telemetry.distro.version",
            "Resource: this crate's version.";
        TELEMETRY_SDK_LANGUAGE = "telemetry.sdk.language",
            "Resource: `rust`.";
        TELEMETRY_SDK_NAME = "telemetry.sdk.name",
            "Resource: `tower-observability`.";
        TELEMETRY_SDK_VERSION = "telemetry.sdk.version",
            "Resource: this crate's version.";
        THREAD_NAME = "thread.name",
            "Log record: the thread that panicked.";
        TTFB_MS = "observability.ttfb_ms",
            "Milliseconds from the request to the response's head.";
        URL_FULL = "url.full",
            "The URL of a call, without credentials, its query values redacted.";
        URL_PATH = "url.path",
            "The path as asked for.";
        URL_QUERY = "url.query",
            "The query, every value redacted.";
        URL_SCHEME = "url.scheme",
            "`http` or `https`.";
        USER_AGENT_ORIGINAL = "user_agent.original",
            "The header `user-agent`.";
    }
}

/// Tags of a span in Zipkin's JSON, beside its attributes and those of its resource.
pub mod tag {
    names! {
        DROPPED_ATTRIBUTES = "otel.dropped_attributes_count",
            "How many attributes a limit took, if any.";
        DROPPED_LINKS = "otel.dropped_links_count",
            "How many links a limit took, if any.";
        ERROR = "error",
            "The description of a failed span, often empty; absent on success.";
        LIBRARY_NAME = "otel.library.name",
            "The old name of `otel.scope.name`.";
        LIBRARY_VERSION = "otel.library.version",
            "The old name of `otel.scope.version`.";
        LINK = "otlp.link.",
            "A link, with its number: trace id, span id, trace state, attributes, their dropped count, `|` between.";
        SCOPE_NAME = "otel.scope.name",
            "`tower-observability`.";
        SCOPE_VERSION = "otel.scope.version",
            "This crate's version.";
        STATUS_CODE = "otel.status_code",
            "`ERROR` of a failed span; absent on success.";
        TRACESTATE = "w3c.tracestate",
            "The vendors' list, where there is one.";
    }
}

/// Names of events, of log records over OTLP.
pub mod event {
    names! {
        CALL = "observability.call",
            "A call that did not end well.";
        PANIC = "observability.panic",
            "A thread panicked.";
        REQUEST = "observability.request",
            "A request that was served, at its end.";
        WORK = "observability.work",
            "A job or a message, at its end.";
    }
}

/// Keys of a log line in the format `json`.
pub mod key {
    names! {
        DURATION_MS = "duration_ms",
            "Milliseconds from the request to the last byte or trailer (request's line).";
        ERROR = "error",
            "The error that the service noted (request's line).";
        ERROR_CHAIN = "error_chain",
            "The noted error's causes (request's line).";
        FILE = "file",
            "The source file (ERROR lines of events).";
        INSTANCE = "instance",
            "`service.instance.id` (request's line).";
        LEVEL = "level",
            "`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`; `FATAL` for a panic.";
        LINE = "line",
            "The line in the source file (ERROR lines of events).";
        MESSAGE = "message",
            "The event's message.";
        METHOD = "method",
            "The request's method (inside a request).";
        OUTCOME = "outcome",
            "How the hop ended, one word (request's line).";
        PATH = "path",
            "The request's path (inside a request).";
        REQUEST_ID = "request_id",
            "The request's id (inside a request).";
        RESPONSE_BYTES = "response_bytes",
            "Bytes of the body (request's line).";
        ROUTE = "route",
            "The matched route (inside a request, once known).";
        SERVICE = "service",
            "The service's name.";
        SPAN_ID = "span_id",
            "The innermost span, 16 hex digits (inside a request).";
        STATUS = "status",
            "The status code (request's line).";
        TARGET = "target",
            "The module that wrote the line.";
        TIMESTAMP = "timestamp",
            "RFC 3339, UTC, microseconds.";
        TRACE_FLAGS = "trace_flags",
            "W3C flags, 2 hex digits; odd if the trace is sampled (inside a request).";
        TRACE_ID = "trace_id",
            "The trace, 32 hex digits (inside a request).";
        TTFB_MS = "ttfb_ms",
            "Milliseconds from the request to the response's head (request's line).";
        VERSION = "version",
            "The service's version (request's line).";
    }

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

//! The keys of a log line in the format `json`.

names! {
    DURATION_MS = "duration_ms",
        "Milliseconds from the request to the last byte or trailer (request's line).";
    ERROR = "error",
        "The error that the service noted (request's line).";
    ERROR_CHAIN = "error_chain",
        "The noted error's causes (request's line).";
    ERROR_TYPE = "error_type",
        "Why a call found no answer, in a word more precise than the outcome (call's line).";
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
    RPC_METHOD = "rpc_method",
        "gRPC: `pkg.Service/Method`, as on span and metric (request's line).";
    RPC_STATUS = "rpc_status",
        "gRPC: the status by name, such as `NOT_FOUND` (request's line).";
    SERVICE = "service",
        "The service's name.";
    SPAN_ID = "span_id",
        "The innermost span, 16 hex digits (inside a request).";
    STATUS = "status",
        "HTTP's status code (request's line); of gRPC only one that is not 200.";
    TARGET = "target",
        "The module that wrote the line.";
    TIMESTAMP = "timestamp",
        "RFC 3339, UTC, microseconds.";
    TRACE_FLAGS = "trace_flags",
        "W3C flags, 2 hex digits; odd if the trace is sampled (inside a request).";
    TRACE_ID = "trace_id",
        "The trace, 32 hex digits (inside a request).";
    TTFB_MS = "ttfb_ms",
        "Milliseconds from the request until the response's head leaves (request's line).";
    VERSION = "version",
        "The service's version (request's line).";
}

/// The keys that we alone write, on every line; a user's field of such a name becomes `field_<name>`.
pub const RESERVED: &[&str] = &[
    DURATION_MS,
    ERROR_CHAIN,
    ERROR_TYPE,
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
    RPC_METHOD,
    RPC_STATUS,
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

//! Keys of a log line in the format `json`.
//!
//! A line is one flat JSON object. The fields of an event and of the `tracing` spans around it are beside these keys,
//! each name once. The *closing line* is the one that is written when a request, call, job or message ends. What the
//! other formats call the same thing is in [`FORMATS`](super::FORMATS).

names! {
    CLIENT_ADDRESS = "client_address",
        "The address of the client (closing line of a request, with `Logs::client`).";
    DURATION_MS = "duration_ms",
        "Milliseconds from the arrival of the request to the last byte or trailer of the response (closing line).";
    ERROR = "error",
        "The error given to `request::error` (closing line).";
    ERROR_CHAIN = "error_chain",
        "The causes of that error (closing line).";
    ERROR_TYPE = "error_type",
        "Why a call got no response, if there is a more precise word than the outcome (closing line of a call).";
    FILE = "file",
        "The source file (ERROR lines of events).";
    INSTANCE = "instance",
        "`service.instance.id` (closing line).";
    LEVEL = "level",
        "`TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`; `FATAL` for a panic.";
    LINE = "line",
        "The line in the source file (ERROR lines of events).";
    MESSAGE = "message",
        "The message of the event.";
    METHOD = "method",
        "The HTTP method (within a request).";
    OUTCOME = "outcome",
        "How it ended, in one word: the `Outcome` (closing line).";
    PATH = "path",
        "The path of the request (within a request).";
    REQUEST_BYTES = "request_bytes",
        "Size of the request body in bytes, as the request says it (closing line of a request, with `Logs::request_size`).";
    REQUEST_ID = "request_id",
        "The id of the request (within a request).";
    RESPONSE_BYTES = "response_bytes",
        "Size of the response body in bytes (closing line).";
    ROUTE = "route",
        "The matched route (within a request, once it is known).";
    RPC_METHOD = "rpc_method",
        "gRPC: `pkg.Service/Method`, as on span and metric (closing line).";
    RPC_STATUS = "rpc_status",
        "gRPC: the name of the status, such as `NOT_FOUND` (closing line).";
    SERVER_ADDRESS = "server_address",
        "The host that was called (closing line of a call).";
    SERVER_PORT = "server_port",
        "The port that was called (closing line of a call).";
    SERVICE = "service",
        "The name of the service.";
    SPAN_ID = "span_id",
        "The innermost span, 16 hex digits (within a request).";
    STATUS = "status",
        "The HTTP status code (closing line). gRPC: only if it is not 200.";
    TARGET = "target",
        "The module that wrote the line.";
    TIMESTAMP = "timestamp",
        "RFC 3339, UTC, microseconds.";
    TRACE_FLAGS = "trace_flags",
        "W3C trace flags, 2 hex digits; odd if the trace is sampled (within a request).";
    TRACE_ID = "trace_id",
        "The trace, 32 hex digits (within a request).";
    TTFB_MS = "ttfb_ms",
        "Milliseconds from the arrival of the request until the response head is sent (closing line).";
    USER_AGENT = "user_agent",
        "The `user-agent` of the client (closing line of a request, with `Logs::client`).";
    VERSION = "version",
        "The version of the service (closing line).";
    WORK_NAME = "work_name",
        "The name of the job or message (within one).";
}

/// The keys that only this crate writes, on any line. A field of the application with such a name becomes `field_<name>`,
/// so that a key has one type in every line.
pub const RESERVED: &[&str] = &[
    CLIENT_ADDRESS,
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
    REQUEST_BYTES,
    REQUEST_ID,
    RESPONSE_BYTES,
    ROUTE,
    RPC_METHOD,
    RPC_STATUS,
    SERVER_ADDRESS,
    SERVER_PORT,
    SERVICE,
    SPAN_ID,
    STATUS,
    TARGET,
    TIMESTAMP,
    TRACE_FLAGS,
    TRACE_ID,
    TTFB_MS,
    USER_AGENT,
    VERSION,
    WORK_NAME,
];

/// The prefix of an application's field whose name is reserved.
pub const MOVED_PREFIX: &str = "field_";

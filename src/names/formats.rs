//! Keys of the log formats other than `json`, whose keys are in `key`.

/// A module with the keys of each format, and the table that maps them onto each other.
macro_rules! formats {
    ($($name:ident = $json:literal $ecs:literal $logstash:literal $gelf:literal $otel:literal;)+) => {
        formats!(@one ecs, "Elastic Common Schema 9.3, plus labels", $($name = $ecs;)+);
        formats!(@one logstash, "logstash-logback-encoder's and Logstash's", $($name = $logstash;)+);
        formats!(@one gelf, "GELF 1.1", $($name = $gelf;)+);
        formats!(@one otel, "OpenTelemetry's log data model and semantic conventions", $($name = $otel;)+);

        /// What each format calls the same fact, in the order `json`, `ecs`, `logstash`, `gelf`, `otel`. An empty name
        /// means that the format does not have it. The guide has it as a [table](crate::guide::log_formats#keys).
        #[doc(hidden)]
        pub const FORMATS: &[[&str; 5]] = &[$([$json, $ecs, $logstash, $gelf, $otel]),+];
    };
    (@one $format:ident, $about:literal, $($name:ident = $text:literal;)+) => {
        #[doc = concat!("Keys of a log line in the format `", stringify!($format), "`: ", $about, ".")]
        pub mod $format {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $name: &str = $text;
            )+
        }
    };
}

#[rustfmt::skip]
formats! {
    TIMESTAMP      = "timestamp"      "@timestamp"                "@timestamp"     "timestamp"       "timestamp";
    LEVEL          = "level"          "log.level"                 "level"          "_level_name"     "severity_text";
    LEVEL_NUMBER   = ""               ""                          "level_value"    "level"           "severity_number";
    FORMAT_VERSION = ""               "ecs.version"               "@version"       "version"         "";
    SERVICE        = "service"        "service.name"              "service"        "_service"        "resource";
    VERSION        = "version"        "service.version"           "version"        "_version"        "resource";
    INSTANCE       = "instance"       "service.node.name"         "instance"       "_instance"       "resource";
    ENVIRONMENT    = ""               "service.environment"       ""               ""                "resource";
    HOST           = ""               ""                          ""               "host"            "resource";
    DATASET        = ""               "event.dataset"             ""               ""                "";
    PID            = ""               "process.pid"               ""               ""                "";
    TARGET         = "target"         "log.logger"                "logger_name"    "_target"         "scope_name";
    MESSAGE        = "message"        "message"                   "message"        "short_message"   "body";
    TRACE_ID       = "trace_id"       "trace.id"                  "trace_id"       "_trace_id"       "trace_id";
    SPAN_ID        = "span_id"        "span.id"                   "span_id"        "_span_id"        "span_id";
    TRACE_FLAGS    = "trace_flags"    "labels.trace_flags"        "trace_flags"    "_trace_flags"    "trace_flags";
    TRANSACTION_ID = ""               "transaction.id"            ""               ""                "";
    REQUEST_ID     = "request_id"     "http.request.id"           "request_id"     "_request_id"     "observability.request_id";
    METHOD         = "method"         "http.request.method"       "method"         "_method"         "http.request.method";
    PATH           = "path"           "url.path"                  "path"           "_path"           "url.path";
    ROUTE          = "route"          "labels.route"              "route"          "_route"          "http.route";
    SERVER_ADDRESS = "server_address" "server.address"            "server_address" "_server_address" "server.address";
    SERVER_PORT    = "server_port"    "server.port"               "server_port"    "_server_port"    "server.port";
    WORK_NAME      = "work_name"      "labels.work_name"          "work_name"      "_work_name"      "observability.work_name";
    CLIENT_ADDRESS = "client_address" "client.address"            "client_address" "_client_address" "client.address";
    USER_AGENT     = "user_agent"     "user_agent.original"       "user_agent"     "_user_agent"     "user_agent.original";
    STATUS         = "status"         "http.response.status_code" "status"         "_status"         "http.response.status_code";
    RPC_METHOD     = "rpc_method"     "labels.rpc_method"         "rpc_method"     "_rpc_method"     "rpc.method";
    RPC_STATUS     = "rpc_status"     "labels.rpc_status"         "rpc_status"     "_rpc_status"     "rpc.response.status_code";
    DURATION       = "duration_ms"    "event.duration"            "duration_ms"    "_duration_ms"    "observability.duration_ms";
    TTFB           = "ttfb_ms"        "numeric_labels.ttfb_ms"    "ttfb_ms"        "_ttfb_ms"        "observability.ttfb_ms";
    OUTCOME        = "outcome"        "labels.outcome"            "outcome"        "_outcome"        "observability.outcome";
    GOOD_OR_BAD    = ""               "event.outcome"             ""               ""                "";
    REQUEST_BYTES  = "request_bytes"  "http.request.body.bytes"   "request_bytes"  "_request_bytes"  "http.request.body.size";
    RESPONSE_BYTES = "response_bytes" "http.response.body.bytes"  "response_bytes" "_response_bytes" "http.response.body.size";
    ERROR_TYPE     = "error_type"     "error.type"                "error_type"     "_error_type"     "error.type";
    ERROR          = "error"          "error.message"             "error"          "_error"          "exception.message";
    ERROR_CHAIN    = "error_chain"    "error.stack_trace"         "stack_trace"    "full_message"    "exception.stacktrace";
    BACKTRACE      = "backtrace"      "error.stack_trace"         "stack_trace"    "full_message"    "exception.stacktrace";
    THREAD         = "thread"         "process.thread.name"       "thread_name"    "_thread"         "thread.name";
    FILE           = "file"           "log.origin.file.name"      "file"           "_file"           "code.file.path";
    LINE           = "line"           "log.origin.file.line"      "line"           "_line"           "code.line.number";
}

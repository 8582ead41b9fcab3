//! The labels of metrics, as Prometheus writes them.

names! {
    ERROR_TYPE = "error_type",
        "The status code of an error, gRPC's by name, or a word of the closed set; absent on success.";
    HTTP_REQUEST_METHOD = "http_request_method",
        "The method, or `_OTHER`.";
    HTTP_RESPONSE_STATUS_CODE = "http_response_status_code",
        "The status code; absent where no head was sent.";
    HTTP_ROUTE = "http_route",
        "The matched route; absent where none matched.";
    NETWORK_PROTOCOL_VERSION = "network_protocol_version",
        "`1.0`, `1.1`, `2`, `3`.";
    OTEL_COMPONENT_NAME = "otel_component_name",
        "Which part of the pipeline, such as `batching_span_processor/0`.";
    OTEL_COMPONENT_TYPE = "otel_component_type",
        "Its type: `batching_span_processor`, `batching_log_processor`, `otlp_http_span_exporter`, `otlp_grpc_span_exporter`, `zipkin_http_span_exporter`, `otlp_http_log_exporter`, `otlp_grpc_log_exporter`, `stdout_log_exporter`.";
    OTEL_METRIC_OVERFLOW = "otel_metric_overflow",
        "`true` on the series that takes what is beyond the limit of 2,000.";
    OTEL_SPAN_SAMPLING_RESULT = "otel_span_sampling_result",
        "`RECORD_AND_SAMPLE`.";
    PATH = "path",
        "The path of `OBSERVABILITY_DISK_PATHS`.";
    REASON = "reason",
        "Why a registration was refused, or a line left out.";
    RESOURCE = "resource",
        "What was waited for: `cpu`, `memory`, `io`.";
    RPC_METHOD = "rpc_method",
        "`pkg.Service/Method`; `_OTHER` where nobody has shown that it exists.";
    RPC_RESPONSE_STATUS_CODE = "rpc_response_status_code",
        "The status of gRPC by name, such as `OK` or `DEADLINE_EXCEEDED`.";
    RPC_SYSTEM_NAME = "rpc_system_name",
        "`grpc`.";
    SERVER_ADDRESS = "server_address",
        "The host that was called.";
    SERVER_PORT = "server_port",
        "The port that was called.";
    SYSTEM_FILESYSTEM_STATE = "system_filesystem_state",
        "`used`, `free`, or `reserved` for the administrator.";
    URL_SCHEME = "url_scheme",
        "`http` or `https`.";
    WORK_KIND = "work_kind",
        "`consumer`, `producer`, `internal`.";
    WORK_NAME = "work_name",
        "The work's name.";
}

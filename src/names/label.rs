//! Labels of metrics, in Prometheus' spelling.
//!
//! Which service a series belongs to is said by the scraper's `job` and `instance` and by `target_info`, never by one of
//! these labels.

names! {
    BREAKER = "breaker",
        "The name of the circuit breaker.";
    CACHE = "cache",
        "The name of the cache.";
    DB_CLIENT_CONNECTION_POOL_NAME = "db_client_connection_pool_name",
        "The name of the pool.";
    DB_CLIENT_CONNECTION_STATE = "db_client_connection_state",
        "`used` or `idle`.";
    DB_COLLECTION_NAME = "db_collection_name",
        "The table, of a statement with one operation and one table.";
    DB_NAMESPACE = "db_namespace",
        "The database.";
    DB_OPERATION_NAME = "db_operation_name",
        "The first operation of the statement.";
    DB_QUERY_SUMMARY = "db_query_summary",
        "Operations and tables of the statement.";
    DB_RESPONSE_STATUS_CODE = "db_response_status_code",
        "The code of the error, such as an SQLSTATE; absent on success.";
    DB_SYSTEM_NAME = "db_system_name",
        "The database system, such as `postgresql`.";
    DIRECTION = "direction",
        "Of a message about kept traces: `sent`, `received`, `failed`, `refused`.";
    ERROR_TYPE = "error_type",
        "The status code of an error (gRPC: by name), an outcome such as `panic`, or a word of `names::word`. Absent on success.";
    HTTP_REQUEST_METHOD = "http_request_method",
        "The method; `_OTHER` if it is not a known one.";
    HTTP_RESPONSE_STATUS_CODE = "http_response_status_code",
        "The status code; absent if no response head was sent.";
    HTTP_ROUTE = "http_route",
        "The matched route; absent if none matched.";
    MESSAGING_CONSUMER_GROUP_NAME = "messaging_consumer_group_name",
        "The group of consumers.";
    MESSAGING_DESTINATION_NAME = "messaging_destination_name",
        "The queue or topic.";
    MESSAGING_OPERATION_NAME = "messaging_operation_name",
        "The system's own word, such as `ack`; else the type.";
    MESSAGING_OPERATION_TYPE = "messaging_operation_type",
        "`send`, `receive`, `process` or `settle`.";
    MESSAGING_SYSTEM = "messaging_system",
        "The kind of broker, such as `kafka`.";
    MESSAGING_SYSTEM_NAME = "messaging_system_name",
        "With `OTEL_SEMCONV_STABILITY_OPT_IN=messaging` what `messaging_system` is without.";
    NETWORK_PROTOCOL_VERSION = "network_protocol_version",
        "`1.0`, `1.1`, `2`, `3`.";
    OTEL_COMPONENT_NAME = "otel_component_name",
        "The part of the telemetry pipeline, such as `batching_span_processor/0`.";
    OTEL_COMPONENT_TYPE = "otel_component_type",
        "Its type: `batching_span_processor`, `batching_log_processor`, `otlp_http_span_exporter`, `otlp_grpc_span_exporter`, `zipkin_http_span_exporter`, `otlp_http_log_exporter`, `otlp_grpc_log_exporter`, `stdout_log_exporter`, `otlp_http_metric_exporter`, `otlp_grpc_metric_exporter`.";
    OTEL_METRIC_OVERFLOW = "otel_metric_overflow",
        "`true` on the series that collects everything beyond the limit of 2,000 label sets.";
    OTEL_SPAN_SAMPLING_RESULT = "otel_span_sampling_result",
        "Always `RECORD_AND_SAMPLE`.";
    PATH = "path",
        "The path, as listed in `OBSERVABILITY_DISK_PATHS`.";
    PRIORITY = "priority",
        "The stated priority of a route: `high`, `medium`, `low`.";
    QUEUE = "queue",
        "The name of the queue, as given to `queue`.";
    REASON = "reason",
        "Why a metric was refused, or why a line was left out.";
    RESOURCE = "resource",
        "The resource that tasks waited for: `cpu`, `memory`, `io`.";
    RESULT = "result",
        "Cache: `hit`, `miss`, `stale`, `coalesced`. Retry: `retried`, `gave_up`, `out_of_budget`, `not_retryable`.";
    RETRY = "retry",
        "The name of what is retried.";
    RPC_METHOD = "rpc_method",
        "`pkg.Service/Method`; `_OTHER` until an implementation has answered for that method.";
    RPC_RESPONSE_STATUS_CODE = "rpc_response_status_code",
        "The name of the gRPC status, such as `OK` or `DEADLINE_EXCEEDED`.";
    RPC_STATUS_CODE = "rpc_status_code",
        "With `OTEL_SEMCONV_STABILITY_OPT_IN=rpc` what `rpc_response_status_code` is without.";
    RPC_SYSTEM_NAME = "rpc_system_name",
        "`grpc`.";
    SERVER_ADDRESS = "server_address",
        "The host that was called.";
    SERVER_PORT = "server_port",
        "The port that was called.";
    STATE = "state",
        "The state of a circuit breaker: `closed`, `open`, `half_open`.";
    SYSTEM_FILESYSTEM_STATE = "system_filesystem_state",
        "`used`, `free`, or `reserved` for the superuser.";
    URL_SCHEME = "url_scheme",
        "`http` or `https`.";
    WORK_KIND = "work_kind",
        "The kind of work: `consumer`, `producer`, `internal`.";
    WORK_NAME = "work_name",
        "The name of the work.";
}

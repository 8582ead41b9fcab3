//! Attributes of spans, log records and the resource.
//!
//! They follow OpenTelemetry's semantic conventions 1.44, and those of 1.45 where `OTEL_SEMCONV_STABILITY_OPT_IN` chooses them:
//! nothing else that is written here changed between the two. Attributes that start with `observability.` are ours.
//! A constant that ends with a dot is a prefix: the name of the captured header, or of the flag, follows it.

names! {
    BREAKER_OPEN = "observability.breaker_open",
        "The circuit breaker that rejected a call of this request. Also on the log line.";
    CACHE = "observability.cache.",
        "Prefix; the name of a cache follows. What its last look-up in this request was, if it was no hit: `miss`, `stale`, `coalesced`. Also on the log line.";
    CLIENT_ADDRESS = "client.address",
        "The address of the client: the peer of the connection, without its port.";
    CODE_FILE_PATH = "code.file.path",
        "Log record: the source file (ERROR events, panics).";
    CODE_LINE_NUMBER = "code.line.number",
        "Log record: the line in the source file (ERROR events, panics).";
    CONNECTION_MISSING = "observability.connection_missing",
        "The pool of which this request got no connection. Also on the log line.";
    CONNECTION_WAIT_MS = "observability.connection_wait_ms",
        "Milliseconds that this request waited for a connection of a pool, the last time. Also on the log line.";
    DB_COLLECTION_NAME = "db.collection.name",
        "Query: the table, of a statement with one operation and one table.";
    DB_NAMESPACE = "db.namespace",
        "Query: the database.";
    DB_OPERATION_BATCH_SIZE = "db.operation.batch.size",
        "Query: how many operations a batch has, from two on.";
    DB_OPERATION_NAME = "db.operation.name",
        "Query: the first operation, as it is written.";
    DB_QUERY_SUMMARY = "db.query.summary",
        "Query: operations and tables in their order, such as `SELECT songs artists`; at most 255 bytes.";
    DB_QUERY_TEXT = "db.query.text",
        "Query: the statement with `?` for every value; at most 2,048 bytes.";
    DB_RESPONSE_RETURNED_ROWS = "db.response.returned_rows",
        "Query: how many rows were returned, as sqlx says.";
    DB_RESPONSE_STATUS_CODE = "db.response.status_code",
        "Query: the code of the error, such as an SQLSTATE.";
    DB_SYSTEM_NAME = "db.system.name",
        "Query: the database system, such as `postgresql`.";
    DEPLOYMENT_ENVIRONMENT_NAME = "deployment.environment.name",
        "Resource: the environment, such as `production`.";
    DURATION_MS = "observability.duration_ms",
        "Log record of a request: milliseconds from its arrival to the last byte or trailer of the response.";
    ERROR_TYPE = "error.type",
        "The status code as text (gRPC: by name), an outcome such as `panic`, or a word of `names::word`. Absent on success.";
    EXCEPTION_MESSAGE = "exception.message",
        "The text of the error given to `request::error`, or the message of a gRPC status.";
    EXCEPTION_STACKTRACE = "exception.stacktrace",
        "The causes of that error, one per line.";
    FEATURE_FLAG = "observability.feature_flag.",
        "Prefix; the key of a feature flag follows, of `request::feature_flag`. Its variant.";
    HTTP_REQUEST_HEADER = "http.request.header.",
        "Prefix; the name of a captured header follows. Its values, as a list.";
    HTTP_REQUEST_METHOD = "http.request.method",
        "The method; `_OTHER` if it is not a known one.";
    HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original",
        "The method as it was sent, if `http.request.method` is `_OTHER`.";
    HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count",
        "Call: the number of the retry, from the second attempt on, where an `AttemptsLayer` counts attempts. Also on the log line.";
    HTTP_REQUEST_BODY_SIZE = "http.request.body.size",
        "Log record of a request, with `Logs::request_size`: size of the request body in bytes, as the request says it.";
    HTTP_RESPONSE_BODY_SIZE = "http.response.body.size",
        "Log record of a request: size of the response body in bytes.";
    HTTP_RESPONSE_HEADER = "http.response.header.",
        "Prefix; the name of a captured header follows. Its values, as a list.";
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code",
        "The status code. gRPC: only if it is not 200.";
    HTTP_ROUTE = "http.route",
        "The matched route; absent if none matched.";
    KEPT = "observability.kept",
        "Why a trace that was not sampled was kept: `error`, `panic`, `slow`, `error_event`, `rare`, `peer`, `requested`, \
         `detailed` (its route is observed in detail, see `/switches`), or the text given to `request::keep`.";
    MESSAGE_DUPLICATE = "observability.message.duplicate",
        "`true` if a message of this id was processed already. Also on the log line.";
    MESSAGE_NEWER_VERSION = "observability.message.newer_version",
        "The version of its key that was processed already, if the message is older. Also on the log line.";
    MESSAGE_OUT_OF_ORDER = "observability.message.out_of_order",
        "`true` if a newer message of its key was processed already. Also on the log line.";
    MESSAGE_WAITED_MS = "observability.message.waited_ms",
        "Milliseconds between the sending of the message and the begin of its processing. Also on the log line.";
    MESSAGING_BATCH_MESSAGE_COUNT = "messaging.batch.message_count",
        "How many messages a batch has.";
    MESSAGING_CONSUMER_GROUP_NAME = "messaging.consumer.group.name",
        "The group of consumers.";
    MESSAGING_DESTINATION_NAME = "messaging.destination.name",
        "The queue or topic.";
    MESSAGING_DESTINATION_PARTITION_ID = "messaging.destination.partition.id",
        "The partition of the queue or topic.";
    KAFKA_OFFSET = "kafka.offset",
        "With `OTEL_SEMCONV_STABILITY_OPT_IN=messaging` what `messaging.kafka.offset` is without.";
    MESSAGING_KAFKA_OFFSET = "messaging.kafka.offset",
        "The offset of the message in its partition.";
    MESSAGING_MESSAGE_ID = "messaging.message.id",
        "The id of the message.";
    MESSAGING_OPERATION_NAME = "messaging.operation.name",
        "The system's own word, such as `ack`; else the type. If the system is set.";
    MESSAGING_OPERATION_TYPE = "messaging.operation.type",
        "`send`, `receive`, `process` or `settle`, if the system is set.";
    MESSAGING_SYSTEM = "messaging.system",
        "The kind of broker, such as `kafka`.";
    MESSAGING_SYSTEM_NAME = "messaging.system.name",
        "With `OTEL_SEMCONV_STABILITY_OPT_IN=messaging` what `messaging.system` is without.";
    NETWORK_PEER_ADDRESS = "network.peer.address",
        "The address of the peer of the connection.";
    NETWORK_PEER_PORT = "network.peer.port",
        "The port of the peer of the connection.";
    NETWORK_PROTOCOL_NAME = "network.protocol.name",
        "`http`; gRPC only.";
    NETWORK_PROTOCOL_VERSION = "network.protocol.version",
        "`1.0`, `1.1`, `2`, `3`.";
    OUTCOME = "observability.outcome",
        "How it ended: `ok`, `client_error`, `server_error`, `cancelled`, `timeout`, `panic`, `body_error`, `upgraded`.";
    REPORT_ID = "observability.report_id",
        "The id of the error report of this request, message or job. Also on the log line.";
    REQUEST_ID = "observability.request_id",
        "The request's id, as in `x-request-id`.";
    RETRY = "observability.retry",
        "How the retries of a call in this request ended: `gave_up`, `out_of_budget`, `not_retryable`. Also on the log line.";
    RETRY_ATTEMPTS = "observability.retry_attempts",
        "How often that call was tried. Also on the log line.";
    RETRY_REASON = "observability.retry_reason",
        "Why that call must not be tried again, if it must not. Also on the log line.";
    ROLLED_BACK = "observability.rolled_back",
        "`true` if a transaction of this request failed or was given up. Also on the log line.";
    ROUTE_PRIORITY = "observability.route.priority",
        "Request: `high`, `medium` or `low`, if the layer states one for the route. Also on the log line.";
    RPC_METHOD = "rpc.method",
        "gRPC: `pkg.Service/Method`; `_OTHER` until an implementation has answered for that method.";
    RPC_METHOD_ORIGINAL = "rpc.method_original",
        "gRPC: the method as it was requested, if `rpc.method` is `_OTHER`.";
    RPC_REQUEST_HEADER = "rpc.request.header.",
        "gRPC: with `OTEL_SEMCONV_STABILITY_OPT_IN=rpc` what `rpc.request.metadata.` is without.";
    RPC_REQUEST_METADATA = "rpc.request.metadata.",
        "gRPC: prefix for captured request headers, instead of `http.request.header.`.";
    RPC_RESPONSE_HEADER = "rpc.response.header.",
        "gRPC: with `OTEL_SEMCONV_STABILITY_OPT_IN=rpc` what `rpc.response.metadata.` is without.";
    RPC_RESPONSE_METADATA = "rpc.response.metadata.",
        "gRPC: prefix for captured response headers, instead of `http.response.header.`.";
    RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code",
        "gRPC: the name of the status, such as `OK` or `DEADLINE_EXCEEDED`.";
    RPC_STATUS_CODE = "rpc.status_code",
        "gRPC: with `OTEL_SEMCONV_STABILITY_OPT_IN=rpc` what `rpc.response.status_code` is without.";
    RPC_SYSTEM_NAME = "rpc.system.name",
        "`grpc`; gRPC only.";
    SERVER_ADDRESS = "server.address",
        "The host that was requested.";
    SERVER_PORT = "server.port",
        "The port that was requested.";
    SERVICE_INSTANCE_ID = "service.instance.id",
        "Resource: this process. A UUID unless you set it.";
    SERVICE_NAME = "service.name",
        "Resource: the name of the service.";
    SERVICE_NAMESPACE = "service.namespace",
        "Resource: the group that the service belongs to.";
    SERVICE_VERSION = "service.version",
        "Resource: the version of the service.";
    SLOW_QUERY = "observability.slow_query",
        "The slowest query of this request, if it is slow (`OBSERVABILITY_LOG_SLOW`): its summary. Also on the log line.";
    SLOW_QUERY_MS = "observability.slow_query_ms",
        "Milliseconds that this query took. Also on the log line.";
    TARGET = "observability.target",
        "The module that a `tracing` span of the application comes from.";
    TELEMETRY_DISTRO_NAME = "telemetry.distro.name",
        "Resource: `tower-observability`.";
    TELEMETRY_DISTRO_VERSION = "telemetry.distro.version",
        "Resource: the version of this crate.";
    TELEMETRY_SDK_LANGUAGE = "telemetry.sdk.language",
        "Resource: `rust`.";
    TELEMETRY_SDK_NAME = "telemetry.sdk.name",
        "Resource: `tower-observability`.";
    TELEMETRY_SDK_VERSION = "telemetry.sdk.version",
        "Resource: the version of this crate.";
    THREAD_NAME = "thread.name",
        "Log record: the thread that panicked.";
    TTFB_MS = "observability.ttfb_ms",
        "Milliseconds from the arrival of the request until the response head is sent.";
    URL_FULL = "url.full",
        "Call: the URL without credentials; path and query are redacted as in `url.path` and `url.query`.";
    URL_PATH = "url.path",
        "The path as requested, except for what `redact_path` hides.";
    URL_QUERY = "url.query",
        "The query. All values are redacted except those listed with `show_query`.";
    URL_SCHEME = "url.scheme",
        "`http` or `https`.";
    USER_AGENT_ORIGINAL = "user_agent.original",
        "The `user-agent` header.";
}

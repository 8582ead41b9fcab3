//! The attributes of spans, log records and the resource (OpenTelemetry semantic conventions 1.44).

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
        "The status code as text, gRPC's by name, or a word of the closed set; absent on success.";
    EXCEPTION_MESSAGE = "exception.message",
        "The text of an error that the service noted, or the message of a gRPC status.";
    EXCEPTION_STACKTRACE = "exception.stacktrace",
        "The texts of the noted error's causes, one a line.";
    HTTP_REQUEST_HEADER = "http.request.header.",
        "Before the name of a captured header: its values, a list.";
    HTTP_REQUEST_METHOD = "http.request.method",
        "The method, or `_OTHER`.";
    HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original",
        "The method as sent, where it is `_OTHER`.";
    HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count",
        "Which attempt a call is, from the second on, where an `AttemptsLayer` counts them; on its line as well.";
    HTTP_RESPONSE_BODY_SIZE = "http.response.body.size",
        "Log record: bytes of the body (request's record).";
    HTTP_RESPONSE_HEADER = "http.response.header.",
        "Before the name of a captured header: its values, a list.";
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code",
        "The status code; of gRPC only one that is not 200.";
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
    NETWORK_PROTOCOL_NAME = "network.protocol.name",
        "`http` (gRPC).";
    NETWORK_PROTOCOL_VERSION = "network.protocol.version",
        "`1.0`, `1.1`, `2`, `3`.";
    OUTCOME = "observability.outcome",
        "How the hop ended: `ok`, `client_error`, `server_error`, `cancelled`, `timeout`, `panic`, `body_error`, `upgraded`.";
    REQUEST_ID = "observability.request_id",
        "The request's id, as in `x-request-id`.";
    RPC_METHOD = "rpc.method",
        "gRPC: `pkg.Service/Method`; `_OTHER` where nobody has shown that it exists.";
    RPC_METHOD_ORIGINAL = "rpc.method_original",
        "gRPC: the method as asked for, where it is `_OTHER`.";
    RPC_REQUEST_METADATA = "rpc.request.metadata.",
        "gRPC: before the name of a captured header, in the place of `http.request.header.`.";
    RPC_RESPONSE_METADATA = "rpc.response.metadata.",
        "gRPC: before the name of a captured header, in the place of `http.response.header.`.";
    RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code",
        "gRPC: the status by name, such as `OK` or `DEADLINE_EXCEEDED`.";
    RPC_SYSTEM_NAME = "rpc.system.name",
        "`grpc`.";
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
        "Milliseconds from the request until the response's head leaves.";
    URL_FULL = "url.full",
        "The URL of a call, without credentials; path and query as in `url.path` and `url.query`.";
    URL_PATH = "url.path",
        "The path as asked for, but for what `redact_path` hides.";
    URL_QUERY = "url.query",
        "The query, every value redacted but for those of `show_query`.";
    URL_SCHEME = "url.scheme",
        "`http` or `https`.";
    USER_AGENT_ORIGINAL = "user_agent.original",
        "The header `user-agent`.";
}

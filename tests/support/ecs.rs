//! The fields of a line in the format `ecs`, as Elastic Common Schema has them.

/// The schema's version from which these types were read: the index templates and the field list in `generated` of
/// elastic/ecs. `@timestamp`, `message`, `labels`, `process.*` and `url.path` are as they were in 8.12.
pub const READ_FROM: &str = "9.3.0";

/// The fields that we write beside labels, with the schema's types.
pub const FIELDS: [(&str, &str); 32] = [
    ("client.address", "keyword"),
    ("@timestamp", "date"),
    ("ecs.version", "keyword"),
    ("error.message", "match_only_text"),
    ("error.stack_trace", "wildcard"),
    ("error.type", "keyword"),
    ("event.dataset", "keyword"),
    ("event.duration", "long"),
    ("event.outcome", "keyword"),
    ("http.request.id", "keyword"),
    ("http.request.method", "keyword"),
    ("http.request.body.bytes", "long"),
    ("http.response.body.bytes", "long"),
    ("http.response.status_code", "long"),
    ("log.level", "keyword"),
    ("log.logger", "keyword"),
    ("log.origin.file.line", "long"),
    ("log.origin.file.name", "keyword"),
    ("message", "match_only_text"),
    ("process.pid", "long"),
    ("process.thread.name", "keyword"),
    ("service.environment", "keyword"),
    ("server.address", "keyword"),
    ("server.port", "long"),
    ("service.name", "keyword"),
    ("service.node.name", "keyword"),
    ("service.version", "keyword"),
    ("span.id", "keyword"),
    ("trace.id", "keyword"),
    ("transaction.id", "keyword"),
    ("url.path", "wildcard"),
    ("user_agent.original", "keyword"),
];

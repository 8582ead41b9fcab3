//! The tags of a span in Zipkin's JSON, beside its attributes and those of its resource.

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

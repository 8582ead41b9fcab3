//! Tags of a span in Zipkin's JSON, in addition to its attributes and those of the resource.
//!
//! All tags are text. `service.name` is no tag but the local endpoint.

names! {
    DROPPED_ATTRIBUTES = "otel.dropped_attributes_count",
        "Number of attributes dropped because of a limit; absent if none was.";
    DROPPED_LINKS = "otel.dropped_links_count",
        "Number of links dropped because of a limit; absent if none was.";
    ERROR = "error",
        "The description of a failed span, often empty; absent on success.";
    LIBRARY_NAME = "otel.library.name",
        "The old name of `otel.scope.name`.";
    LIBRARY_VERSION = "otel.library.version",
        "The old name of `otel.scope.version`.";
    LINK = "otlp.link.",
        "Prefix; the number of a link follows. Trace id, span id, trace state, attributes and dropped count, separated by `|`.";
    SCOPE_NAME = "otel.scope.name",
        "`tower-observability`.";
    SCOPE_VERSION = "otel.scope.version",
        "The version of this crate.";
    STATUS_CODE = "otel.status_code",
        "`ERROR` on a failed span; absent on success.";
    TRACESTATE = "w3c.tracestate",
        "The `tracestate`, if there is one.";
}

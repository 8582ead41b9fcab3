//! The header names.

use http::HeaderName;

/// W3C trace context, the parent.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// W3C trace context, the vendors' list.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// W3C baggage.
pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// The request's id, echoed on the response and forwarded on every call.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Zipkin's B3 in one header.
pub const B3: HeaderName = HeaderName::from_static("b3");
/// B3 in several headers: the trace.
pub const B3_TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
/// B3 in several headers: the span.
pub const B3_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
/// B3 in several headers: the span's parent.
pub const B3_PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
/// B3 in several headers: the decision.
pub const B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
/// B3 in several headers: the debug flag.
pub const B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");
/// Jaeger's trace, span and flags.
pub const UBER_TRACE_ID: HeaderName = HeaderName::from_static("uber-trace-id");
/// The response's trace, where a layer is told to say it.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

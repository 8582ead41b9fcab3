//! Names of HTTP headers that are read or written.
//!
//! Which formats of trace context are in use is the choice of `OTEL_PROPAGATORS`. B3 is read in both of its encodings,
//! whichever of `b3` and `b3multi` is listed.

use http::HeaderName;

/// A constant for each name, and all of them as a table.
macro_rules! headers {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        $(
            #[doc = concat!("`", $text, "`: ", $about)]
            pub const $name: HeaderName = HeaderName::from_static($text);
        )+

        /// Every name of this group with its description.
        pub const TABLE: &[(&str, &str)] = &[$(($text, $about)),+];
    };
}

headers! {
    TRACEPARENT = "traceparent",
        "W3C trace context, level 2: the trace and the parent span. Read and written.";
    TRACESTATE = "tracestate",
        "W3C trace context: the list of vendors. Read and written.";
    BAGGAGE = "baggage",
        "W3C baggage. Read; written on calls to the hosts listed with `baggage_to`.";
    REQUEST_ID = "x-request-id",
        "The id of the request. Read, returned on the response, written on calls.";
    B3 = "b3",
        "B3 in one header: trace, span, sampling decision. Read before the other B3 headers; written with `b3`.";
    B3_TRACE_ID = "x-b3-traceid",
        "B3 in several headers: the trace, 16 or 32 digits. Read; written with `b3multi`, always with 32 digits.";
    B3_SPAN_ID = "x-b3-spanid",
        "B3 in several headers: the span. Read; written with `b3multi`.";
    B3_PARENT_SPAN_ID = "x-b3-parentspanid",
        "B3 in several headers: the parent of the span. Not read, and removed from calls.";
    B3_SAMPLED = "x-b3-sampled",
        "B3 in several headers: the sampling decision; ours if absent. Read; written with `b3multi`.";
    B3_FLAGS = "x-b3-flags",
        "B3 in several headers: `1` means debug, which is sampled and passed on. Read; written with `b3multi`.";
    UBER_TRACE_ID = "uber-trace-id",
        "Jaeger: trace, span, flags. Read and written with `jaeger`.";
    FORWARDED = "forwarded",
        "RFC 7239: what proxies say of the original request. Read with `Proxies::forwarded`.";
    X_FORWARDED_FOR = "x-forwarded-for",
        "Whom proxies were called by. Read with `trusted_proxies`.";
    X_FORWARDED_HOST = "x-forwarded-host",
        "The host that the client asked for. Read with `trusted_proxies`.";
    X_FORWARDED_PROTO = "x-forwarded-proto",
        "The scheme that the client used. Read with `trusted_proxies`.";
    PEER = "observability-peer",
        "Where the sender is told that a trace is kept: host and port of its admin listener; on a response `;kept` behind it if \
         the trace is kept. Read from and written to the services of `OBSERVABILITY_TRACES_PEERS`, in traces that are not sampled.";
    SERVER_TIMING = "server-timing",
        "The trace of the response, if the layer has `server_timing()`. Written.";
}

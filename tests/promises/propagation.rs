//! Promise: who called, and what travels beside the call, is read and sent on as W3C trace context and baggage say,
//! whatever a stranger sends.

mod baggage;
mod properties;
mod trace_context;

use http::{HeaderMap, HeaderName, HeaderValue};
use tower_observability::context::{Flags, SpanId, TraceContext, TraceId, Tracestate};
use tower_observability::propagation::{self, Carrier};

/// The headers of one call that a service makes.
struct Sent(HeaderMap);

impl Sent {
    /// The one valid `traceparent` that every call carries.
    fn trace(&self) -> TraceContext {
        let values = self.0.values_of("traceparent");
        assert_eq!(values.len(), 1, "one traceparent, not {values:?}");
        assert!(values[0].starts_with(b"00-"), "version 00, whatever came in");
        TraceContext::from_traceparent(values[0]).expect("a valid traceparent")
    }

    /// The list of vendors, which must be valid if it is there at all.
    fn tracestate(&self) -> Tracestate {
        let values = self.0.values_of("tracestate");
        let list = Tracestate::parse(values.iter().copied());
        assert!(values.iter().all(|value| value.is_empty()) || !list.is_empty(), "{values:?}");
        list
    }
}

fn headers(received: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in received {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
    }
    headers
}

/// What a service of ours sends on each of its calls while it serves a request with these headers.
fn calls(received: &[(&str, &str)], count: usize) -> Vec<Sent> {
    let remote = propagation::extract(&headers(received));
    let (trace_id, flags) = match remote.trace {
        Some(caller) => (caller.trace_id, caller.flags),
        None => (TraceId::random(), Flags::RANDOM.with_sampled(true)),
    };
    let call = |_| {
        let trace = TraceContext { trace_id, span_id: SpanId::random(), flags };
        let mut headers = HeaderMap::new();
        headers.put("traceparent", String::from_utf8(trace.to_traceparent().into()).expect("ASCII"));
        if !remote.tracestate.is_empty() {
            headers.put("tracestate", remote.tracestate.as_str().to_owned());
        }
        Sent(headers)
    };
    (0..count).map(call).collect()
}

/// What a service of ours sends on its one call.
fn hop(received: &[(&str, &str)]) -> Sent {
    calls(received, 1).remove(0)
}

#[test]
fn a_request_id_is_taken_only_if_it_is_harmless_and_alone() {
    let id = |received: &[(&str, &str)]| propagation::extract(&headers(received)).request_id;
    assert_eq!(id(&[("X-Request-Id", "order-4711")]).unwrap().as_str(), "order-4711");
    assert_eq!(id(&[("x-request-id", &"x".repeat(128))]).unwrap().as_str(), "x".repeat(128));
    for refused in ["", "two words", "tab\there", "\u{e9}", &"x".repeat(129)] {
        assert!(id(&[("x-request-id", refused)]).is_none(), "{refused:?}");
    }
    assert!(id(&[("x-request-id", "one"), ("x-request-id", "two")]).is_none());
    assert!(id(&[]).is_none());
}

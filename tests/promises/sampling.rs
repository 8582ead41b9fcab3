//! Promise: a trace is kept whole or not at all, and what is decided once is passed on.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::context::Flags;
use tower_observability::request;
use tower_observability::testing::Instance;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
// The trace id's last 56 bits are 0xce929d0e0e4736: kept by a sampler of 25 % (threshold c), not by one of 6.25 %.
const KEPT: &str = "ot=th:c";
const NOT_KEPT: &str = "ot=th:f";

/// What was seen of one request, and of the one call that its handler made.
struct Outcome {
    flags: Flags,
    call: HeaderMap,
    spans: usize,
    lines: usize,
}

async fn served(headers: &[(&'static str, String)]) -> Outcome {
    let seen = Instance::new();
    let sent = Arc::new(Mutex::new(HeaderMap::new()));
    let flags = Arc::new(Mutex::new(Flags::NONE));
    let remote = {
        let sent = Arc::clone(&sent);
        service_fn(move |call: Request<String>| {
            *sent.lock().unwrap() = call.headers().clone();
            async { Ok::<_, Infallible>(Response::new(String::new())) }
        })
    };
    let client = seen.client_layer().layer(remote);
    let handler = {
        let flags = Arc::clone(&flags);
        service_fn(move |_: Request<String>| {
            *flags.lock().unwrap() = request::trace().unwrap().flags;
            let mut client = client.clone();
            async move {
                let call = Request::get("http://payments.example/").body(String::new()).unwrap();
                client.ready().await?.call(call).await?;
                Ok::<_, Infallible>(Response::new(String::new()))
            }
        })
    };
    let mut request = Request::get("http://bookings.example/").body(String::new()).unwrap();
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    let response = seen.layer().layer(handler).oneshot(request).await.unwrap();
    drop(response);
    let (flags, call) = (*flags.lock().unwrap(), sent.lock().unwrap().clone());
    Outcome { flags, call, spans: seen.spans().len(), lines: seen.lines().len() }
}

fn parent(flags: &str, tracestate: &str) -> Vec<(&'static str, String)> {
    vec![
        ("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-{flags}")),
        ("tracestate", tracestate.to_owned()),
    ]
}

impl Outcome {
    fn sent(&self, name: &str) -> &str {
        self.call.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[tokio::test]
async fn a_trace_that_starts_here_is_kept_and_its_id_is_random() {
    let seen = served(&[]).await;
    assert_eq!(seen.flags.byte(), 0x03);
    assert!(seen.sent("traceparent").ends_with("-03"));
    // What is kept without a probability says none.
    assert_eq!(seen.sent("tracestate"), "");
    assert_eq!(seen.spans, 2);
}

#[tokio::test]
async fn the_callers_decision_is_followed_and_passed_on_with_its_bits() {
    for (flags, spans) in [("00", 0), ("01", 2), ("02", 0), ("03", 2)] {
        let seen = served(&parent(flags, "vendor=1")).await;
        assert_eq!(seen.spans, spans, "{flags}");
        assert!(seen.sent("traceparent").starts_with(&format!("00-{TRACE}-")), "{flags}");
        assert!(seen.sent("traceparent").ends_with(flags), "{}", seen.sent("traceparent"));
        assert_eq!(seen.sent("tracestate"), "vendor=1");
    }
}

#[tokio::test]
async fn a_request_that_is_not_sampled_still_has_its_line() {
    let seen = served(&parent("00", "vendor=1")).await;
    assert_eq!((seen.spans, seen.lines > 0), (0, true));
}

#[tokio::test]
async fn a_threshold_travels_on_while_it_is_true() {
    assert_eq!(served(&parent("03", KEPT)).await.sent("tracestate"), KEPT);
    assert_eq!(served(&parent("02", NOT_KEPT)).await.sent("tracestate"), NOT_KEPT);
}

#[tokio::test]
async fn a_threshold_that_the_sampled_flag_contradicts_is_erased() {
    assert_eq!(served(&parent("03", NOT_KEPT)).await.sent("tracestate"), "");
    let list = format!("vendor=1,{KEPT};rv:ce929d0e0e4736");
    let erased = served(&parent("02", &list)).await;
    assert!(erased.sent("tracestate").contains("vendor=1"));
    assert!(erased.sent("tracestate").contains("ot=rv:ce929d0e0e4736"), "{}", erased.sent("tracestate"));
}

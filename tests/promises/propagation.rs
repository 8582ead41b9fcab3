//! Promise: who called, and what travels beside the call, is read and sent on as W3C trace context and baggage say,
//! whatever a stranger sends.

mod baggage;
mod environment;
mod formats;
mod properties;
mod trace_context;

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Empty;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::context::{TraceContext, Tracestate};
use tower_observability::propagation::{self, Carrier};
use tower_observability::testing::Instance;

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

/// What a service of ours sends on each of its calls while it serves a request with these headers: through the
/// server's layer, a handler, the client's layer.
fn calls(received: &[(&str, &str)], count: usize) -> Vec<Sent> {
    calls_of(&Instance::new(), received, count)
}

fn calls_of(seen: &Instance, received: &[(&str, &str)], count: usize) -> Vec<Sent> {
    let client = seen.client_layer();
    let handler = tower::service_fn(move |_: Request<()>| {
        let client = client.clone();
        async move {
            let mut sent = Vec::new();
            for _ in 0..count {
                let call = Request::get("http://callee/").body(()).unwrap();
                let answer = client.layer(tower::service_fn(mirror)).oneshot(call).await?;
                sent.push(answer.headers().clone());
            }
            let mut response = Response::new(Empty::<Bytes>::new());
            response.extensions_mut().insert(sent);
            Ok::<_, Infallible>(response)
        }
    });
    let mut request = Request::get("/").body(()).unwrap();
    *request.headers_mut() = headers(received);
    let served = seen.layer().layer(handler).oneshot(request);
    let mut response = served.now_or_never().expect("nothing waits").unwrap();
    let sent: Vec<HeaderMap> = response.extensions_mut().remove().expect("what the handler left");
    sent.into_iter().map(Sent).collect()
}

/// Answers with the headers that it was asked with.
async fn mirror(request: Request<()>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.headers_mut() = request.headers().clone();
    Ok(response)
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

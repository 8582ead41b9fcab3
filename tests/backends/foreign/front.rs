//! A Rust service in front of the one in Python: a stranger's request comes in, a call goes out.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, Observed, side};

use crate::support::workshop::order;

type Http = Client<HttpConnector, Full<Bytes>>;

/// It trusts its callers, unlike the gateway.
pub(super) struct Front {
    seen: Instance,
    python: String,
    client: Observed<Http, side::Client>,
}

impl Front {
    /// Its baggage goes to these hosts.
    pub(super) fn new<const N: usize>(python: &str, baggage_to: [&str; N]) -> Self {
        let seen = Instance::new();
        let http = Client::builder(TokioExecutor::new()).build_http();
        let client = seen.client_layer().baggage_to(baggage_to).layer(http);
        Self { seen, python: format!("{python}/bookings"), client }
    }

    /// One request with these headers, and in it one call to Python, which succeeds.
    pub(super) async fn book(&self, customer_id: u64, headers: &[(&str, &str)]) {
        let handler = service_fn(async |_: Request<String>| {
            let call = Request::post(&self.python).header("content-type", "application/json");
            let call = call.body(Full::from(order(customer_id).to_string())).unwrap();
            let answer = self.client.clone().ready().await.unwrap().call(call).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            answer.into_body().collect().await.unwrap();
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        let mut request = Request::post("http://front.example/bookings");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(String::new()).unwrap();
        drop(self.seen.layer().layer(handler).oneshot(request).await.unwrap());
    }

    /// The span of the call.
    pub(super) fn call(&self) -> Span {
        let mut spans = self.seen.spans().into_iter().filter(|span| span.kind == Kind::Client);
        spans.next().unwrap()
    }
}

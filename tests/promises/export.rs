//! Promise: what a service recorded arrives at the collector, field by field, and what does not is counted.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;

use http::{Request, Response};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{SpanFlags, span::SpanKind, status::StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::{ObservabilityLayer, Outcome, Trust, Work, propagation, request};

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{self, Answer, Collected, Collector, the_one};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[test]
fn program() {
    run(&[("story", story), ("many", many)]);
}

/// Runs what a service does between `init` and `shutdown`, and prints the report.
fn service<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        work().await;
        println!("report: {}", observability.shutdown().await.spans);
    });
}

fn parent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

async fn ask(layer: &ObservabilityLayer, status: u16, route: &'static str, build: http::request::Builder) {
    let handler = service_fn(move |_: Request<String>| async move {
        request::route(route);
        request::add("customer_id", 4711);
        if status == 500 {
            request::error(&std::io::Error::other("no seats"));
        }
        Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap())
    });
    let request = build.body(String::new()).unwrap();
    drop(layer.clone().layer(handler).oneshot(request).await.unwrap());
}

/// One of each kind.
fn story() {
    service(|| async {
        let layer = ObservabilityLayer::new();
        let uri = "http://api.example:8080/users/7?token=s3cr3t";
        let first = Request::get(uri).header("traceparent", parent()).header("user-agent", "curl/8");
        ask(&layer, 200, "/users/{id}", first).await;
        ask(&layer, 404, "/missing", Request::post("http://api.example/missing")).await;
        ask(&layer, 500, "/broken", Request::put("http://api.example/broken")).await;
        let edge = ObservabilityLayer::new().trust(Trust::Link);
        ask(&edge, 200, "/edge", Request::get("/edge").header("traceparent", parent())).await;
        call().await;
        let message =
            [("traceparent".to_owned(), parent())].into_iter().collect::<std::collections::HashMap<_, _>>();
        let work = Work::consumer("process booking").system("kafka").destination("bookings");
        work.link(propagation::extract(&message))
            .run(async {
                request::outcome(Outcome::Timeout);
            })
            .await;
    });
}

async fn call() {
    let remote = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::builder().status(404).body(String::new()).unwrap())
    });
    let mut client = ObservabilityLayer::client().layer(remote);
    let request = Request::get("http://me:s3cr3t@pay.example/pay?sig=s3cr3t").body(String::new()).unwrap();
    drop(client.ready().await.unwrap().call(request).await.unwrap());
}

/// Four hundred traces that start here.
fn many() {
    service(|| async {
        let layer = ObservabilityLayer::new();
        for _ in 0..400 {
            ask(&layer, 200, "/", Request::get("/")).await;
        }
    });
}

fn child(program: &str, collector: &Collector) -> Child {
    Child::new("export", program).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
}

/// The one span of this name.
fn named<'a>(spans: &'a [Collected], name: &str) -> &'a Collected {
    the_one(spans, name, |seen| seen.span.name == name)
}

fn names(seen: &Collected) -> BTreeSet<&str> {
    collector::names(&seen.span.attributes)
}

/// A span without a status has the code `Unset`.
fn status(seen: &Collected) -> (StatusCode, &str, String) {
    let status = seen.span.status.as_ref();
    let code = status.map_or(StatusCode::Unset, |status| status.code());
    (code, status.map_or("", |status| &status.message), seen.text("error.type"))
}

fn ran_story() -> (Vec<Collected>, Ended) {
    let collector = Collector::start();
    let ended = child("story", &collector).end().well();
    (collector.spans(), ended)
}

#[test]
fn every_field_of_a_request_that_was_served_is_by_the_conventions() {
    let (spans, ended) = ran_story();
    let seen = named(&spans, "GET /users/{id}");
    assert_eq!(seen.span.kind(), SpanKind::Server);
    assert_eq!((seen.trace_id(), seen.parent_id()), (TRACE.to_owned(), CALLER.to_owned()));
    let remote = SpanFlags::ContextHasIsRemoteMask as u32 | SpanFlags::ContextIsRemoteMask as u32;
    assert_eq!(seen.span.flags, 0x01 | remote);
    let required = [
        ("http.request.method", "GET"),
        ("http.route", "/users/{id}"),
        ("network.protocol.version", "1.1"),
        ("observability.outcome", "ok"),
        ("server.address", "api.example"),
        ("url.path", "/users/7"),
        ("url.query", "token=REDACTED"),
        ("url.scheme", "http"),
        ("user_agent.original", "curl/8"),
    ];
    for (name, value) in required {
        assert_eq!(seen.attribute(name), Some(&Value::StringValue(value.to_owned())), "{name}");
    }
    for (name, value) in [("http.response.status_code", 200), ("server.port", 8080), ("customer_id", 4711)] {
        assert_eq!(seen.attribute(name), Some(&Value::IntValue(value)), "{name}");
    }
    let optional = ["observability.request_id", "observability.ttfb_ms"];
    assert!(optional.iter().all(|name| names(seen).contains(name)), "{:?}", names(seen));
    assert_eq!(names(seen).len(), required.len() + 3 + optional.len(), "{:?}", names(seen));
    assert_eq!(status(seen), (StatusCode::Unset, "", String::new()));
    assert!(!format!("{spans:?}{:?}", ended.output).contains("s3cr3t"));
}

#[test]
fn status_and_error_type_follow_the_side_that_failed() {
    let (spans, _) = ran_story();
    assert_eq!(status(named(&spans, "POST /missing")), (StatusCode::Unset, "", String::new()));
    let broken = named(&spans, "PUT /broken");
    assert_eq!(status(broken), (StatusCode::Error, "no seats", "500".to_owned()));
    assert_eq!(broken.text("exception.message"), "no seats");
    let call = named(&spans, "GET");
    assert_eq!(status(call), (StatusCode::Error, "", "404".to_owned()));
    assert_eq!(status(named(&spans, "process booking")).2, "timeout");
}

#[test]
fn a_call_names_its_destination_and_no_secret() {
    let (spans, _) = ran_story();
    let call = named(&spans, "GET");
    assert_eq!(call.span.kind(), SpanKind::Client);
    assert_eq!(call.text("server.address"), "pay.example");
    assert_eq!(call.attribute("server.port"), Some(&Value::IntValue(80)));
    assert_eq!(call.text("url.full"), "http://pay.example/pay?sig=REDACTED");
}

#[test]
fn links_and_messages_keep_the_other_trace_at_arms_length() {
    let (spans, _) = ran_story();
    for (name, kind) in [("GET /edge", SpanKind::Server), ("process booking", SpanKind::Consumer)] {
        let seen = named(&spans, name);
        assert_eq!(seen.span.kind(), kind);
        assert!(seen.trace_id() != TRACE && seen.parent_id().is_empty(), "{name}");
        let [link] = &seen.span.links[..] else { panic!("{:?}", seen.span.links) };
        assert_eq!(link.trace_id, u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes());
        assert_eq!(link.span_id, u64::from_str_radix(CALLER, 16).unwrap().to_be_bytes());
        assert_eq!(link.flags & 0x01, 0x01);
    }
    let message = named(&spans, "process booking");
    assert_eq!(message.text("messaging.system"), "kafka");
    assert_eq!(message.text("messaging.destination.name"), "bookings");
    assert_eq!(message.text("messaging.operation.type"), "process");
}

#[test]
fn every_span_says_which_service_and_which_library_it_is_from() {
    let (spans, _) = ran_story();
    let instances: BTreeSet<_> = spans.iter().map(|seen| seen.resource("service.instance.id")).collect();
    assert_eq!((spans.len(), instances.len()), (6, 1));
    for seen in &spans {
        assert_eq!(seen.resource("service.name"), "bookings");
        assert_eq!(seen.resource("telemetry.sdk.language"), "rust");
        assert!(
            !seen.resource("telemetry.sdk.name").is_empty()
                && !seen.resource("telemetry.sdk.version").is_empty()
        );
        assert_eq!(seen.resource("telemetry.distro.name"), "tower-observability");
        assert_eq!(seen.scope.name, "tower-observability");
    }
}

#[test]
fn a_share_is_kept_by_the_trace_id_and_says_so() {
    let collector = Collector::start();
    let child = child("many", &collector).env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio");
    child.env("OTEL_TRACES_SAMPLER_ARG", "0.25").end().well();
    let spans = collector.spans();
    // Ten standard deviations: 8.7 each.
    assert!((13..=187).contains(&spans.len()), "{}", spans.len());
    for seen in &spans {
        assert_eq!(seen.span.trace_state, "ot=th:c");
        assert!(seen.span.trace_id[9] >= 0xc0, "{}", seen.trace_id());
        assert_eq!(seen.span.flags & 0x03, 0x03);
    }
}

#[test]
fn what_the_collector_rejects_is_told_and_counted() {
    let collector = Collector::start();
    collector.always(Answer::Partial(2, "too old".to_owned()));
    let ended = child("story", &collector).end().well();
    assert_eq!(ended.said("report: "), "4 delivered, 0 unconfirmed, 2 dropped (rejected 2)");
    let warnings = ended.messages("WARN");
    assert!(warnings.iter().any(|line| line.contains("too old") && line.contains('2')), "{warnings:?}");
}

#[test]
fn a_collector_that_recovers_loses_nothing() {
    let collector = Collector::start();
    collector.next([Answer::Status(503), Answer::Disconnect, Answer::RetryAfter(429, "1".to_owned())]);
    let ended = child("story", &collector).end().well();
    assert_eq!(ended.said("report: "), "6 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!((collector.received().len(), collector.spans().len()), (4, 6));
}

#[test]
fn an_export_is_no_telemetry_and_carries_only_what_was_asked_for() {
    let collector = Collector::start();
    let child =
        child("story", &collector).env("RUST_LOG", "trace").env("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
    let ended = child.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k%C3%A9y").end().well();
    let targets: BTreeSet<_> = ended.logged().iter().map(|line| line["target"].to_string()).collect();
    assert!(
        !targets.iter().any(|target| target.contains("hyper") || target.contains("opentelemetry")),
        "{targets:?}"
    );
    let received = collector.received();
    assert_eq!((received.len(), received[0].spans(), &*received[0].path), (1, 6, "/v1/traces"));
    assert_eq!(received[0].headers["api-key"].as_bytes(), "kéy".as_bytes());
    assert_eq!(received[0].header("content-encoding"), "");
}

//! Promise: spans go straight to Zipkin as its JSON, field by field, and what does not arrive is counted.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{Request, Response};
use serde_json::Value;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::{ObservabilityLayer, Otlp, Traces, Trust, Work, propagation, request};

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{Answer, Collector};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[test]
fn program() {
    run(&[("story", story), ("chosen_in_code", chosen_in_code)]);
}

fn parent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

fn block_on<F: Future<Output = ()>>(work: F) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// One of each kind: five spans.
fn story() {
    block_on(async {
        let observability = tower_observability::init("Bookings").unwrap();
        let layer = ObservabilityLayer::new();
        ask(&layer, 200, Request::get("/users/7").header("traceparent", parent())).await;
        let edge = ObservabilityLayer::new().trust(Trust::Link);
        ask(&edge, 500, Request::post("/users/8").header("traceparent", parent())).await;
        call().await;
        let headers = std::collections::HashMap::from([("traceparent".to_owned(), parent())]);
        let message =
            Work::consumer("process booking").system("kafka").parent(propagation::extract(&headers));
        message.run(async { tracing::info_span!("look up").in_scope(|| ()) }).await;
        println!("report: {}", observability.shutdown().await.spans);
    });
}

/// The address comes from `ADDRESS`, which is no variable of ours.
fn chosen_in_code() {
    block_on(async {
        let otlp = Otlp::new().header("api-key", "s3cr3t");
        let traces = Traces::new().zipkin(std::env::var("ADDRESS").unwrap()).otlp(otlp);
        let observability = tower_observability::builder("bookings").traces(traces).init().unwrap();
        ask(&ObservabilityLayer::new(), 200, Request::get("/users/7")).await;
        println!("report: {}", observability.shutdown().await.spans);
    });
}

async fn ask(layer: &ObservabilityLayer, status: u16, build: http::request::Builder) {
    let handler = service_fn(move |_: Request<String>| async move {
        request::route("/users/{id}");
        request::add("customer_id", 4711);
        if status == 500 {
            request::error(&std::io::Error::other("no seats"));
        }
        Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap())
    });
    drop(layer.clone().layer(handler).oneshot(build.body(String::new()).unwrap()).await.unwrap());
}

async fn call() {
    let remote = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::builder().status(404).body(String::new()).unwrap())
    });
    let mut client = ObservabilityLayer::client().layer(remote);
    let request = Request::get("http://pay.example:8080/pay").body(String::new()).unwrap();
    drop(client.ready().await.unwrap().call(request).await.unwrap());
}

/// A receiver that answers as Zipkin does.
fn zipkin() -> Collector {
    let zipkin = Collector::start();
    zipkin.always(Answer::Status(202));
    zipkin
}

fn address(zipkin: &Collector) -> String {
    format!("{}/api/v2/spans", zipkin.endpoint())
}

fn child(program: &str, zipkin: &Collector) -> Child {
    let child = Child::new("zipkin", program).env("OTEL_EXPORTER_ZIPKIN_ENDPOINT", address(zipkin));
    child.env("OTEL_TRACES_EXPORTER", "zipkin")
}

fn spans(zipkin: &Collector) -> Vec<Value> {
    let received = zipkin.received();
    received.iter().flat_map(|one| serde_json::from_slice::<Vec<Value>>(&one.raw).unwrap()).collect()
}

fn ran_story() -> (Vec<Value>, Ended) {
    let zipkin = zipkin();
    let ended = child("story", &zipkin).end().well();
    (spans(&zipkin), ended)
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name:?} in {spans:#?}"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn micros() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

#[test]
fn every_field_of_a_request_that_was_served_is_zipkins() {
    let before = micros();
    let (spans, ended) = ran_story();
    let seen = named(&spans, "GET /users/{id}");
    let all = ["duration", "id", "kind", "localEndpoint", "name", "parentId", "tags", "timestamp", "traceId"];
    assert_eq!(keys(seen), all, "no other field, `shared` and `debug` least of all");
    assert_eq!(
        (&seen["traceId"], &seen["parentId"], &seen["kind"]),
        (&TRACE.into(), &CALLER.into(), &"SERVER".into())
    );
    assert_eq!(seen["id"].as_str().unwrap().len(), 16);
    assert_eq!(seen["localEndpoint"], serde_json::json!({ "serviceName": "Bookings" }));
    let (timestamp, duration) = (seen["timestamp"].as_u64().unwrap(), seen["duration"].as_u64().unwrap());
    assert!(before <= timestamp && timestamp + duration <= micros(), "{seen}");
    assert!(duration >= 1, "{seen}");
    let tags = [
        ("customer_id", "4711"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/users/{id}"),
        ("observability.outcome", "ok"),
        ("otel.library.name", "tower-observability"),
        ("otel.scope.name", "tower-observability"),
        ("telemetry.sdk.language", "rust"),
        ("url.path", "/users/7"),
    ];
    for (name, value) in tags {
        assert_eq!(seen["tags"][name], value, "{name}");
    }
    assert!(seen["tags"].get("error").is_none() && seen["tags"].get("service.name").is_none(), "{seen}");
    assert_eq!(ended.said("report: "), "5 delivered, 0 unconfirmed, 0 dropped");
}

#[test]
fn a_root_has_no_parent_and_a_link_is_a_tag() {
    let (spans, _) = ran_story();
    let root = named(&spans, "POST /users/{id}");
    assert!(root.get("parentId").is_none() && root["traceId"] != TRACE, "{root}");
    assert_eq!(root["tags"]["otlp.link.0"], format!("{TRACE}|{CALLER}||{{}}|0"));
    let roots = spans.iter().filter(|span| span.get("parentId").is_none()).count();
    assert_eq!(roots, 2, "the call begins a trace as well");
}

#[test]
fn kinds_errors_and_the_other_side_are_told() {
    let (spans, _) = ran_story();
    let failed = named(&spans, "POST /users/{id}");
    assert_eq!(
        (&failed["tags"]["otel.status_code"], &failed["tags"]["error"]),
        (&"ERROR".into(), &"no seats".into())
    );
    let call = named(&spans, "GET");
    assert_eq!((&call["kind"], &call["tags"]["error"]), (&"CLIENT".into(), &"".into()));
    assert_eq!(call["remoteEndpoint"], serde_json::json!({ "serviceName": "pay.example", "port": 8080 }));
    let message = named(&spans, "process booking");
    assert_eq!(
        (&message["kind"], &message["remoteEndpoint"]["serviceName"]),
        (&"CONSUMER".into(), &"kafka".into())
    );
    let inner = named(&spans, "look up");
    assert_eq!((inner.get("kind"), &inner["parentId"]), (None, &message["id"]));
}

#[test]
fn the_start_and_the_first_delivery_are_told() {
    let zipkin = zipkin();
    let ended = child("story", &zipkin).env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cr3t").end().well();
    let address = address(&zipkin);
    let told = ended.messages("INFO");
    assert!(told[0].contains(&format!("traces to {address} as Zipkin's JSON, sampler ")), "{told:?}");
    assert!(told.contains(&format!("traces are delivered to {address}")), "{told:?}");
    assert_eq!(ended.messages("WARN").iter().filter(|line| line.contains("ZIPKIN")).count(), 0);
    let received = zipkin.received();
    assert_eq!((received.len(), &*received[0].path), (1, "/api/v2/spans"));
    assert_eq!(received[0].header("content-type"), "application/json");
    assert_eq!(received[0].header("api-key"), "", "a key of another system");
}

#[test]
fn a_zipkin_that_recovers_loses_nothing() {
    let zipkin = zipkin();
    zipkin.next([Answer::Status(503), Answer::Disconnect, Answer::RetryAfter(429, "1".to_owned())]);
    let ended = child("story", &zipkin).end().well();
    assert_eq!(ended.said("report: "), "5 delivered, 0 unconfirmed, 0 dropped");
    let attempts = spans(&zipkin);
    let ids: BTreeSet<_> = attempts.iter().map(|span| span["id"].to_string()).collect();
    assert_eq!((zipkin.received().len(), attempts.len(), ids.len()), (4, 20, 5), "the same spans each time");
}

#[test]
fn what_zipkin_refuses_is_told_and_counted() {
    let zipkin = zipkin();
    zipkin.always(Answer::Status(500));
    let ended = child("story", &zipkin).end().well();
    assert_eq!(ended.said("report: "), "0 delivered, 0 unconfirmed, 5 dropped (rejected 5)");
    assert_eq!(zipkin.received().len(), 1, "500 is not tried again");
    let warned = ended.messages("WARN");
    let told = format!("traces cannot be delivered to {}: ", address(&zipkin));
    assert!(warned.iter().any(|line| line.starts_with(&told) && line.contains("500")), "{warned:?}");
}

#[test]
fn of_two_exporters_one_gets_the_spans_and_a_warning_says_which() {
    let (collector, zipkin) = (Collector::start(), zipkin());
    let child = child("story", &zipkin).env("OTEL_TRACES_EXPORTER", "otlp,zipkin");
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).end().well();
    assert_eq!((collector.spans().len(), zipkin.received().len()), (5, 0));
    let warned = ended.messages("WARN");
    let told =
        "OTEL_TRACES_EXPORTER=otlp,zipkin is not served: zipkin is ignored, spans leave over OTLP only";
    assert!(warned.iter().any(|line| line.starts_with(told)), "{warned:?}");
}

#[test]
fn the_code_may_choose_zipkin() {
    let zipkin = zipkin();
    let ended = Child::new("zipkin", "chosen_in_code").env("ADDRESS", address(&zipkin)).end().well();
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!((spans(&zipkin).len(), zipkin.received()[0].header("api-key")), (1, ""));
    let warned = ended.messages("WARN");
    let told = "the headers in code=api-key is not served: none is sent to Zipkin";
    assert!(warned.iter().any(|line| line.starts_with(told)), "{warned:?}");
}

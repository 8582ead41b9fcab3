//! The proof of the mapping, field by field, as a JSON reader sees it.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::encode::Encoder;
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId, Tracestate};
use crate::export::{Answer, Body, Delivery, Sent, Transport};
use crate::otlp::Otlp;
use crate::record::{Kind, Value};
use crate::resource::Resource;
use crate::traces::record::tests::a_span as a_record;
use crate::traces::{Finished, Record, Status, Traces};

const TRACE: u128 = 0x4bf92f3577b34da6a3ce929d0e0e4736;
const SPAN: u64 = 0x00f067aa0ba902b7;

fn place(span: u64) -> TraceContext {
    TraceContext {
        trace_id: TraceId::new(TRACE).unwrap(),
        span_id: SpanId::new(span).unwrap(),
        flags: Flags::SAMPLED,
    }
}

/// A root that lasted 1234 nanoseconds.
fn a_span(kind: Kind, attributes: &[(&'static str, Value)]) -> Finished {
    let start = Moment::now();
    Finished {
        name: "GET /users/{id}".into(),
        kind,
        trace: place(SPAN),
        tracestate: Tracestate::default(),
        parent: None,
        parent_is_remote: false,
        attributes: attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
        attributes_dropped: 0,
        status: Status::Unset,
        links: Vec::new(),
        links_dropped: 0,
        start,
        end: start.after_nanos(1_234),
    }
}

fn bookings() -> Resource {
    let mut resource = Resource::default();
    resource.set("service.name", "bookings");
    resource.set("service.namespace", "workshop");
    resource
}

fn all(spans: Vec<Finished>) -> Vec<Json> {
    let encoder = Encoder::new(&bookings());
    let mut array = super::Spans::default();
    for span in spans {
        let mut out = Vec::new();
        encoder.span(&mut out, &span);
        array.add(&out);
    }
    let body = array.end().body;
    serde_json::from_slice(&body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)))
}

fn one(span: Finished) -> Json {
    all(vec![span]).remove(0)
}

/// The tags without those that every span of the process has.
fn own_tags(span: Finished) -> Json {
    let mut tags = one(span)["tags"].take();
    let common = ["otel.scope.name", "otel.scope.version", "otel.library.name", "otel.library.version"];
    for key in common.into_iter().chain(["service.namespace"]) {
        assert!(tags.as_object_mut().unwrap().remove(key).is_some(), "no {key}");
    }
    tags
}

fn remote(kind: Kind, attributes: &[(&'static str, Value)]) -> Json {
    one(a_span(kind, attributes))["remoteEndpoint"].take()
}

#[test]
fn a_root_has_every_field_and_no_parent() {
    let span = a_span(Kind::Server, &[("http.route", "/users/{id}".into())]);
    let start = span.start.unix_nanos() / 1_000;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        one(span),
        json!({
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
            "id": "00f067aa0ba902b7",
            "kind": "SERVER",
            "timestamp": start,
            "duration": 1,
            "name": "GET /users/{id}",
            "localEndpoint": { "serviceName": "bookings" },
            "tags": {
                "http.route": "/users/{id}",
                "otel.library.name": "tower-observability",
                "otel.library.version": version,
                "otel.scope.name": "tower-observability",
                "otel.scope.version": version,
                "service.namespace": "workshop",
            },
        })
    );
}

#[test]
fn a_child_names_its_parent() {
    let mut span = a_span(Kind::Client, &[]);
    span.parent = SpanId::new(0xabc);
    assert_eq!(one(span)["parentId"], "0000000000000abc");
}

#[test]
fn kinds_are_zipkins_words_and_internal_has_none() {
    let word = |kind| one(a_span(kind, &[]))["kind"].take();
    assert_eq!(word(Kind::Server), "SERVER");
    assert_eq!(word(Kind::Client), "CLIENT");
    assert_eq!(word(Kind::Producer), "PRODUCER");
    assert_eq!(word(Kind::Consumer), "CONSUMER");
    assert_eq!(word(Kind::Internal), Json::Null);
}

#[test]
fn durations_are_whole_microseconds_and_never_zero() {
    for (nanos, micros) in [(0, 1), (999, 1), (1_999, 1), (2_000, 2), (3_600_000_000_000, 3_600_000_000_u64)]
    {
        let mut span = a_span(Kind::Server, &[]);
        span.end = span.start.after_nanos(nanos);
        assert_eq!(one(span)["duration"], micros, "{nanos} ns");
    }
    let mut backwards = a_span(Kind::Server, &[]);
    std::mem::swap(&mut backwards.start, &mut backwards.end);
    assert_eq!(one(backwards)["duration"], 1);
}

#[test]
fn the_time_is_the_wall_clocks_in_microseconds() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let said = one(a_span(Kind::Server, &[]))["timestamp"].as_u64().unwrap();
    assert!(Duration::from_micros(said).abs_diff(now) < Duration::from_secs(5), "{said}");
}

#[test]
fn every_value_is_text() {
    let attributes = [
        ("flag", true.into()),
        ("off", false.into()),
        ("status", 500.into()),
        ("below", (-7).into()),
        ("large", u64::MAX.into()),
        ("share", 0.25.into()),
        ("whole", 3.0.into()),
        ("none", f64::NAN.into()),
        ("text", "a \"b\" \u{7}\u{2028}".into()),
    ];
    assert_eq!(
        own_tags(a_span(Kind::Internal, &attributes)),
        json!({
            "flag": "true", "off": "false", "status": "500", "below": "-7", "large": "18446744073709551615",
            "share": "0.25", "whole": "3", "none": "NaN", "text": "a \"b\" \u{7}\u{2028}",
        })
    );
}

#[test]
fn an_error_is_two_tags_and_its_description_may_be_empty() {
    let failed = |description: &'static str, attributes: &[(&'static str, Value)]| {
        let mut span = a_span(Kind::Client, attributes);
        span.status = Status::Error(description.into());
        own_tags(span)
    };
    assert_eq!(failed("no seats", &[]), json!({ "otel.status_code": "ERROR", "error": "no seats" }));
    assert_eq!(failed("", &[]), json!({ "otel.status_code": "ERROR", "error": "" }));
    assert_eq!(
        failed("no seats", &[("error", "no seats".into())]),
        json!({ "otel.status_code": "ERROR", "error": "no seats" })
    );
    assert_eq!(
        failed("no seats", &[("error", true.into())]),
        json!({ "otel.status_code": "ERROR", "error": "no seats", "field_error": "true" })
    );
}

#[test]
fn a_field_named_error_does_not_make_a_good_span_a_failed_one() {
    let good = |value: Value| own_tags(a_span(Kind::Server, &[("error", value)]));
    assert_eq!(good(false.into()), json!({}));
    assert_eq!(good("false".into()), json!({}));
    assert_eq!(good("none to speak of".into()), json!({ "field_error": "none to speak of" }));
}

#[test]
fn links_the_trace_state_and_what_limits_took_are_tags() {
    let mut span = a_span(Kind::Server, &[]);
    span.links = vec![place(1), place(2)];
    span.links_dropped = 3;
    span.attributes_dropped = 4;
    span.tracestate = Tracestate::parse([b"ot=th:c,other=1".as_slice()]);
    assert_eq!(
        own_tags(span),
        json!({
            "otlp.link.0": "4bf92f3577b34da6a3ce929d0e0e4736|0000000000000001||{}|0",
            "otlp.link.1": "4bf92f3577b34da6a3ce929d0e0e4736|0000000000000002||{}|0",
            "otel.dropped_links_count": "3",
            "otel.dropped_attributes_count": "4",
            "w3c.tracestate": "ot=th:c,other=1",
        })
    );
}

#[test]
fn no_tag_is_there_twice_and_none_is_replaced_by_a_users() {
    let mut span =
        a_span(Kind::Server, &[("otel.status_code", "fine".into()), ("service.namespace", "x".into())]);
    span.status = Status::Error("no seats".into());
    let tags = one(span)["tags"].take();
    assert_eq!(
        (&tags["otel.status_code"], &tags["field_otel.status_code"]),
        (&json!("ERROR"), &json!("fine"))
    );
    // The span's own word is nearer than its process's.
    assert_eq!(tags["service.namespace"], "x");
    let both = [("field_error", 1.into()), ("error", "none to speak of".into())];
    let tags = own_tags(a_span(Kind::Server, &both));
    assert_eq!(tags, json!({ "field_error": "1", "field_field_error": "none to speak of" }));
}

#[test]
fn the_other_side_is_named_by_rank() {
    let ranked: [(&'static str, Value); 5] = [
        ("service.peer.name", "payments".into()),
        ("peer.service", "old-payments".into()),
        ("server.address", "payments.example".into()),
        ("network.peer.address", "10.0.0.1".into()),
        ("db.name", "orders".into()),
    ];
    for (place, (_, value)) in ranked.iter().enumerate() {
        let Value::Str(name) = value else { unreachable!() };
        let said = remote(Kind::Client, &ranked[place..]);
        let key = if &**name == "10.0.0.1" { "ipv4" } else { "serviceName" };
        assert_eq!(said, json!({ key: name }), "{place}");
    }
    assert_eq!(remote(Kind::Client, &[("http.route", "/".into())]), Json::Null);
    assert_eq!(remote(Kind::Client, &[("peer.service", "".into())]), Json::Null);
}

#[test]
fn the_other_side_has_its_port_and_its_address() {
    let to = |attributes: &[(&'static str, Value)]| remote(Kind::Client, attributes);
    let host = |host: &'static str| to(&[("server.address", host.into()), ("server.port", 8443.into())]);
    assert_eq!(host("payments.example"), json!({ "serviceName": "payments.example", "port": 8443 }));
    assert_eq!(host("127.0.0.1"), json!({ "serviceName": "127.0.0.1", "ipv4": "127.0.0.1", "port": 8443 }));
    assert_eq!(host("::1"), json!({ "serviceName": "::1", "ipv6": "::1", "port": 8443 }));
    let peer = |address: &'static str, port: Value| {
        to(&[("network.peer.address", address.into()), ("network.peer.port", port)])
    };
    assert_eq!(peer("2001:db8::1", 443.into()), json!({ "ipv6": "2001:db8::1", "port": 443 }));
    assert_eq!(peer("/run/db.sock", 70_000.into()), json!({ "serviceName": "/run/db.sock" }));
}

#[test]
fn a_messages_other_side_is_its_broker_and_a_server_has_none() {
    let broker = [("messaging.system", "kafka".into())];
    assert_eq!(remote(Kind::Producer, &broker), json!({ "serviceName": "kafka" }));
    assert_eq!(remote(Kind::Consumer, &broker), json!({ "serviceName": "kafka" }));
    let host = [("server.address", "api.example".into())];
    assert_eq!(remote(Kind::Server, &host), Json::Null);
    assert_eq!(remote(Kind::Internal, &host), Json::Null);
}

#[test]
fn a_batch_is_one_array() {
    assert_eq!(all(Vec::new()), Vec::<Json>::new());
    assert_eq!(all(vec![a_span(Kind::Server, &[]), a_span(Kind::Internal, &[])]).len(), 2);
}

fn transport(otlp: Otlp) -> Box<dyn Transport<Record>> {
    // No server listens there: what is sent ends in another way.
    super::transport(&Traces::new().otlp(otlp), "http://127.0.0.1:1/api/v2/spans", &bookings()).unwrap()
}

fn with_text(bytes: usize) -> Record {
    let Record::Span(mut span) = a_record() else { unreachable!() };
    span.fields.set("text", &*"x".repeat(bytes));
    Record::Span(span)
}

#[test]
fn no_request_is_larger_than_zipkin_takes_and_every_span_is_in_one() {
    let batch: Vec<_> = (0..5).map(|_| with_text(super::LARGEST / 2 - 2_000)).collect();
    let encoded = transport(Otlp::new()).encode(&batch);
    let sizes: Vec<_> = encoded.payloads.iter().map(|payload| payload.records).collect();
    assert_eq!((sizes, encoded.shortened, encoded.too_large), (vec![2, 2, 1], 0, 0));
    for payload in encoded.payloads {
        let spans: Vec<Json> = serde_json::from_slice(&payload.body).unwrap();
        assert!(spans.len() as u64 == payload.records && payload.body.len() <= super::LARGEST);
    }
}

#[test]
fn a_span_that_alone_is_too_large_is_shortened_or_left_out_and_counted() {
    let batch = [with_text(10), with_text(50_000), with_text(10)];
    let encode = |bytes| transport(Otlp::new().request_size(bytes)).encode(&batch);
    let encoded = encode(20_000);
    assert_eq!((encoded.shortened, encoded.too_large), (1, 0));
    assert_eq!(encoded.payloads.iter().map(|payload| payload.records).sum::<u64>(), 3);
    let encoded = encode(100);
    assert_eq!((encoded.payloads.len(), encoded.shortened, encoded.too_large), (0, 0, 3));
}

#[tokio::test]
async fn where_no_zipkin_listens_the_spans_may_be_sent_again() {
    let mut transport = transport(Otlp::new());
    let payload = transport.encode(&[a_record()]).payloads.remove(0);
    let delivery = transport.send(payload, Duration::from_secs(5), Sent::default()).await;
    assert!(matches!(delivery, Delivery::Unreachable { .. }), "{delivery:?}");
}

#[test]
fn a_page_is_no_answer_of_zipkin() {
    let answer = |status: u16, body: &'static str| {
        let status = http::StatusCode::from_u16(status).unwrap();
        super::read(&Answer {
            status,
            headers: http::HeaderMap::new(),
            body: Body::Whole(body.into()),
            trailers: None,
        })
    };
    let stored = Ok(Delivery::Accepted { rejected: 0, message: None });
    for (status, body) in [(202, ""), (202, "whatever"), (200, ""), (204, "")] {
        assert_eq!(answer(status, body), stored, "{status} {body}");
    }
    let page = answer(200, "<html>Welcome</html>");
    assert!(
        matches!(&page, Err(Delivery::Unanswered { again: false, reason }) if reason.contains("<html>Welcome")),
        "{page:?}"
    );
}

proptest! {
    #[test]
    fn any_text_is_one_span_that_reads_back(
        name in "\\PC{0,40}|\\p{Any}{0,40}",
        fields in proptest::collection::vec(("\\p{Any}{0,12}|error|otel.status_code", "\\p{Any}{0,40}"), 0..12),
        failed in any::<bool>(),
    ) {
        let mut span = a_span(Kind::Client, &[]);
        span.name = name.clone().into();
        span.attributes = fields.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        if failed {
            span.status = Status::Error(name.clone().into());
        }
        let read = one(span);
        prop_assert_eq!(&read["name"], &json!(name));
        let tags = read["tags"].as_object().unwrap();
        prop_assert!(tags.values().all(Json::is_string));
        // Zipkin calls a span failed by this tag's presence alone.
        prop_assert_eq!(tags.contains_key("error"), failed);
    }
}

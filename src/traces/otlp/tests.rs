//! The proof that what a collector receives is what was recorded, and that its answers are understood.

use std::sync::Arc;

use super::reference;
use super::*;
use crate::clock::Moment;
use crate::context::{RequestId, SpanId, TraceContext, Tracestate, a_context};
use crate::export::Delivery;
use crate::export::collector::{Answer, Collector};
use crate::otlp::answers::{are_understood, deliver};
use crate::otlp::{Otlp as Options, TRACES};
use crate::record::{
    End, ErrorType, Hop, Http, HttpVersion, Kind, Method, Outcome, Scheme, Subject, Value, a_value,
};
use crate::traces::record::tests::a_span;
use crate::traces::span_writer::Name;
use crate::traces::{Finished, Status};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::trace::v1::{SpanFlags, span::SpanKind, status::StatusCode};
use proptest::prelude::*;
use prost::Message as _;

const ATTEMPT: Duration = Duration::from_secs(10);

fn to(collector: &Collector) -> Box<dyn Transport<Record>> {
    let mut resource = Resource::default();
    resource.set("service.name", "bookings");
    transport_to(Options::new().header("authorization", "Bearer s3cr3t"), collector, &resource)
}

fn transport_to(options: Options, collector: &Collector, resource: &Resource) -> Box<dyn Transport<Record>> {
    let mut config = OtlpConfig::new(&TRACES);
    config.choose(options);
    let url = if config.is_grpc() { "" } else { "/v1/traces" };
    let url = format!("{}{url}", collector.endpoint());
    transport(&config, &url, &Limits::default(), resource).unwrap()
}

fn with_fields(fields: &[(&'static str, Value)]) -> Record {
    let Record::Span(mut span) = a_span() else { unreachable!() };
    for (name, value) in fields {
        span.fields.set(name, value);
    }
    Record::Span(span)
}

#[tokio::test]
async fn a_span_arrives_whole_with_its_resource_and_scope() {
    let collector = Collector::start();
    let record = with_fields(&[
        ("seats", 4.into()),
        ("paid", true.into()),
        ("price", 1.5.into()),
        ("huge", u64::MAX.into()),
        ("who", "Ada".into()),
    ]);
    let Record::Span(mut span) = record else { unreachable!() };
    let other = TraceContext { span_id: SpanId::random(), ..span.trace };
    span.links.push(other);
    span.failed = true;
    let (trace, parent) = (span.trace, span.parent);
    let (delivery, _) = deliver(&mut *to(&collector), &[Record::Span(span)], ATTEMPT).await;
    assert_eq!(delivery, Delivery::Accepted { rejected: 0, message: None });

    let spans = collector.spans();
    let [seen] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(seen.trace_id(), trace.trace_id.to_string());
    assert_eq!(seen.span_id(), trace.span_id.to_string());
    assert_eq!(Some(seen.parent_id()), parent.map(|id| id.to_string()));
    assert_eq!((&*seen.span.name, seen.span.kind()), ("work", SpanKind::Internal));
    assert!(seen.span.start_time_unix_nano <= seen.span.end_time_unix_nano);
    assert_eq!(seen.span.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_eq!(seen.attribute("seats"), Some(&Proto::IntValue(4)));
    assert_eq!(seen.attribute("paid"), Some(&Proto::BoolValue(true)));
    assert_eq!(seen.attribute("price"), Some(&Proto::DoubleValue(1.5)));
    assert_eq!(seen.attribute("huge"), Some(&Proto::StringValue(u64::MAX.to_string())));
    assert_eq!(seen.text("who"), "Ada");
    assert_eq!(seen.text("observability.target"), "bookings");
    // Sampled, and known not to have a remote parent.
    assert_eq!(seen.span.flags, 0x01 | SpanFlags::ContextHasIsRemoteMask as u32);
    assert_eq!(seen.span.links[0].span_id, other.span_id.value().to_be_bytes());
    assert_eq!(seen.resource("service.name"), "bookings");
    assert_eq!(seen.resource.len(), 1, "the library added what we did not");
    assert_eq!((&*seen.scope.name, &*seen.scope.version), ("tower-observability", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.scope_schema, "https://opentelemetry.io/schemas/1.44.0");
}

#[tokio::test]
async fn the_request_is_what_the_specification_asks_for() {
    let collector = Collector::start();
    deliver(&mut *to(&collector), &[a_span(), a_span()], ATTEMPT).await;
    let received = collector.received();
    assert_eq!((received.len(), received[0].spans(), &*received[0].path), (1, 2, "/v1/traces"));
    assert_eq!(received[0].header("content-type"), "application/x-protobuf");
    assert_eq!(received[0].header("authorization"), "Bearer s3cr3t");
    assert_eq!(received[0].header("content-encoding"), "");
    assert_eq!(received[0].header("accept-encoding"), "identity", "an answer that is compressed is not read");
    let agent = received[0].header("user-agent");
    let version = agent.strip_prefix(concat!("tower-observability/", env!("CARGO_PKG_VERSION"), " "));
    assert!(version.is_some_and(|rest| rest.starts_with("OTel-OTLP-Exporter-Rust/")), "{agent}");
}

#[tokio::test]
async fn each_answer_is_understood_and_nothing_is_tried_again_here() {
    let collector = Collector::start();
    are_understood(&collector, &mut *to(&collector), &[a_span()]).await;
}

#[tokio::test]
async fn a_collector_that_hangs_up_may_be_asked_again_and_one_that_hangs_may_not() {
    let collector = Collector::start();
    let mut transport = to(&collector);
    collector.next([Answer::Disconnect, Answer::Hang]);
    let (hung_up, _) = deliver(&mut *transport, &[a_span()], ATTEMPT).await;
    assert!(matches!(hung_up, Delivery::Unanswered { again: true, .. }), "{hung_up:?}");
    let (hung, sent) = deliver(&mut *transport, &[a_span()], Duration::from_millis(200)).await;
    assert!(matches!(hung, Delivery::Unanswered { again: false, .. }), "{hung:?}");
    assert!(sent);
}

#[tokio::test]
async fn a_port_where_nobody_listens_may_be_asked_again_and_no_bytes_left() {
    let collector = Collector::start();
    let mut transport = to(&collector);
    drop(collector);
    let (delivery, sent) = deliver(&mut *transport, &[a_span()], ATTEMPT).await;
    assert!(matches!(delivery, Delivery::Unreachable { .. }), "{delivery:?}");
    assert!(!sent);
}

#[tokio::test]
async fn a_batch_that_a_receiver_would_refuse_leaves_in_several_requests() {
    let collector = Collector::start();
    let text = "x".repeat(60_000);
    let batch: Vec<_> = (0..90).map(|_| with_fields(&[("text", text.clone().into())])).collect();
    let mut transport =
        transport_to(Options::new().request_size(1_000_000), &collector, &Resource::default());
    deliver(&mut *transport, &batch, ATTEMPT).await;
    let received = collector.received();
    assert!(received.iter().all(|request| request.raw.len() <= 1_000_000) && received.len() == 6);
    assert_eq!(received.iter().map(|request| request.spans()).sum::<usize>(), 90);
    assert!(collector.spans().iter().all(|span| span.text("text") == text));
}

#[cfg(feature = "otlp-grpc")]
#[tokio::test]
async fn a_request_over_grpc_is_no_larger_than_a_server_takes_by_default() {
    let collector = Collector::start();
    let text = "x".repeat(60_000);
    let batch: Vec<_> = (0..90).map(|_| with_fields(&[("text", text.clone().into())])).collect();
    let mut transport = transport_to(Options::new().grpc(), &collector, &Resource::default());
    deliver(&mut *transport, &batch, ATTEMPT).await;
    let received = collector.received();
    assert_eq!(received.iter().map(|request| request.spans()).sum::<usize>(), 90);
    assert!(received.iter().all(|request| request.raw.len() < 4 * 1024 * 1024), "{}", received.len());
}

#[tokio::test]
async fn a_span_that_alone_is_too_large_is_shortened_and_the_others_are_whole() {
    let collector = Collector::start();
    let batch =
        [a_span(), with_fields(&[("text", "é".repeat(3_000_000).into()), ("seats", 4.into())]), a_span()];
    let mut transport =
        transport_to(Options::new().request_size(1_000_000), &collector, &Resource::default());
    let encoded = transport.encode(&batch);
    assert_eq!((encoded.shortened, encoded.too_large), (1, 0));
    deliver(&mut *transport, &batch, ATTEMPT).await;
    let spans = collector.spans();
    assert_eq!(spans.len(), 3);
    let long = spans.iter().find(|span| span.attribute("text").is_some()).unwrap();
    assert_eq!(long.text("text"), "é".repeat(16 * 1024));
    assert_eq!(long.attribute("seats"), Some(&Proto::IntValue(4)));
}

#[test]
fn a_wrong_header_is_named_without_its_value() {
    let mut config = OtlpConfig::new(&TRACES);
    config.choose(Options::new().header("x-key", "s3cr3t\n"));
    let url = "http://localhost:4318/v1/traces";
    let error = transport(&config, url, &Limits::default(), &Resource::default()).err().unwrap();
    assert!(error.contains("x-key") && !error.contains("s3cr3t"), "{error}");
}

fn a_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer, Kind::Internal])
}

fn a_status() -> impl Strategy<Value = Status<'static>> {
    prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        "\\PC{0,40}".prop_map(|text| Status::Error(text.into()))
    ]
}

prop_compose! {
    fn a_finished()(
        name in "\\PC{0,40}",
        kind in a_kind(),
        (trace, parent, parent_is_remote) in (a_context(), proptest::option::of(1..u64::MAX), any::<bool>()),
        vendor in proptest::option::of("[a-z]{1,9}=[a-z]{1,9}"),
        attributes in proptest::collection::vec(("\\PC{1,20}", a_value()), 0..20),
        status in a_status(),
        links in proptest::collection::vec(a_context(), 0..4),
        (attributes_dropped, links_dropped) in any::<(u32, u32)>(),
        took in 0_u64..1 << 40,
    ) -> Finished {
        let start = Moment::now();
        Finished {
            name: name.into(),
            kind,
            trace,
            tracestate: Tracestate::parse(vendor.iter().map(String::as_bytes)),
            parent: parent.and_then(SpanId::new),
            parent_is_remote,
            attributes: attributes.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            attributes_dropped,
            status,
            links,
            links_dropped,
            start,
            end: start.after_nanos(took),
        }
    }
}

/// The bytes of a batch of spans that are values already.
fn encoded(batch: &[Finished], resource: &Resource) -> bytes::Bytes {
    let spans = batch.iter().map(|finished| (SCOPE, finished));
    let encoded = Batch::new(resource, usize::MAX - 1_024).encode(spans, |finished, message, _| {
        copy(finished, &mut Span::new(message));
    });
    encoded.payloads.into_iter().next().unwrap().body
}

/// Writes a span that is a value with another writer.
fn copy(finished: &Finished, writer: &mut impl SpanWriter) {
    let outline = Outline {
        name: Name::One((&*finished.name).into()),
        kind: finished.kind,
        trace: finished.trace,
        tracestate: &finished.tracestate,
        parent: finished.parent,
        parent_is_remote: finished.parent_is_remote,
        status: finished.status.clone(),
        links: &finished.links,
        links_dropped: finished.links_dropped,
        start: finished.start,
        end: finished.end,
    };
    writer.begin(&outline);
    finished.attributes.iter().for_each(|(name, value)| writer.value(name.as_bytes(), value.into()));
    writer.end(&outline, finished.attributes_dropped);
}

/// A batch as the reference decoder reads it, without what means the same in two ways.
fn understood(bytes: bytes::Bytes) -> ExportTraceServiceRequest {
    let mut request = ExportTraceServiceRequest::decode(bytes).unwrap();
    for of_resource in &mut request.resource_spans {
        // A set, which the library keeps in a hash map.
        of_resource.resource.as_mut().unwrap().attributes.sort_by(|a, b| a.key.cmp(&b.key));
        for span in of_resource.scope_spans.iter_mut().flat_map(|of_scope| &mut of_scope.spans) {
            // Absent is unset.
            span.status.get_or_insert_default();
        }
    }
    request
}

prop_compose! {
    /// A request served or made, of texts and numbers at which a length takes one byte more.
    fn a_hop()(
        (trace, links) in (a_context(), proptest::collection::vec(a_context(), 0..4)),
        (kind, rest) in (a_kind(), "\\PC{0,140}"),
        path in prop_oneof!["/[a-z]{0,140}", Just(format!("/{}", "x".repeat(17_000)))],
        host in "([a-z.:@é]{0,9}|[a-z]{1,9}(:[0-9]{1,5})?)",
        (port, peer) in any::<(Option<u16>, Option<std::net::SocketAddr>)>(),
        (status, first_byte) in (proptest::option::of(100..u16::MAX), proptest::option::of(0_u64..1 << 40)),
        (flags, method) in (any::<[bool; 3]>(), prop::sample::select(vec![Method::Get, Method::Other])),
        fields in proptest::collection::vec(("(field_)?(url.path|[a-c]{0,2})", a_value()), 0..5),
        error in proptest::option::of(proptest::collection::vec("\\PC{0,140}", 1..3)),
    ) -> Record {
        let mut http = Http::new(method, Scheme::Https, HttpVersion::V2);
        http.set([&path, &rest, &host, &rest, &rest].map(|text: &String| text.as_bytes()));
        (http.port, http.peer, http.host_as_sent, http.query_as_shown) = (port, peer, flags[0], flags[1]);
        let mut hop = Hop::new(trace, kind, Moment::now(), Subject::Http(http));
        (hop.links, hop.parent_is_remote) = (links, flags[2]);
        hop.request_id = RequestId::parse(rest.as_bytes());
        for (name, value) in fields {
            hop.add(&name, &value);
        }
        hop.notes().get_or_insert_default().error = error;
        let error_type = status.map_or(ErrorType::None, ErrorType::Status);
        let first_byte = first_byte.map(|nanos| hop.start.after_nanos(nanos));
        let (outcome, at) = (Outcome::Ok, hop.start);
        hop.finish(|_| End { outcome, error_type, status, rpc: None, at, first_byte, response_bytes: 0 });
        Record::Hop(Arc::new(hop))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn our_bytes_say_what_the_librarys_bytes_say(batch in proptest::collection::vec(a_finished(), 1..4)) {
        let mut resource = Resource::default();
        resource.set("service.name", "bookings");
        resource.set("team", "x".repeat(200));
        let ours = encoded(&batch, &resource);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let theirs = runtime.block_on(reference::encoded(batch, &resource));
        prop_assert_eq!(understood(ours), understood(theirs));
    }

    #[test]
    fn a_hop_is_the_same_in_bytes_as_by_way_of_a_value(
        batch in proptest::collection::vec(a_hop(), 1..4),
        attributes in prop_oneof![0..20_usize, Just(128)],
        value_length in proptest::option::of(0..140_usize),
        links in 0..4_usize,
    ) {
        let limits = Limits { attributes, value_length, links };
        let resource = Resource::default();
        let records = batch.iter().map(|record| (SCOPE, record));
        let bytes = Batch::new(&resource, usize::MAX - 1_024).encode(records, |record, message, _| {
            assert!(record.write(&limits, &mut Span::new(message)));
        });
        let values: Vec<_> = batch.iter().filter_map(|record| Finished::of(record, &limits)).collect();
        prop_assert_eq!(&bytes.payloads[0].body, &encoded(&values, &resource));
    }
}

//! The proof that a record arrives as it was said, and that the collector's answers are understood.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
use proptest::prelude::*;

use super::*;
use crate::clock::Moment;
use crate::context::a_context;
use crate::export::Delivery;
use crate::export::collector::{CollectedLog, Collector};
use crate::names::schema;
use crate::otlp::Otlp as Options;
use crate::otlp::answers::{are_understood, deliver};
use crate::record::{EventInfo, Severity, Snapshot, Value, a_value};

const ATTEMPT: Duration = Duration::from_secs(10);

fn to(collector: &Collector) -> Box<dyn Transport<Record>> {
    with_options(collector, Options::new(), 128)
}

fn with_options(collector: &Collector, options: Options, attributes: usize) -> Box<dyn Transport<Record>> {
    let mut resource = Resource::default();
    resource.set("service.name", "bookings");
    let options = options.header("authorization", "Bearer s3cr3t");
    let logs = crate::logs::Logs::new().otlp(options).attribute_limit(attributes);
    let url = format!("{}/v1/logs", collector.endpoint());
    transport(&logs.export, &url, &resource, &Arc::default()).unwrap()
}

fn saying(message: &str, fields: &[(&str, Value)]) -> Snapshot {
    let mut event = Snapshot::new(Severity::Info, "app", message);
    fields.iter().for_each(|(name, value)| event.add(name, value));
    event
}

fn record(event: Snapshot) -> Record {
    Record::Event(event)
}

fn found<'a>(logs: &'a [CollectedLog], body: &str) -> &'a CollectedLog {
    logs.iter().find(|log| log.body() == body).unwrap_or_else(|| panic!("no {body:?} in {logs:#?}"))
}

fn proto(value: &Value) -> Proto {
    match value {
        Value::Bool(value) => Proto::BoolValue(*value),
        Value::I64(value) => Proto::IntValue(*value),
        Value::U64(value) => {
            i64::try_from(*value).map_or_else(|_| Proto::StringValue(value.to_string()), Proto::IntValue)
        }
        Value::F64(value) => Proto::DoubleValue(*value),
        Value::Str(value) => Proto::StringValue(value.to_string()),
        Value::List(texts) => Proto::ArrayValue(ArrayValue {
            values: texts
                .iter()
                .map(|text| AnyValue { value: Some(Proto::StringValue(text.to_string())) })
                .collect(),
        }),
    }
}

#[tokio::test]
async fn the_request_is_what_the_specification_asks_for() {
    let collector = Collector::start();
    deliver(&mut *to(&collector), &[record(saying("a", &[])), record(saying("b", &[]))], ATTEMPT).await;
    let [received] = &collector.received()[..] else { panic!("not one request") };
    assert_eq!(&*received.path, "/v1/logs");
    for (name, value) in [("content-type", "application/x-protobuf"), ("authorization", "Bearer s3cr3t")] {
        let sent: Vec<_> = received.headers.get_all(name).iter().collect();
        assert_eq!(sent, [value], "{name}");
    }
    assert!(received.headers.get("content-encoding").is_none());
    let agent = received.header("user-agent");
    assert!(agent.starts_with("tower-observability/") && agent.contains(" OTel-OTLP-Exporter-Rust/"));
    let [of_resource] = &received.logs.resource_logs[..] else { panic!("{:?}", received.logs) };
    assert_eq!((&*of_resource.schema_url, of_resource.scope_logs.len()), (schema::url(), 1));
}

#[tokio::test]
async fn records_of_one_target_stay_together_and_in_their_order() {
    let collector = Collector::start();
    let batch = (0..30).map(|number| {
        let mut event = saying(&number.to_string(), &[]);
        event.set_target(["app", "app::seats", "pay"][number % 3]);
        record(event)
    });
    deliver(&mut *to(&collector), &batch.collect::<Vec<_>>(), ATTEMPT).await;
    let mut of_targets = BTreeMap::<_, Vec<usize>>::new();
    for log in collector.logs() {
        assert_eq!((&*log.scope.version, &*log.scope_schema), ("", schema::url()));
        of_targets.entry(log.scope.name.clone()).or_default().push(log.body().parse().unwrap());
    }
    let every_third = |first: usize| (first..30).step_by(3).collect::<Vec<_>>();
    assert_eq!(of_targets["app"], every_third(0));
    assert_eq!(of_targets["app::seats"], every_third(1));
    assert_eq!(of_targets["pay"], every_third(2));
    assert_eq!(collector.received()[0].logs.resource_logs[0].scope_logs.len(), 3);
}

#[tokio::test]
async fn each_record_says_how_many_attributes_it_lost() {
    let collector = Collector::start();
    let field = |name: &'static str| (name, Value::from(7));
    let batch = [
        saying("three too many", &["a", "b", "c", "d", "e"].map(field)),
        saying("none too many", &["a", "b"].map(field)),
    ];
    let mut transport = with_options(&collector, Options::new(), 2);
    let (delivery, _) = deliver(&mut *transport, &batch.map(record), ATTEMPT).await;
    assert_eq!(delivery, Delivery::Accepted { rejected: 0, message: None });
    let logs = collector.logs();
    let lost = |body: &str| {
        let record = &found(&logs, body).record;
        (record.attributes.len(), record.dropped_attributes_count)
    };
    assert_eq!((lost("three too many"), lost("none too many")), ((2, 3), (2, 0)));
}

#[tokio::test]
async fn each_answer_is_understood_and_nothing_is_tried_again_here() {
    let collector = Collector::start();
    are_understood(&collector, &mut *to(&collector), &[record(saying("hello", &[]))]).await;
}

#[tokio::test]
async fn a_batch_that_a_receiver_would_refuse_leaves_in_several_requests() {
    let collector = Collector::start();
    let batch: Vec<_> = (0..20).map(|_| record(saying(&"x".repeat(250_000), &[]))).collect();
    let mut transport = with_options(&collector, Options::new().request_size(1_000_000), 128);
    deliver(&mut *transport, &batch, ATTEMPT).await;
    let received = collector.received();
    assert!(received.iter().all(|request| request.raw.len() <= 1_000_000) && received.len() == 7);
    assert!(collector.logs().iter().all(|log| log.body().len() == 250_000) && collector.logs().len() == 20);
}

#[tokio::test]
async fn a_record_that_alone_is_too_large_is_shortened_and_counted() {
    let collector = Collector::start();
    let batch = [saying(&"x".repeat(250_000), &[("seats", 4.into())]), saying("short", &[])].map(record);
    let mut transport = with_options(&collector, Options::new().request_size(20_000), 128);
    assert_eq!(transport.encode(&batch).shortened, 1);
    deliver(&mut *transport, &batch, ATTEMPT).await;
    let logs = collector.logs();
    assert_eq!(found(&logs, "short").record.attributes.len(), 0);
    let long = logs.iter().find(|log| log.attribute("seats").is_some()).unwrap();
    assert!(long.body().len() <= 16 * 1024 && long.body().ends_with("…[truncated]"), "{}", long.body().len());
}

fn a_severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(Severity::ALL.to_vec())
}

prop_compose! {
    fn an_event()(
        severity in a_severity(),
        message in "\\PC{0,80}",
        target in "[a-z:]{0,20}",
        name in prop::sample::select(vec!["", "observability.request"]),
        trace in proptest::option::of(a_context()),
        fields in proptest::collection::btree_map("\\PC{1,20}", a_value(), 0..20),
        later in 0_u64..1 << 40,
    ) -> (Snapshot, BTreeMap<String, Value>) {
        let mut event = Snapshot::new(severity, "", &message);
        fields.iter().for_each(|(name, value)| event.add(name, value));
        event.set_target(&target);
        (event.info.at, event.info.name, event.info.trace) = (Moment::now().after_nanos(later), name, trace);
        (event, fields)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_record_arrives_as_it_was_said((event, fields) in an_event()) {
        let collector = Collector::start();
        let EventInfo { at, severity, name, trace, .. } = event.info.clone();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (target, body) = (text(event.event().target()), text(event.event().message()));
        let is_empty = body.is_empty();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(deliver(&mut *to(&collector), &[record(event)], ATTEMPT));
        let logs = collector.logs();
        let [log] = &logs[..] else { panic!("{logs:?}") };
        let seen = &log.record;
        prop_assert_eq!((&*log.scope.name, log.resource("service.name")), (&*target, "bookings".to_owned()));
        prop_assert_eq!(log.resource.len(), 1);
        prop_assert_eq!((seen.time_unix_nano, seen.observed_time_unix_nano), (at.unix_nanos(), at.unix_nanos()));
        prop_assert_eq!((seen.severity_number, &*seen.severity_text), (i32::from(severity.number()), severity.as_str()));
        prop_assert_eq!((log.body(), &*seen.event_name), (body, name));
        prop_assert_eq!(log.trace_id(), trace.map(|trace| trace.trace_id.to_string()).unwrap_or_default());
        prop_assert_eq!(log.span_id(), trace.map(|trace| trace.span_id.to_string()).unwrap_or_default());
        prop_assert_eq!(seen.flags, trace.map_or(0, |trace| u32::from(trace.flags.byte())));
        // That of a panic says its message once more, as an exception's.
        let more = usize::from(severity == Severity::Fatal && !is_empty);
        prop_assert_eq!((seen.attributes.len(), seen.dropped_attributes_count), (fields.len() + more, 0));
        for (name, value) in &fields {
            prop_assert_eq!(log.attribute(name), Some(&proto(value)), "{}", name);
        }
    }
}

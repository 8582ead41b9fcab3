//! The proof that what a collector receives is what was recorded, field by field, as the reference types read it.

use std::collections::BTreeMap;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, gauge, histogram, with_local_recorder};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    number_data_point,
};
use prost::Message as _;

use super::*;
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId};
use crate::metrics::exemplar::with_hop_trace;
use crate::metrics::otlp::Temporality;
use crate::metrics::otlp::ledger::Ledger;
use crate::metrics::otlp::walk::{Times, Walk};
use crate::metrics::{Metrics, Recorder, Source};
use crate::names::metric;
use crate::otlp::Otlp as Options;

const TIMES: Times = Times { start: 1_000, before: 1_000, now: 2_000 };

fn recorder(metrics: &Metrics) -> &'static Recorder {
    Box::leak(Box::new(Recorder::new(metrics)))
}

fn transport_with(limit: usize) -> Box<dyn Transport<Point>> {
    let export = Metrics::new().otlp(Options::new().request_size(limit)).export;
    let mut resource = Resource::default();
    resource.set("service.name", "bookings");
    transport(&export, "http://127.0.0.1:9/v1/metrics", &resource).unwrap()
}

fn collected(recorder: &Recorder, temporality: Temporality, ledger: &mut Ledger, times: Times) -> Vec<Point> {
    let mut walk = Walk::new(recorder, temporality, times);
    std::iter::from_fn(|| walk.next(ledger)).flatten().collect()
}

/// What a collector reads of the requests of these points: each metric by its name.
fn read(points: &[Point], limit: usize) -> BTreeMap<String, Metric> {
    let encoded = transport_with(limit).encode(points);
    assert_eq!(encoded.payloads.iter().map(|payload| payload.records).sum::<u64>(), points.len() as u64);
    let mut metrics = BTreeMap::new();
    for payload in encoded.payloads {
        assert!(payload.body.len() <= limit);
        let request = ExportMetricsServiceRequest::decode(payload.body.clone()).unwrap();
        assert_eq!(request.encode_to_vec(), payload.body, "as the reference writes it");
        let [of_resource] = &request.resource_metrics[..] else { panic!("{request:?}") };
        assert_eq!(of_resource.resource.as_ref().unwrap().attributes.len(), 1);
        for scope in &of_resource.scope_metrics {
            for metric in &scope.metrics {
                let name = format!("{}/{}", scope.scope.as_ref().unwrap().name, metric.name);
                metrics.insert(name, metric.clone());
            }
        }
    }
    metrics
}

fn now(recorder: &Recorder) -> BTreeMap<String, Metric> {
    read(&collected(recorder, Temporality::Cumulative, &mut Ledger::default(), TIMES), 1 << 20)
}

fn attributes(list: &[KeyValue]) -> Vec<(&str, Proto)> {
    list.iter().map(|pair| (&*pair.key, pair.value.clone().unwrap().value.unwrap())).collect()
}

fn text(text: &str) -> Proto {
    Proto::StringValue(text.to_owned())
}

fn numbers(metric: &Metric) -> (&[NumberDataPoint], Option<(AggregationTemporality, bool)>) {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => (&gauge.data_points, None),
        Data::Sum(sum) => (&sum.data_points, Some((sum.aggregation_temporality(), sum.is_monotonic))),
        other => panic!("{other:?}"),
    }
}

fn fixed(metric: &Metric) -> (&HistogramDataPoint, AggregationTemporality) {
    match metric.data.as_ref().unwrap() {
        Data::Histogram(histogram) => (&histogram.data_points[0], histogram.aggregation_temporality()),
        other => panic!("{other:?}"),
    }
}

fn exponential(metric: &Metric) -> (&ExponentialHistogramDataPoint, AggregationTemporality) {
    match metric.data.as_ref().unwrap() {
        Data::ExponentialHistogram(histogram) => {
            (&histogram.data_points[0], histogram.aggregation_temporality())
        }
        other => panic!("{other:?}"),
    }
}

fn sampled() -> TraceContext {
    TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::SAMPLED }
}

#[test]
fn a_counter_and_a_gauge_arrive_under_the_users_own_names() {
    let recorder = recorder(&Metrics::new());
    with_local_recorder(recorder, || {
        describe_counter!("orders.placed", Unit::Count, "Orders that were placed.");
        describe_gauge!("basket.value", Unit::Bytes, "How much.");
        counter!("orders.placed", "order.kind" => "a \"b\"\\", "place" => "x").increment(3);
        gauge!("basket.value").set(-1.5);
        gauge!("temperature").set(f64::NAN);
    });
    let metrics = now(recorder);
    let orders = &metrics["/orders.placed"];
    assert_eq!((&*orders.description, &*orders.unit), ("Orders that were placed.", ""));
    let (points, kind) = numbers(orders);
    assert_eq!(kind, Some((AggregationTemporality::Cumulative, true)));
    assert_eq!(points[0].value, Some(number_data_point::Value::AsInt(3)));
    assert_eq!((points[0].start_time_unix_nano, points[0].time_unix_nano), (1_000, 2_000));
    let expected = [("order.kind", text("a \"b\"\\")), ("place", text("x"))];
    assert_eq!(attributes(&points[0].attributes), expected);
    let (points, kind) = numbers(&metrics["/basket.value"]);
    assert_eq!((points[0].value, kind), (Some(number_data_point::Value::AsDouble(-1.5)), None));
    assert_eq!((points[0].start_time_unix_nano, &*metrics["/basket.value"].unit), (0, "By"));
    assert!(
        matches!(numbers(&metrics["/temperature"]).0[0].value, Some(number_data_point::Value::AsDouble(value)) if value.is_nan())
    );
}

#[test]
fn a_label_is_spelled_as_in_its_own_metric() {
    let recorder = recorder(&Metrics::new());
    with_local_recorder(recorder, || {
        counter!("orders", "http.method" => "GET").increment(1);
        counter!("refunds", "http_method" => "GET").increment(1);
        counter!("returns", "http-method" => "GET").increment(1);
    });
    let metrics = now(recorder);
    for (name, label) in
        [("/orders", "http.method"), ("/refunds", "http_method"), ("/returns", "http-method")]
    {
        let (points, _) = numbers(&metrics[name]);
        assert_eq!(attributes(&points[0].attributes), [(label, text("GET"))], "{name}");
    }
}

#[test]
fn what_is_ours_has_the_names_types_and_units_of_the_conventions() {
    let recorder = recorder(&Metrics::new());
    recorder.add_source(Source::new("process_", |samples| {
        samples.single(metric::PROCESS_CPU, Some(1.5));
        samples.single(metric::PROCESS_THREADS, Some(7.0));
        samples.family(metric::TARGET_INFO).sample(&[("service", "x")], 1.0);
    }));
    let red = crate::metrics::red::Red::new(recorder);
    assert!(red.is_on());
    let key = ::metrics::Key::from_parts(
        metric::HTTP_SERVER_REQUEST_DURATION,
        vec![
            ::metrics::Label::new("http_response_status_code", "200"),
            ::metrics::Label::new("otel_metric_overflow", "true"),
            ::metrics::Label::new("url_scheme", "http"),
        ],
    );
    let durations = recorder.histogram(crate::metrics::family::Registrant::Crate, &key).unwrap();
    durations.record_of(0.03, sampled(), Moment::now());
    let metrics = now(recorder);
    let ours = |name: &str| &metrics[&format!("tower-observability/{name}")];
    let (points, kind) = numbers(ours("process.cpu.time"));
    assert_eq!(kind, Some((AggregationTemporality::Cumulative, true)));
    assert_eq!(points[0].value, Some(number_data_point::Value::AsDouble(1.5)));
    assert_eq!((points[0].start_time_unix_nano, &*ours("process.cpu.time").unit), (0, "s"));
    let (points, kind) = numbers(ours("process.thread.count"));
    assert_eq!(kind, Some((AggregationTemporality::Cumulative, false)));
    assert_eq!(points[0].value, Some(number_data_point::Value::AsInt(7)));
    let requests = ours("http.server.request.duration");
    let (point, kind) = fixed(requests);
    assert_eq!((kind, &*requests.unit), (AggregationTemporality::Cumulative, "s"));
    let expected = [
        ("http.response.status_code", Proto::IntValue(200)),
        ("otel.metric.overflow", Proto::BoolValue(true)),
        ("url.scheme", text("http")),
    ];
    assert_eq!(attributes(&point.attributes), expected);
    assert_eq!((point.count, point.sum, point.min, point.max), (1, Some(0.03), None, None));
    assert_eq!((point.explicit_bounds.len(), point.bucket_counts.len()), (14, 15));
    assert_eq!(point.bucket_counts.iter().position(|count| *count == 1), Some(3));
    assert!(!metrics.keys().any(|name| name.contains("target")), "{metrics:?}");
}

#[test]
fn an_exemplar_is_sent_with_its_ids_and_only_in_its_period() {
    let recorder = recorder(&Metrics::new());
    let (trace, at) = (sampled(), Moment::now());
    with_local_recorder(recorder, || with_hop_trace(trace, at, || histogram!("wait_seconds").record(0.3)));
    let sent = |before| {
        let times = Times { before, ..TIMES };
        let points = collected(recorder, Temporality::Cumulative, &mut Ledger::default(), times);
        fixed(&read(&points, 1 << 20)["/wait_seconds"]).0.exemplars.clone()
    };
    let [exemplar] = &sent(at.unix_nanos() - 1)[..] else { panic!("one") };
    assert_eq!(exemplar.trace_id, trace.trace_id.value().to_be_bytes());
    assert_eq!(exemplar.span_id, trace.span_id.value().to_be_bytes());
    assert_eq!(exemplar.time_unix_nano, at.unix_nanos());
    assert!(sent(at.unix_nanos()).is_empty());
}

#[test]
fn exponential_buckets_are_sent_where_they_were_asked_for() {
    let recorder = recorder(&Metrics::new().exponential_histograms());
    with_local_recorder(recorder, || {
        [1.0, 1.0, 3.0, 0.0].into_iter().for_each(|value| histogram!("wait_seconds").record(value));
        [2.0, -2.0].into_iter().for_each(|value| histogram!("change").record(value));
    });
    let metrics = now(recorder);
    let (point, kind) = exponential(&metrics["/wait_seconds"]);
    assert_eq!(kind, AggregationTemporality::Cumulative);
    assert_eq!((point.count, point.sum, point.scale, point.zero_count), (4, Some(5.0), 3, 1));
    let positive = point.positive.as_ref().unwrap();
    // 1 is the upper bound of the bucket before 0; 3 is between 2^(12/8) and 2^(13/8).
    assert_eq!((positive.offset, positive.bucket_counts.len()), (-1, 14));
    assert_eq!((positive.bucket_counts[0], positive.bucket_counts[13]), (2, 1));
    assert_eq!((point.negative.as_ref(), point.zero_threshold), (None, 2_f64.powi(-24)));
    let (point, _) = exponential(&metrics["/change"]);
    assert_eq!((point.count, point.sum), (2, None), "a sum that may fall is none");
    assert_eq!(point.negative.as_ref().unwrap().offset, 7);
}

#[test]
fn a_delta_is_what_came_since_the_last_delivery_and_what_rises_and_falls_is_no_delta() {
    let recorder = recorder(&Metrics::new());
    recorder.add_source(Source::new("process_", |samples| {
        samples.single(metric::PROCESS_CPU, Some(1.5));
        samples.single(metric::PROCESS_THREADS, Some(7.0));
    }));
    let mut ledger = Ledger::default();
    let mut take = |now: u64| {
        let times = Times { before: now - 1, now, ..TIMES };
        let points = collected(recorder, Temporality::Delta, &mut ledger, times);
        let metrics = read(&points, 1 << 20);
        ledger.settle();
        metrics
    };
    let count = |by| with_local_recorder(recorder, || counter!("orders").increment(by));
    let wait = |value| with_local_recorder(recorder, || histogram!("wait_seconds").record(value));
    count(2);
    wait(0.3);
    let first = take(2_000);
    let (points, kind) = numbers(&first["/orders"]);
    assert_eq!(kind, Some((AggregationTemporality::Delta, true)));
    assert_eq!((points[0].start_time_unix_nano, points[0].time_unix_nano), (1_000, 2_000));
    let cpu = "tower-observability/process.cpu.time";
    assert!(!first.contains_key(cpu), "nothing is known of when it began");
    assert_eq!(
        numbers(&first["tower-observability/process.thread.count"]).1,
        Some((AggregationTemporality::Cumulative, false))
    );
    count(3);
    wait(0.3);
    wait(20.0);
    let second = take(3_000);
    let (points, _) = numbers(&second["/orders"]);
    assert_eq!(points[0].value, Some(number_data_point::Value::AsInt(3)));
    assert_eq!((points[0].start_time_unix_nano, points[0].time_unix_nano), (2_000, 3_000));
    let (point, kind) = fixed(&second["/wait_seconds"]);
    assert_eq!((kind, point.count), (AggregationTemporality::Delta, 2));
    assert!((point.sum.unwrap() - 20.3).abs() < 1e-9);
    assert!(!take(4_000).contains_key("/orders"), "nothing was added");
}

#[test]
fn requests_have_as_many_points_as_they_may_and_none_too_many() {
    let recorder = recorder(&Metrics::new());
    with_local_recorder(recorder, || {
        (0..300).for_each(|n| counter!("orders", "n" => n.to_string()).increment(1));
    });
    let points = collected(recorder, Temporality::Cumulative, &mut Ledger::default(), TIMES);
    let encoded = transport_with(4_000).encode(&points);
    assert!(encoded.payloads.len() > 3 && encoded.payloads.len() < 12, "{}", encoded.payloads.len());
    read(&points, 4_000);
    with_local_recorder(recorder, || counter!("orders", "n" => "x".repeat(5_000)).increment(1));
    let points = collected(recorder, Temporality::Cumulative, &mut Ledger::default(), TIMES);
    let encoded = transport_with(4_000).encode(&points);
    let sent: u64 = encoded.payloads.iter().map(|payload| payload.records).sum();
    assert_eq!((encoded.too_large, sent), (1, points.len() as u64 - 1));
}

//! Promise: metrics over OTLP arrive or are counted, whatever the collector does; and no count is told twice, or never.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, number_data_point};
use tokio::runtime::{Builder, Runtime};
use tower_observability::{Observability, Work};

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{Answer, Collector};
use crate::support::port::free_address;

#[test]
fn program() {
    run(&[("once", once), ("all-along", all_along), ("until-asked", until_asked), ("flushes", flushes)]);
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn end(observability: Observability) {
    println!("report: {}", observability.shutdown().await.points);
}

/// Counts, and ends long before anything is due.
fn once() {
    runtime().block_on(async {
        let observability = tower_observability::init("pushing").unwrap();
        counter!("orders", "order.kind" => "tyres").increment(7);
        histogram!("wait_seconds").record(0.25);
        Work::internal("job").run(async {}).await;
        end(observability).await;
    });
}

/// Counts for a while, through many collections.
fn all_along() {
    runtime().block_on(async {
        let observability = tower_observability::init("pushing").unwrap();
        let start = Instant::now();
        let mut counted = 0_u64;
        while start.elapsed() < Duration::from_millis(2_500) {
            counter!("orders").increment(3);
            counted += 3;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        println!("counted: {counted}");
        end(observability).await;
    });
}

/// Counts, and ends when it is told to.
fn until_asked() {
    runtime().block_on(async {
        let observability = tower_observability::init("pushing").unwrap();
        let signal = observability.shutdown_signal();
        counter!("orders").increment(7);
        eprintln!("counted");
        signal.await;
        counter!("orders").increment(1);
        end(observability).await;
    });
}

/// Counts, and has it sent without an end.
fn flushes() {
    runtime().block_on(async {
        let observability = tower_observability::init("pushing").unwrap();
        counter!("orders").increment(7);
        println!("flushed: {}", observability.flush(Duration::from_secs(20)).await.points);
        end(observability).await;
    });
}

fn child(program: &str, endpoint: &str) -> Child {
    let child = Child::new("pushed", program).env("OTEL_METRICS_EXPORTER", "otlp");
    child.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_TRACES_EXPORTER", "none")
}

/// The points of the counter, as they were stored.
fn orders(collector: &Collector) -> Vec<NumberDataPoint> {
    let metrics = collector.metrics().into_iter().filter(|collected| collected.metric.name == "orders");
    let points = metrics.flat_map(|collected| match collected.metric.data {
        Some(Data::Sum(sum)) => sum.data_points,
        other => panic!("{other:?}"),
    });
    points.collect()
}

fn count(point: &NumberDataPoint) -> u64 {
    match point.value {
        Some(number_data_point::Value::AsInt(value)) => value.cast_unsigned(),
        other => panic!("{other:?}"),
    }
}

/// How many points are stored, of all metrics.
fn stored(collector: &Collector) -> usize {
    let metrics = collector.metrics().into_iter();
    let counts = metrics.map(|collected| match collected.metric.data.unwrap() {
        Data::Gauge(gauge) => gauge.data_points.len(),
        Data::Sum(sum) => sum.data_points.len(),
        Data::Histogram(histogram) => histogram.data_points.len(),
        Data::ExponentialHistogram(histogram) => histogram.data_points.len(),
        Data::Summary(_) => panic!("a summary"),
    });
    counts.sum()
}

/// How many are said to be delivered, unconfirmed and dropped, and why.
fn report(ended: &Ended) -> (usize, usize, String) {
    let said = ended.said("report: ");
    let (delivered, rest) = said.split_once(" delivered, ").unwrap();
    let (unconfirmed, dropped) = rest.split_once(" unconfirmed, ").unwrap();
    (delivered.parse().unwrap(), unconfirmed.parse().unwrap(), dropped.to_owned())
}

#[test]
fn what_a_short_life_counted_arrives_at_its_end_under_its_own_name() {
    let collector = Collector::start();
    let ended = child("once", &collector.endpoint()).end().well();
    assert_eq!(report(&ended), (stored(&collector), 0, "0 dropped".to_owned()));
    let [point] = &orders(&collector)[..] else { panic!("one collection") };
    assert_eq!((count(point), &*point.attributes[0].key), (7, "order.kind"));
    assert!(point.start_time_unix_nano > 0 && point.start_time_unix_nano < point.time_unix_nano);
    let metrics = collector.metrics();
    let names: BTreeSet<_> = metrics.iter().map(|collected| collected.metric.name.as_str()).collect();
    for name in ["orders", "wait_seconds", "work.duration", "otel.sdk.log.created", "process.start_time"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    assert!(metrics.iter().all(|collected| collected.resource.contains_key("service.instance.id")));
    assert!(collector.received().iter().all(|received| received.path == "/v1/metrics"));
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn the_same_arrives_over_grpc() {
    let collector = Collector::start();
    let ended = child("once", &collector.endpoint()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").end().well();
    assert_eq!(report(&ended), (stored(&collector), 0, "0 dropped".to_owned()));
    assert_eq!(orders(&collector).iter().map(count).collect::<Vec<_>>(), [7]);
    let path = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    assert!(collector.received().iter().all(|received| received.path == path));
}

#[test]
fn without_a_collector_each_point_is_dropped_and_counted_and_the_end_is_in_time() {
    let absent = free_address();
    let start = Instant::now();
    let child = child("once", &format!("http://{absent}")).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000");
    let ended = child.end().well();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let (delivered, unconfirmed, dropped) = report(&ended);
    assert_eq!((delivered, unconfirmed), (0, 0));
    let (count, reason) = dropped.split_once(" dropped ").unwrap();
    assert_eq!(reason, format!("(unreachable {count})"));
    assert!(
        ended
            .messages("INFO")
            .iter()
            .any(|said| said.contains(&format!("data points: 0 delivered, 0 unconfirmed, {count} dropped")))
    );
}

#[test]
fn a_collector_that_rejects_takes_a_part_or_never_answers_is_counted_as_such() {
    let end_with = |answer: Answer| {
        let collector = Collector::start();
        collector.always(answer);
        let ended = child("once", &collector.endpoint()).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000").end();
        report(&ended.well())
    };
    let (delivered, unconfirmed, dropped) = end_with(Answer::Status(400));
    assert!((delivered, unconfirmed) == (0, 0) && dropped.contains("(rejected "), "{dropped}");
    let (delivered, unconfirmed, dropped) = end_with(Answer::Partial(2, "too old".to_owned()));
    assert!(delivered > 10 && unconfirmed == 0 && dropped == "2 dropped (rejected 2)", "{dropped}");
    let (delivered, unconfirmed, dropped) = end_with(Answer::Hang);
    assert!(delivered == 0 && unconfirmed > 10 && dropped == "0 dropped", "{dropped}");
}

#[test]
fn deltas_add_up_exactly_although_collections_between_were_lost() {
    let collector = Collector::start();
    let broken = |count| std::iter::repeat_n(Answer::Status(503), count);
    collector
        .next([Answer::Ok].into_iter().chain(broken(6)).chain([Answer::Ok, Answer::Ok]).chain(broken(3)));
    let child = child("all-along", &collector.endpoint()).env("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let child = child.env("OTEL_METRIC_EXPORT_TIMEOUT", "100");
    let child = child.env("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta");
    let ended = child.env("OBSERVABILITY_PROCESS_METRICS", "false").end().well();
    let (delivered, unconfirmed, dropped) = report(&ended);
    assert!(dropped.contains("(timeout ") && unconfirmed == 0, "{dropped}");
    assert_eq!(delivered, stored(&collector));
    let points = orders(&collector);
    let counted: u64 = ended.said("counted: ").parse().unwrap();
    assert_eq!(points.iter().map(count).sum::<u64>(), counted);
    assert!(points.len() > 5, "{}", points.len());
    for (one, next) in points.iter().zip(points.iter().skip(1)) {
        assert!(one.start_time_unix_nano < one.time_unix_nano);
        assert!(one.time_unix_nano <= next.start_time_unix_nano, "{one:?} {next:?}");
    }
}

#[test]
fn totals_only_rise_from_one_start_and_the_last_one_is_whole() {
    let collector = Collector::start();
    collector.next([Answer::Ok, Answer::Status(503), Answer::RetryAfter(429, "1".to_owned())]);
    let child = child("all-along", &collector.endpoint()).env("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let ended = child.end().well();
    let points = orders(&collector);
    assert!(points.len() > 5, "{}", points.len());
    let starts: BTreeSet<_> = points.iter().map(|point| point.start_time_unix_nano).collect();
    assert_eq!(starts.len(), 1);
    for (one, next) in points.iter().zip(points.iter().skip(1)) {
        assert!(count(one) <= count(next) && one.time_unix_nano < next.time_unix_nano);
    }
    assert_eq!(points.last().map(count), Some(ended.said("counted: ").parse().unwrap()));
    let (delivered, unconfirmed, dropped) = report(&ended);
    assert_eq!((delivered, unconfirmed, &*dropped), (stored(&collector), 0, "0 dropped"));
}

#[test]
fn a_termination_signal_costs_no_count() {
    let collector = Collector::start();
    let child = child("until-asked", &collector.endpoint()).env("OBSERVABILITY_DRAIN_DELAY", "50");
    let mut running = child.start();
    running.line("counted");
    running.terminate();
    let ended = running.end().well();
    assert_eq!(orders(&collector).last().map(count), Some(8));
    let (delivered, unconfirmed, dropped) = report(&ended);
    assert_eq!((delivered, unconfirmed, &*dropped), (stored(&collector), 0, "0 dropped"));
}

#[test]
fn a_flush_collects_and_delivers_at_once() {
    let collector = Collector::start();
    let ended = child("flushes", &collector.endpoint()).end().well();
    let (delivered, _) = ended.said("flushed: ").split_once(" delivered, 0 unconfirmed, 0 dropped").unwrap();
    let first = collector.received().first().map(|received| received.metrics.clone()).unwrap();
    assert_eq!(first.resource_metrics.len(), 1);
    assert!(delivered.parse::<usize>().unwrap() > 10, "{delivered}");
    assert_eq!(orders(&collector).iter().map(count).collect::<Vec<_>>(), [7, 7]);
}

#[test]
fn an_endpoint_alone_sends_no_metrics_and_the_variable_chooses_page_collector_or_both() {
    let collector = Collector::start();
    let told = |child: Child| {
        let messages = child.end().well().messages("INFO");
        messages.into_iter().find(|said| said.contains("observability started")).unwrap()
    };
    let start = told(child("once", &collector.endpoint()).without_env("OTEL_METRICS_EXPORTER"));
    assert!(start.contains("; metrics at http://127.0.0.1:") && !start.contains("and to http://"), "{start}");
    assert!(collector.metrics().is_empty());
    let to = format!("to {}/v1/metrics every 60000 ms", collector.endpoint());
    let both = child("once", &collector.endpoint()).env("OTEL_METRICS_EXPORTER", "prometheus,otlp");
    let start = told(both);
    assert!(
        start.contains("; metrics at http://127.0.0.1:") && start.contains(&format!("/metrics, and {to}"))
    );
    let start = told(child("once", &collector.endpoint()));
    assert!(start.contains(&format!("; metrics {to}")), "{start}");
}

//! Promise: what the collector does is told, once each, and counted.

use tokio::runtime::Builder;
use tower_observability::Work;

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{Answer, Collector};

#[test]
fn program() {
    run(&[("jobs", jobs), ("burst", burst)]);
}

const JOBS: usize = 6;

fn jobs() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("telling").unwrap();
        for _ in 0..JOBS {
            Work::internal("job").run(async {}).await;
        }
        println!("report: {}", observability.shutdown().await.spans);
    });
}

/// More spans and log records at once than their queues hold, and time to report it.
fn burst() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("telling").unwrap();
        for number in 0..3_000 {
            Work::internal("job").run(async { tracing::info!(number, "at work") }).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        observability.shutdown().await;
    });
}

#[test]
fn a_loss_of_spans_and_records_is_reported_while_it_happens_and_when_it_has_ended() {
    let collector = Collector::start();
    let child = Child::new("collectors", "burst").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let child = child.env("OTEL_LOGS_EXPORTER", "otlp").env("OTEL_BLRP_MAX_QUEUE_SIZE", "64");
    let ended = child.env("OTEL_BSP_MAX_QUEUE_SIZE", "64").end().well();
    for what in ["spans", "log records"] {
        let of = |text: &str| {
            let begin = format!("tower-observability: {what} are {text}");
            ended.output.iter().filter(|line| line.starts_with(&begin)).cloned().collect::<Vec<_>>()
        };
        let (begun, over) = (of("being lost: "), of("no longer lost; "));
        assert!(begun.len() == 1 && begun[0].contains("queue_full"), "{what}: {:#?}", ended.output);
        assert_eq!(over.len(), 1, "{what}: {:#?}", ended.output);
    }
}

#[test]
fn a_loss_of_data_points_is_reported_while_it_happens() {
    let collector = Collector::start();
    collector.always(Answer::Status(400));
    let child = Child::new("collectors", "burst").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let child = child.env("OTEL_METRICS_EXPORTER", "otlp").env("OTEL_METRIC_EXPORT_INTERVAL", "100");
    let ended = child.end().well();
    let begin = "tower-observability: data points of metrics are being lost: ";
    let begun: Vec<_> = ended.output.iter().filter(|line| line.starts_with(begin)).collect();
    assert!(begun.len() == 1 && begun[0].contains("(so far: rejected "), "{:#?}", ended.output);
}

/// Each span is a batch of its own.
fn ran(collector: &Collector) -> Ended {
    let child = Child::new("collectors", "jobs").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    child.env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1").end().well()
}

/// What is said of the traces' way, level and message.
fn said(ended: &Ended) -> Vec<String> {
    let lines = ended.logged().into_iter();
    let told = lines
        .map(|line| format!("{} {}", line["level"].as_str().unwrap(), line["message"].as_str().unwrap()));
    told.filter(|said| said.contains(" traces are ") || said.contains(" traces cannot ")).collect()
}

#[test]
fn the_first_delivery_is_told_once() {
    let collector = Collector::start();
    let ended = ran(&collector);
    assert_eq!(ended.said("report: "), "6 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(said(&ended), [format!("INFO traces are delivered to {}/v1/traces", collector.endpoint())]);
}

#[test]
fn the_first_failure_and_the_recovery_are_told_once() {
    let collector = Collector::start();
    collector.next([Answer::Ok, Answer::Status(503), Answer::Status(503), Answer::Ok, Answer::Status(503)]);
    let ended = ran(&collector);
    assert_eq!(ended.said("report: "), "6 delivered, 0 unconfirmed, 0 dropped");
    let said = said(&ended);
    let url = format!("{}/v1/traces", collector.endpoint());
    let expected = [
        format!("INFO traces are delivered to {url}"),
        format!("WARN traces cannot be delivered to {url}: the collector answered 503 Service Unavailable"),
        format!("INFO traces are delivered to {url} again; 0 spans were lost or not confirmed meanwhile"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_collector_that_refuses_is_told_once_and_each_span_is_counted() {
    let collector = Collector::start();
    collector.always(Answer::Status(400));
    let ended = ran(&collector);
    assert_eq!(ended.said("report: "), "0 delivered, 0 unconfirmed, 6 dropped (rejected 6)");
    let said = said(&ended);
    assert!(said.len() == 1 && said[0].ends_with("the collector answered 400 Bad Request"), "{said:?}");
    assert_eq!(collector.received().len(), JOBS, "none is sent twice");
}

/// A collector that answers every request with this.
fn answering(answer: &'static str) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 64 * 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn who_asks_for_a_key_is_quoted_and_the_variable_that_sends_one_is_named() {
    let url = answering(
        "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 15\r\n\r\nmissing api-key",
    );
    let ended = Child::new("collectors", "jobs").env("OTEL_EXPORTER_OTLP_ENDPOINT", &url).end().well();
    assert_eq!(ended.said("report: "), "0 delivered, 0 unconfirmed, 6 dropped (rejected 6)");
    let said = said(&ended);
    let begin = format!(
        "WARN traces cannot be delivered to {url}/v1/traces: the collector answered 401 Unauthorized: "
    );
    assert!(
        said.len() == 1 && said[0].starts_with(&(begin + "missing api-key; OTEL_EXPORTER_OTLP_HEADERS")),
        "{said:?}"
    );
}

#[test]
fn a_pause_that_the_collector_asks_for_costs_nothing() {
    let collector = Collector::start();
    collector.next([Answer::RetryAfter(429, "1".to_owned())]);
    let ended = ran(&collector);
    assert_eq!(ended.said("report: "), "6 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(collector.received().len(), JOBS + 1);
}

#[test]
fn a_collector_that_never_answers_leaves_what_was_sent_unconfirmed() {
    let collector = Collector::start();
    collector.always(Answer::Hang);
    let child = Child::new("collectors", "jobs").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let ended = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000").end().well();
    assert_eq!(ended.said("report: "), "0 delivered, 6 unconfirmed, 0 dropped");
}

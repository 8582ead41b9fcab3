//! The proofs of the recorder and its pages.

mod golden;

use std::sync::atomic::{AtomicBool, Ordering};

use ::metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram, with_local_recorder};
use proptest::prelude::*;

use super::*;
use crate::account::{Counted, DropReason, Flow};
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId};
use crate::record::{Hop, Http, HttpVersion, Kind as HopKind, Method, Scheme, Subject};

#[path = "../../tests/support/exposition.rs"]
mod strict;

fn recorder() -> Recorder {
    Recorder::new(&Metrics::new().buckets("wait", [0.5, 1.0]))
}

/// Both pages, accepted by the strict reader.
fn pages(recorder: &Recorder) -> [String; 2] {
    [Exposition::Text, Exposition::OpenMetrics].map(|exposition| {
        let page = recorder.render(exposition);
        let read = strict::read(&page, exposition == Exposition::OpenMetrics);
        assert!(read.is_ok(), "{}\n{page}", read.unwrap_err());
        page
    })
}

#[test]
fn the_strict_reader_refuses_what_a_scraper_refuses() {
    const GOOD: &str = "# HELP a h\n# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 3\na_count 2\n";
    assert!(strict::read(GOOD, false).is_ok());
    let bad = [
        GOOD.replace("# HELP a h\n", ""),
        GOOD.replace("# TYPE a histogram\n", ""),
        GOOD.replace("a_count 2", "a_count 1"),
        GOOD.replace("le=\"+Inf\"} 2", "le=\"+Inf\"} 0"),
        GOOD.replace("le=\"+Inf\"", "le=\"0.5\""),
        GOOD.replace("le=\"1.0\"", "le=\"1.0\",le=\"1.0\""),
        GOOD.replace("le=\"1.0\"", "le=\"1.0\",b=\"\\x\""),
        GOOD.replace("le=\"1.0\"", "le=\"1.0\",b=\"\""),
        GOOD.replace("le=\"1.0\"} 1", "le=\"1.0\"} 1 # {trace_id=\"1\"} 1 1"),
        GOOD.replace("a_sum 3\n", ""),
        GOOD.replace("a_sum 3\n", "a_sum 3\na_sum 3\n"),
        GOOD.replace("a_sum 3", "a_sum three"),
        format!("{GOOD}# HELP b h\n# TYPE b gauge\nb 1\n{GOOD}"),
        format!("{GOOD}\n"),
        GOOD.trim_end().to_owned(),
    ];
    for page in bad {
        assert!(strict::read(&page, false).is_err(), "{page}");
    }
    assert!(strict::read(GOOD, true).is_err(), "without # EOF");
    let exemplar = GOOD.replace("le=\"1.0\"} 1", "le=\"1.0\"} 1 # {trace_id=\"1\"} 7 1") + "# EOF\n";
    assert!(strict::read(&exemplar, true).is_err(), "an exemplar of another bucket");
    let openmetrics = |page: String| strict::read(&(page + "# EOF\n"), true);
    assert!(openmetrics(GOOD.to_owned()).is_ok());
    assert!(openmetrics(GOOD.replace("a_sum 3\n", "")).is_err(), "a count without its sum");
    assert!(openmetrics(GOOD.replace("a_sum 3", "a_sum -3")).is_err(), "a sum below zero");
}

#[test]
fn the_account_of_a_signal_is_on_the_page_and_adds_up() {
    let recorder = recorder();
    let flow_of = || {
        let flow = Flow::default();
        flow.delivered(3);
        flow.unconfirmed(1);
        flow.dropped(DropReason::Rejected, 2);
        flow.report(|| Counted { created: 10, full: 3, late: 0 })
    };
    recorder.add_source(spans("otlp_http_span_exporter", 2_048, flow_of, || 3));
    let buffer = || LineBuffer { bytes: 80, capacity: 4_096, shortened: 5 };
    recorder.add_source(lines(flow_of, buffer));
    let page = pages(&recorder)[0].clone();
    let lines: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("otel_sdk") || line.starts_with("observability_log"))
        .collect();
    assert_eq!(
        lines,
        [
            r#"observability_log_left_out_total{reason="sampled"} 0"#,
            r#"observability_log_left_out_total{reason="limited"} 0"#,
            r#"observability_log_lines_shortened_total 5"#,
            r#"observability_log_queue_bytes 80"#,
            r#"observability_log_queue_capacity_bytes 4096"#,
            r#"otel_sdk_exporter_log_exported_total{otel_component_name="stdout_log_exporter/0",otel_component_type="stdout_log_exporter"} 3"#,
            r#"otel_sdk_exporter_log_exported_total{error_type="unconfirmed",otel_component_name="stdout_log_exporter/0",otel_component_type="stdout_log_exporter"} 1"#,
            r#"otel_sdk_exporter_log_exported_total{error_type="timeout",otel_component_name="stdout_log_exporter/0",otel_component_type="stdout_log_exporter"} 0"#,
            r#"otel_sdk_exporter_log_exported_total{error_type="too_large",otel_component_name="stdout_log_exporter/0",otel_component_type="stdout_log_exporter"} 0"#,
            r#"otel_sdk_exporter_log_exported_total{error_type="write_failed",otel_component_name="stdout_log_exporter/0",otel_component_type="stdout_log_exporter"} 0"#,
            r#"otel_sdk_exporter_log_exported_total{error_type="rejected",otel_component_name="stdout_log_exporter/0",otel_component_type="stdout_log_exporter"} 2"#,
            r#"otel_sdk_exporter_span_exported_total{otel_component_name="otlp_http_span_exporter/0",otel_component_type="otlp_http_span_exporter"} 3"#,
            r#"otel_sdk_exporter_span_exported_total{error_type="unconfirmed",otel_component_name="otlp_http_span_exporter/0",otel_component_type="otlp_http_span_exporter"} 1"#,
            r#"otel_sdk_exporter_span_exported_total{error_type="rejected",otel_component_name="otlp_http_span_exporter/0",otel_component_type="otlp_http_span_exporter"} 2"#,
            r#"otel_sdk_exporter_span_exported_total{error_type="timeout",otel_component_name="otlp_http_span_exporter/0",otel_component_type="otlp_http_span_exporter"} 0"#,
            r#"otel_sdk_exporter_span_exported_total{error_type="too_large",otel_component_name="otlp_http_span_exporter/0",otel_component_type="otlp_http_span_exporter"} 0"#,
            r#"otel_sdk_log_created_total 10"#,
            r#"otel_sdk_processor_log_processed_total{otel_component_name="batching_log_processor/0",otel_component_type="batching_log_processor"} 6"#,
            r#"otel_sdk_processor_log_processed_total{error_type="queue_full",otel_component_name="batching_log_processor/0",otel_component_type="batching_log_processor"} 3"#,
            r#"otel_sdk_processor_log_processed_total{error_type="already_shutdown",otel_component_name="batching_log_processor/0",otel_component_type="batching_log_processor"} 0"#,
            r#"otel_sdk_processor_log_queue_size{otel_component_name="batching_log_processor/0",otel_component_type="batching_log_processor"} 1"#,
            r#"otel_sdk_processor_span_processed_total{otel_component_name="batching_span_processor/0",otel_component_type="batching_span_processor"} 6"#,
            r#"otel_sdk_processor_span_processed_total{error_type="queue_full",otel_component_name="batching_span_processor/0",otel_component_type="batching_span_processor"} 3"#,
            r#"otel_sdk_processor_span_processed_total{error_type="already_shutdown",otel_component_name="batching_span_processor/0",otel_component_type="batching_span_processor"} 0"#,
            r#"otel_sdk_processor_span_queue_capacity{otel_component_name="batching_span_processor/0",otel_component_type="batching_span_processor"} 2048"#,
            r#"otel_sdk_processor_span_queue_size{otel_component_name="batching_span_processor/0",otel_component_type="batching_span_processor"} 1"#,
            r#"otel_sdk_span_started_total{otel_span_sampling_result="RECORD_AND_SAMPLE"} 10"#,
        ]
    );
}

#[test]
fn the_same_labels_in_another_order_are_the_same_series() {
    let recorder = recorder();
    with_local_recorder(&recorder, || {
        counter!("orders", "a" => "1", "b" => "2").increment(1);
        counter!("orders", "b" => "2", "a" => "1", "c" => "").increment(2);
        counter!("orders_total", "a" => "1", "b" => "2").increment(4);
    });
    assert!(pages(&recorder)[0].contains("\norders_total{a=\"1\",b=\"2\"} 7\n"));
}

#[test]
fn beyond_the_limit_values_are_gathered_and_counted_and_ids_are_not_kept() {
    let recorder = recorder();
    with_local_recorder(&recorder, || {
        (0..2_100).for_each(|n| counter!("orders", "id" => n.to_string()).increment(1));
        gauge!("orders_total").set(1.0);
    });
    let [text, _] = pages(&recorder);
    assert!(text.contains("\norders_total{otel_metric_overflow=\"true\"} 100\n"));
    assert!(text.contains("\nobservability_metrics_refused_total{reason=\"overflow\"} 100\n"));
    assert!(text.contains("\nobservability_metrics_refused_total{reason=\"name_clash\"} 1\n"));
    assert_eq!(text.lines().filter(|line| line.starts_with("orders_total")).count(), 2_001);
}

#[test]
fn no_metric_of_the_users_takes_one_of_ours_away() {
    let recorder: &'static Recorder = Box::leak(Box::new(recorder()));
    recorder.add_source(process_start());
    let takes = || {
        counter!("http_server_request_duration_seconds").increment(9);
        histogram!("http_server_request_duration_seconds").record(9.0);
        gauge!("http_server_active_requests", "http_request_method" => "GET", "url_scheme" => "http")
            .set(9.0);
        gauge!("process_start_time_seconds").set(9.0);
        describe_histogram!("http_server_request_duration_seconds", Unit::Bytes, "theirs");
    };
    with_local_recorder(recorder, takes);
    let red = Red::new(recorder);
    let trace = TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::NONE };
    let http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
    let hop = Hop::new(trace, HopKind::Server, Moment::now(), Subject::Http(http));
    red.begins(&hop);
    // The key of the gauge is the very one that is now ours.
    with_local_recorder(recorder, takes);
    let [page, _] = pages(recorder);
    assert!(
        page.contains("\nhttp_server_active_requests{http_request_method=\"GET\",url_scheme=\"http\"} 1\n")
    );
    assert!(!page.contains("theirs") && !page.contains("seconds 9"), "{page}");
    assert!(page.contains("\nobservability_metrics_refused_total{reason=\"name_clash\"} 10\n"), "{page}");
}

#[test]
fn what_is_added_later_takes_its_names_back() {
    let (recorder, watched) = (recorder(), Watched::default());
    let early = with_local_recorder(&recorder, || {
        gauge!("db_client_connection_count", "db_client_connection_pool_name" => "bookings").set(9.0);
        counter!("queue_read_failures", "queue" => "votes").increment(9);
        gauge!("queue_length").set(5.0);
        gauge!("queue_depth", "queue" => "votes")
    });
    early.set(9.0);
    let source = watched.queue("votes".to_owned(), std::future::pending::<Option<QueueState>>);
    recorder.add_source(source.expect("the first"));
    let state = || PoolState { used: Some(1), ..PoolState::default() };
    recorder.add_source(watched.pool("bookings".to_owned(), state).expect("the first"));
    early.set(8.0);
    with_local_recorder(&recorder, || gauge!("queue_depth").set(7.0));
    let [page, _] = pages(&recorder);
    assert!(page.contains("\nqueue_read_failures_total{queue=\"votes\"} 0\n"), "{page}");
    assert!(page.contains("db_client_connection_state=\"used\"} 1\n") && page.contains("\nqueue_length 5\n"));
    assert!(!page.contains("queue_depth"), "the reader has not answered yet: {page}");
    assert!(page.contains("\nobservability_metrics_refused_total{reason=\"name_clash\"} 4\n"), "{page}");
}

#[test]
fn counts_are_exact_though_pages_are_made_meanwhile() {
    let recorder = recorder();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let recording: Vec<_> = (0..4)
            .map(|thread| {
                let recorder = &recorder;
                scope.spawn(move || {
                    with_local_recorder(recorder, || {
                        for n in 0..5_000 {
                            counter!("orders", "of" => (n % 7).to_string()).increment(1);
                            histogram!("wait").record(f64::from(n % 3) / 2.0);
                            gauge!("level").increment(if (n + thread) % 2 == 0 { 1.0 } else { -1.0 });
                        }
                    });
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                pages(&recorder);
            }
        });
        recording.into_iter().for_each(|thread| thread.join().expect("recorded"));
        done.store(true, Ordering::Relaxed);
    });
    let families = strict::read(&recorder.render(Exposition::Text), false).expect("valid");
    let sum = |family: &str, name: &str| -> f64 {
        let family = families.iter().find(|known| known.name == family).expect("there");
        family.samples.iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
    };
    assert_eq!(sum("orders_total", "orders_total"), 20_000.0);
    assert_eq!(sum("wait", "wait_count"), 20_000.0);
    assert_eq!(sum("level", "level"), 0.0);
}

#[test]
fn ten_thousand_histograms_are_rendered() {
    let recorder = recorder();
    with_local_recorder(&recorder, || {
        for family in 0..5 {
            let name = format!("wait_{family}_seconds");
            (0..2_000).for_each(|n| histogram!(name.clone(), "n" => n.to_string()).record(0.1));
        }
    });
    let page = recorder.render(Exposition::OpenMetrics);
    assert_eq!(page.lines().filter(|line| line.contains("_count{")).count(), 10_000);
}

#[test]
fn a_sum_that_can_fall_is_left_out_where_openmetrics_forbids_it() {
    let recorder = recorder();
    with_local_recorder(&recorder, || histogram!("wait").record(-2.0));
    let [text, openmetrics] = pages(&recorder);
    assert!(text.contains("\nwait_sum -2\n"));
    assert!(!openmetrics.contains("wait_sum") && !openmetrics.contains("wait_count"));
    assert!(openmetrics.contains("\nwait_bucket{le=\"+Inf\"} 1\n"));
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,6}",
        "[a-z_:.\\\\\"\n\0]{0,6}",
        Just("le".into()),
        Just("__name__".into()),
        Just("x_total".into())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_user_calls_things_both_pages_are_valid(
        recorded in prop::collection::vec(
            (0..3_u8, anything(), prop::collection::vec((anything(), anything()), 0..4), any::<f64>(), anything()),
            0..12,
        ),
    ) {
        let recorder = recorder();
        recorder.add_source(process_start());
        with_local_recorder(&recorder, || {
            for (kind, name, labels, value, help) in recorded {
                match kind {
                    0 => {
                        describe_counter!(name.clone(), help);
                        counter!(name, &labels).increment(value.abs() as u64 / 8);
                    }
                    1 => gauge!(name, &labels).set(value),
                    _ => {
                        describe_histogram!(name.clone(), Unit::Bytes, help);
                        histogram!(name, &labels).record(value);
                    }
                }
            }
        });
        for exposition in [Exposition::Text, Exposition::OpenMetrics] {
            let page = recorder.render(exposition);
            let read = strict::read(&page, exposition == Exposition::OpenMetrics);
            prop_assert!(read.is_ok(), "{}\n{page}", read.unwrap_err());
        }
    }
}

//! Promise: what was created is delivered, unconfirmed, dropped or queued, at every scrape.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tower_observability::{Work, request};

use crate::support::child::{Child, run};
use crate::support::exposition::{Family, read};
use crate::support::http::get;
use crate::support::silent::Yes;

#[test]
fn program() {
    run(&[("under-load", under_load), ("records", records), ("limits", limits)]);
}

fn families(address: &str) -> Vec<Family> {
    let page = get(address, "/metrics");
    read(page.split_once("\r\n\r\n").unwrap().1, false).unwrap()
}

/// The sum of a family's samples, with or without those that say an error.
fn sum(families: &[Family], name: &str, errors: bool) -> f64 {
    let family = families.iter().find(|family| family.name == name).unwrap_or_else(|| panic!("no {name}"));
    let failed = |labels: &[(String, String)]| labels.iter().any(|(name, _)| name == "error_type");
    let samples = family.samples.iter().filter(|sample| failed(&sample.labels) == errors);
    samples.map(|sample| sample.value).sum()
}

fn adds_up(families: &[Family], created: &str, signal: &str) -> bool {
    let exported = format!("otel_sdk_exporter_{signal}_exported_total");
    let processed = format!("otel_sdk_processor_{signal}_processed_total");
    let ended = sum(families, &exported, false) + sum(families, &exported, true);
    let refused = sum(families, &processed, true);
    let queued = sum(families, &format!("otel_sdk_processor_{signal}_queue_size"), false);
    let left_out =
        if signal == "log" { sum(families, "observability_log_left_out_total", false) } else { 0.0 };
    ended == sum(families, &processed, false)
        && ended + refused + queued + left_out == sum(families, created, false)
}

fn under_load() {
    let observability = tower_observability::init("busy").unwrap();
    let address = observability.admin_address().unwrap().to_string();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let runtime = Builder::new_current_thread().build().unwrap();
                while !over.load(Ordering::Relaxed) {
                    runtime.block_on(Work::internal("job").run(async { tracing::info!("at work") }));
                }
            });
        }
        for _ in 0..100 {
            let families = families(&address);
            assert!(adds_up(&families, "otel_sdk_span_started_total", "span"), "{families:#?}");
            assert!(adds_up(&families, "otel_sdk_log_created_total", "log"), "{families:#?}");
        }
        over.store(true, Ordering::Relaxed);
    });
    let runtime = Builder::new_current_thread().build().unwrap();
    eprintln!("report: {}", runtime.block_on(observability.shutdown()).spans);
}

fn records() {
    let _observability = tower_observability::init("records").unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {
        println!("trace: {}", request::trace().unwrap().trace_id);
        log::warn!(target: "payments::bank", "a record of the log crate");
    }));
}

fn limits() {
    let observability = tower_observability::init("limits").unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {
        tracing::info!(giant = "\u{1}é\"".repeat(256 * 1024), "an event");
        tracing::info!(giant = ?vec!["x"; 1024 * 1024], "a formatted event");
        request::add("giant", "y".repeat(1024 * 1024));
        for n in 0..1_000 {
            request::add(format!("field_{n}"), "x".repeat(1_000));
        }
        for n in 0..10_000 {
            tracing::Span::current().record("nothing", n);
        }
        nested(100).await;
    }));
    let address = observability.admin_address().unwrap().to_string();
    // The lines of finished hops are made, and cut, behind the requests.
    let start = Instant::now();
    let page = loop {
        let page = get(&address, "/metrics");
        if page
            .lines()
            .any(|line| line.starts_with("otel_sdk_processor_log_queue_size{") && line.ends_with(" 0"))
        {
            break page;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "the queue of lines does not empty:\n{page}");
        std::thread::sleep(Duration::from_millis(1));
    };
    let cut = page.lines().find_map(|line| line.strip_prefix("observability_log_lines_shortened_total "));
    // Not on stdout, where it could stand within a line that is longer than a pipe.
    eprintln!("cut: {}", cut.unwrap());
}

/// Spans within spans, each with as many fields as a macro takes well.
async fn nested(depth: usize) {
    let span = tracing::info_span!("nested", depth, text = "z".repeat(10_000));
    let _entered = span.enter();
    match depth {
        0 => tracing::error!("at the bottom"),
        _ => Box::pin(nested(depth - 1)).await,
    }
}

#[test]
fn at_every_scrape_under_load_the_account_of_spans_and_of_lines_adds_up() {
    let collector = Yes::listen();
    let child = Child::new("account", "under-load").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let ended = child.env("OTEL_BSP_MAX_QUEUE_SIZE", "64").env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16").end();
    let ended = ended.well();
    assert!(ended.output.iter().any(|line| line.starts_with("report: ")));
    assert!(collector.posts() > 0);
}

#[test]
fn a_record_of_the_log_crate_is_a_line_with_its_own_target_and_the_trace() {
    let ended = Child::new("account", "records").end().well();
    let lines = ended.logged();
    let line = lines.iter().find(|line| line["message"] == "a record of the log crate").unwrap();
    assert_eq!((&line["level"], &line["target"]), (&"WARN".into(), &"payments::bank".into()));
    assert_eq!(line["trace_id"], ended.said("trace: "));
    assert!(line.get("log.target").is_none(), "{line}");
}

#[test]
fn however_much_is_put_on_a_line_it_is_an_object_that_receivers_take() {
    let collector = Yes::listen();
    let child = Child::new("account", "limits").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let ended = child.end().well();
    for line in ended.output.iter().filter(|line| line.starts_with('{')) {
        assert!(line.len() < 252 * 1024, "{} bytes", line.len());
        let read: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(read.is_ok(), "{read:?}: {}", &line[..200]);
    }
    let messages: Vec<_> = ended.logged().iter().map(|line| line["message"].to_string()).collect();
    for message in ["an event", "a formatted event", "at the bottom", "job"] {
        assert!(messages.iter().any(|said| said.contains(message)), "no {message:?} in {messages:?}");
    }
    assert_eq!(ended.said("cut: "), "3");
    assert!(collector.posts() > 0);
}

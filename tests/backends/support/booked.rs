//! What the stores of lines are asked about: one booking's lines, and a service whose lines are too large.

use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Builder;
use tower_observability::{Work, request};

use super::time::nanoseconds;
use super::workshop::Workshop;
use crate::shared::child::{Child, Ended, run};
use crate::shared::http::get;

/// A booking's trace, and every line of it as the services wrote it.
pub struct Booked {
    pub trace_id: String,
    pub lines: Vec<String>,
}

/// One booking; all that the eight wrote about it, to their end.
pub fn booked(variables: &[(&str, &str)]) -> Booked {
    let workshop = Workshop::start(variables);
    let trace_id = workshop.book(4711, &[]).trace_id;
    workshop.lines_of(&trace_id);
    let lines = workshop.stop().into_iter().map(|line| line.text);
    let lines = lines.filter(|line| read(line)["trace_id"] == *trace_id).collect();
    Booked { trace_id, lines }
}

pub fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// When a line was written.
pub fn at(line: &str) -> i64 {
    nanoseconds(read(line)["timestamp"].as_str().unwrap())
}

/// From the first of these lines to the last, whose record may be a part of a microsecond younger.
pub fn time_of(lines: &[String]) -> Range<i64> {
    let times: Vec<i64> = lines.iter().map(|line| at(line)).collect();
    *times.iter().min().unwrap()..*times.iter().max().unwrap() + 1_000
}

pub fn is_loud(line: &str) -> bool {
    ["WARN", "ERROR", "FATAL"].iter().any(|level| read(line)["level"] == *level)
}

pub fn is_slow(line: &str) -> bool {
    let line = read(line);
    line["outcome"] == "ok" && line["duration_ms"].as_f64() > Some(100.0)
}

/// The same lines, whatever their order.
pub fn sorted<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_unstable();
    lines
}

/// The service that says too much, its lines to standard output and, to this endpoint if there is one, as records.
pub fn said_too_much(endpoint: Option<&str>) -> (Ended, Vec<String>) {
    let mut child = Child::new("support::booked", "huge");
    if let Some(endpoint) = endpoint {
        child = child.env("OTEL_LOGS_EXPORTER", "console,otlp");
        child = child.env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint);
    }
    let ended = child.end().well();
    let lines = ended.output.iter().filter(|line| line.starts_with('{')).cloned().collect();
    (ended, lines)
}

/// The one of these lines that says this.
pub fn line_of<'a>(lines: &'a [String], message: &str) -> &'a str {
    let found = lines.iter().find(|line| read(line)["message"] == message);
    found.unwrap_or_else(|| panic!("no {message:?} in {lines:#?}"))
}

/// Is this a value that was cut?
pub fn is_marked(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.ends_with("…[truncated]"))
}

#[test]
fn program() {
    run(&[("huge", huge)]);
}

/// A service that says too much: a field of 1 MiB, and hundreds of large ones.
fn huge() {
    let observability = tower_observability::init("limits").unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {
        eprintln!("trace: {}", request::trace().unwrap().trace_id);
        tracing::info!(huge = "x".repeat(1024 * 1024), "one huge field");
        for n in 0..400 {
            // Loki puts letters before a name that begins with a digit.
            request::add(format!("{n}_field"), "é".repeat(1_000));
        }
    }));
    let address = observability.admin_address().unwrap().to_string();
    // A finished hop's line is made, and cut, behind the request.
    let start = Instant::now();
    let page = loop {
        let page = get(&address, "/metrics");
        let mut sizes = page.lines().filter(|line| line.starts_with("otel_sdk_processor_log_queue_size"));
        if sizes.all(|size| size.ends_with(" 0")) {
            break page;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "a queue does not empty:\n{page}");
        std::thread::yield_now();
    };
    for (what, metric) in [
        ("lines", "observability_log_lines_shortened_total "),
        ("records", "observability_log_records_shortened_total "),
    ] {
        let cut = page.lines().find_map(|line| line.strip_prefix(metric));
        eprintln!("{what} cut: {}", cut.unwrap_or("none"));
    }
}

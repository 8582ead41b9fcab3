//! What OpenSearch, for Elasticsearch's API, answers about the workshop's lines.

mod dynamic;
mod ecs;
mod tcp;

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tower_observability::{Work, request};

use crate::shared::child::{Child, run};
use crate::support::workshop::Workshop;

/// Names that mean something to a format, to Logstash or to an index, or that clash with each other.
const NAMES: [&str; 28] = [
    "amount",
    "url",
    "url.path",
    "error",
    "error.message",
    "host",
    "http",
    "log",
    "labels",
    "numeric_labels",
    "event",
    "event.duration",
    "user",
    "user.id",
    "trace.id",
    "@timestamp",
    "@version",
    "@metadata",
    "tags",
    "service",
    "message",
    "_id",
    "_source",
    "a[b]",
    "a b",
    "ä.ö",
    "",
    ".",
];

fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn texts(lines: &[String]) -> impl Iterator<Item = &str> {
    lines.iter().map(String::as_str)
}

/// All lines of the eight, three bookings long; one of them fails. And the first one's trace.
fn lines_as(format: &str) -> (String, Vec<String>) {
    let workshop = Workshop::start(&[("OBSERVABILITY_LOG_FORMAT", format)]);
    let trace_id = workshop.book(4711, &[]).trace_id;
    workshop.book(4712, &[]);
    workshop.ask_for_booking(17, &[]);
    workshop.lines_of(&trace_id);
    (trace_id, workshop.stop().into_iter().map(|line| line.text).collect())
}

/// What three services write that give fields of the same names a text, a number and a truth value.
fn hostile_lines(format: &str) -> [Vec<String>; 3] {
    ["text", "number", "truth"].map(|kind| {
        let child = Child::new("opensearch", "hostile").env("OTEL_SERVICE_NAME", kind);
        let ended = child.env("OBSERVABILITY_LOG_FORMAT", format).end().well();
        ended.output.into_iter().filter(|line| line.starts_with('{')).collect()
    })
}

/// One filter that holds a field to a value.
fn is(field: &str, value: impl Into<Value>) -> Value {
    json!({ "term": { field: value.into() } })
}

/// One filter that holds a field to a range, such as `gte` 400.
fn range(field: &str, bound: &str, value: impl Into<Value>) -> Value {
    json!({ "range": { field: { bound: value.into() } } })
}

#[test]
fn program() {
    run(&[("hostile", hostile)]);
}

/// A service whose author names fields as badly as can be, on the request's line and on an event.
fn hostile() {
    let kind = std::env::var("OTEL_SERVICE_NAME").unwrap();
    let _observability = tower_observability::init("hostile").unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {
        for name in NAMES {
            match &*kind {
                "text" => request::add(name, "a text"),
                "number" => request::add(name, 7.5),
                _ => request::add(name, true),
            };
        }
        match &*kind {
            "text" => tracing::info!(
                amount = "a text",
                url = "a text",
                "user.id" = "a text",
                user = "a text",
                "an event"
            ),
            "number" => tracing::info!(
                amount = i64::MAX,
                url = f64::MAX,
                "user.id" = u64::MAX,
                user = f64::NAN,
                "an event"
            ),
            _ => tracing::info!(amount = true, url = false, "user.id" = true, user = ?Some(1), "an event"),
        }
    }));
}

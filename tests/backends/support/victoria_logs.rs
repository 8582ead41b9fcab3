//! VictoriaLogs as an agent and a person see it: it takes what Loki takes, and is asked in LogsQL.

use std::ops::Range;

use serde_json::{Map, Value};

use super::http::{get, query};
use super::systems::VICTORIA_LOGS;
use super::time::nanoseconds;

/// Loki's push. A line stays whole, as in Loki: by default its JSON would be taken apart.
pub const PUSH: &str = "/insert/loki/api/v1/push?disable_message_parsing=1";
pub const OTLP: &str = "/insert/opentelemetry/v1/logs";

/// A line or a record as it is given back: all of its fields, each a text.
#[derive(Clone, Debug)]
pub struct Found(pub Map<String, Value>);

impl Found {
    /// A field; one that is missing is empty, as everywhere in VictoriaLogs.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        self.field("_msg")
    }

    /// Nanoseconds since 1970.
    pub fn at(&self) -> i64 {
        nanoseconds(self.field("_time"))
    }
}

/// What LogsQL finds in this time.
pub async fn find(logsql: &str, during: Range<i64>) -> Vec<Found> {
    // Both ends count there.
    let (start, end) = (during.start.to_string(), (during.end - 1).to_string());
    let parameters = [("query", logsql), ("start", &start), ("end", &end)];
    let answer = query(&VICTORIA_LOGS.url("/select/logsql/query"), &parameters).await.good();
    answer.body.lines().map(|line| Found(serde_json::from_str(line).unwrap())).collect()
}

/// How many lines and records it threw away since it started.
pub async fn discarded() -> f64 {
    let page = get(&VICTORIA_LOGS.url("/metrics")).await.good().body;
    let samples: Vec<&str> = page
        .lines()
        .filter(|line| {
            line.starts_with("vl_rows_dropped_total") || line.starts_with("vl_too_long_lines_skipped")
        })
        .collect();
    assert!(samples.len() > 1, "{page}");
    samples.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

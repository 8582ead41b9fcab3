//! Loki as an agent and a person see it: lines pushed with few labels, and questions in LogQL.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::http::{Answer, get, post, query};
use super::systems::LOKI;
use super::time::nanoseconds;

/// What the agents of the guide take out of a line as structured metadata, where the line has it.
const METADATA: [&str; 3] = ["trace_id", "span_id", "request_id"];

/// The labels that an agent does not read from the line: it knows where it runs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub namespace: &'a str,
    pub environment: &'a str,
}

/// A line as Loki gives it back.
#[derive(Clone, Debug)]
pub struct Found {
    /// The stream's labels and the line's metadata.
    pub labels: Map<String, Value>,
    /// Nanoseconds since 1970.
    pub at: i64,
    pub text: String,
}

/// Pushes lines of the format `json` as an agent does: labels few, ids as metadata, the time from the line.
pub async fn push<'a>(url: &str, place: Place<'_>, lines: impl IntoIterator<Item = &'a str>) -> Answer {
    let streams: Vec<Value> = lines.into_iter().map(|line| stream(place, line)).collect();
    post(url, &json!({ "streams": streams })).await
}

fn stream(place: Place<'_>, text: &str) -> Value {
    let line: Value = serde_json::from_str(text).unwrap();
    let labels = json!({
        "service_name": line["service"],
        "service_namespace": place.namespace,
        "deployment_environment_name": place.environment,
    });
    let metadata = METADATA.iter().filter_map(|key| Some(((*key).to_owned(), line.get(key)?.clone())));
    let at = nanoseconds(line["timestamp"].as_str().unwrap()).to_string();
    json!({ "stream": labels, "values": [[at, text, Value::Object(metadata.collect())]] })
}

/// What LogQL finds in this time, oldest first.
pub async fn find(logql: &str, during: Range<i64>) -> Vec<Found> {
    let (start, end) = (during.start.to_string(), during.end.to_string());
    let parameters = [("query", logql), ("start", &start), ("end", &end), ("limit", "5000")];
    let answer = query(&LOKI.url("/loki/api/v1/query_range"), &parameters).await.json();
    let mut found = Vec::new();
    for stream in answer["data"]["result"].as_array().unwrap() {
        for value in stream["values"].as_array().unwrap() {
            found.push(Found {
                labels: stream["stream"].as_object().unwrap().clone(),
                at: value[0].as_str().unwrap().parse().unwrap(),
                text: value[1].as_str().unwrap().to_owned(),
            });
        }
    }
    found.sort_by_key(|line| line.at);
    found
}

/// How many lines Loki threw away since it started, of those that came as `loki` or as `otlp`.
pub async fn discarded(format: &str) -> f64 {
    let page = get(&LOKI.url("/metrics")).await.good().body;
    let prefix = format!("loki_discarded_samples_total{{format=\"{format}\"");
    let samples = page.lines().filter(|line| line.starts_with(&prefix));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

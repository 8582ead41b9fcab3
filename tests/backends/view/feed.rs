//! Spans, lines and exemplars for the page, as OTLP's JSON, of a service in any language.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::support::http::post;

/// A span that is sent. Times are microseconds.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) name: String,
    /// As OTLP counts them: 1 internal, 2 server, 3 client.
    pub(super) kind: u8,
    pub(super) start: u64,
    pub(super) takes: u64,
    pub(super) attributes: Value,
    pub(super) error: Option<String>,
}

/// Now, in microseconds since 1970.
pub(super) fn now() -> u64 {
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}

/// The id of the trace of this number, and of a span.
pub(super) fn trace_id(number: u64) -> String {
    format!("{:032x}", 0xabc0_0000_0000_0000_u128 + u128::from(number))
}

pub(super) fn span_id(number: u64) -> String {
    format!("{:016x}", 0xdef0_0000_0000_0000_u64 + number)
}

impl Span {
    /// The request of a trace of its own.
    pub(super) fn request(number: u64, route: &str, start: u64, takes: u64, status: u16) -> Self {
        let attributes = json!({
            "http.request.method": "GET", "http.route": route, "http.response.status_code": status,
            "customer_id": 4000 + number % 50,
        });
        Self {
            trace: trace_id(number),
            id: span_id(number * 10_000),
            parent: String::new(),
            name: format!("GET {route}"),
            kind: 2,
            start,
            takes,
            attributes,
            error: (status >= 500).then(|| format!("status {status}")),
        }
    }

    /// One below it, that begins so many microseconds later.
    pub(super) fn child(&self, number: u64, name: &str, after: u64, takes: u64) -> Self {
        let id = u64::from_str_radix(&self.id, 16).unwrap() + number;
        Self {
            id: format!("{id:016x}"),
            parent: self.id.clone(),
            name: name.to_owned(),
            kind: 3,
            start: self.start + after,
            takes,
            attributes: json!({ "db.system.name": "postgresql", "n": number }),
            error: None,
            ..self.clone()
        }
    }

    fn json(&self) -> Value {
        let status = match &self.error {
            Some(error) => json!({ "code": 2, "message": error }),
            None => json!({}),
        };
        json!({
            "traceId": self.trace, "spanId": self.id, "parentSpanId": self.parent, "name": self.name, "kind": self.kind,
            "startTimeUnixNano": nanoseconds(self.start), "endTimeUnixNano": nanoseconds(self.start + self.takes),
            "attributes": attributes(&self.attributes), "status": status,
        })
    }
}

fn nanoseconds(micros: u64) -> String {
    (micros * 1000).to_string()
}

/// An object's members, as OTLP writes attributes.
pub(super) fn attributes(all: &Value) -> Value {
    let empty = Map::new();
    let all = all.as_object().unwrap_or(&empty).iter();
    all.map(|(key, value)| {
        let kind = match value {
            Value::Bool(_) => "boolValue",
            Value::Number(number) if number.is_f64() => "doubleValue",
            Value::Number(_) => "intValue",
            _ => "stringValue",
        };
        let value = if kind == "intValue" { json!(value.to_string()) } else { value.clone() };
        json!({ "key": key, "value": { kind: value } })
    })
    .collect()
}

fn resource(service: &str) -> Value {
    json!({ "attributes": attributes(&json!({ "service.name": service, "service.instance.id": "one" })) })
}

async fn send(url: &str, signal: &str, body: &Value) {
    let answer = post(&format!("{url}/v1/{signal}"), body).await;
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
}

/// Sends spans of a service.
pub(super) async fn spans(url: &str, service: &str, spans: &[Span]) {
    let all: Vec<Value> = spans.iter().map(Span::json).collect();
    let scope = json!([{ "scope": { "name": "test" }, "spans": all }]);
    let body = json!({ "resourceSpans": [{ "resource": resource(service), "scopeSpans": scope }] });
    send(url, "traces", &body).await;
}

/// Sends a line of a service in this span.
pub(super) async fn line(url: &str, service: &str, of: &Span, level: &str, text: &str, fields: &Value) {
    let record = json!({
        "timeUnixNano": nanoseconds(of.start + of.takes / 2), "severityNumber": if level == "ERROR" { 17 } else { 9 },
        "severityText": level, "body": { "stringValue": text }, "attributes": attributes(fields),
        "traceId": of.trace, "spanId": of.id,
    });
    let scope = json!([{ "scope": {}, "logRecords": [record] }]);
    let body = json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": scope }] });
    send(url, "logs", &body).await;
}

/// Sends the histogram of a route's durations, with this request as its exemplar.
pub(super) async fn exemplar(url: &str, service: &str, route: &str, of: &Span) {
    let at = nanoseconds(of.start + of.takes);
    let seconds = Duration::from_micros(of.takes).as_secs_f64();
    let point = json!({
        "attributes": attributes(&json!({ "http.route": route, "http.request.method": "GET", "http.response.status_code": 200 })),
        "startTimeUnixNano": nanoseconds(of.start), "timeUnixNano": at, "count": "1", "sum": seconds,
        "bucketCounts": ["0", "1", "0"], "explicitBounds": [0.001, 10.0],
        "exemplars": [{ "timeUnixNano": at, "asDouble": seconds, "traceId": of.trace, "spanId": of.id }],
    });
    let histogram = json!({ "aggregationTemporality": 2, "dataPoints": [point] });
    let metric = json!({ "name": "http.server.request.duration", "unit": "s", "histogram": histogram });
    let scope = json!([{ "scope": {}, "metrics": [metric] }]);
    let body = json!({ "resourceMetrics": [{ "resource": resource(service), "scopeMetrics": scope }] });
    send(url, "metrics", &body).await;
}

//! What was heard of a trace, as files: its spans as Jaeger's UI downloads them, and the lines as they came.

use std::path::Path;

use serde_json::{Value, json};

use super::evidence::{Evidence, Span};
use crate::plumbing::BoxError;

/// Writes `trace.json` and `lines.json` into a folder.
pub(super) fn write(evidence: &Evidence, trace_id: &str, folder: &Path) -> Result<(), BoxError> {
    std::fs::create_dir_all(folder)?;
    let spans = evidence.spans();
    let spans: Vec<&Span> = spans.iter().filter(|span| span.row.is("trace_id", trace_id)).collect();
    let processes: serde_json::Map<String, Value> = spans
        .iter()
        .map(|span| (span.row.get("service").to_owned(), json!({ "serviceName": span.row.get("service") })))
        .collect();
    let trace = json!({ "data": [{
        "traceID": trace_id,
        "spans": spans.into_iter().map(of_jaeger).collect::<Vec<_>>(),
        "processes": processes,
    }] });
    std::fs::write(folder.join("trace.json"), trace.to_string())?;
    let lines = evidence.lines().into_iter().map(|line| format!("{}\n", Value::Object(line.row.json())));
    std::fs::write(folder.join("lines.json"), lines.collect::<String>())?;
    Ok(())
}

fn of_jaeger(span: &Span) -> Value {
    let row = &span.row;
    let parent = Some(row.get("parent")).filter(|parent| !parent.is_empty());
    let error = row.is("error", "yes").then(|| json!({ "key": "error", "type": "bool", "value": true }));
    let others = row.json().into_iter().filter(|(key, _)| key != "error");
    let others = others.map(|(key, value)| json!({ "key": key, "type": "string", "value": value }));
    json!({
        "traceID": row.get("trace_id"),
        "spanID": row.get("span_id"),
        "operationName": row.get("name"),
        "references": parent.map(|parent| json!({
            "refType": "CHILD_OF", "traceID": row.get("trace_id"), "spanID": parent,
        })).into_iter().collect::<Vec<_>>(),
        "startTime": span.start,
        "duration": span.micros,
        "processID": row.get("service"),
        "tags": error.into_iter().chain(others).collect::<Vec<_>>(),
    })
}

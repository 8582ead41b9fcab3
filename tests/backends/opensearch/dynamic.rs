//! The formats without a schema, in an index that guesses each field's type from its first value.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{hostile_lines, is, lines_as, range, read, texts};
use crate::support::opensearch::{Index, template};
use crate::support::workshop::SERVICES;

/// Every line of the workshop, and the trace's lines of all eight by the names that this format has.
async fn is_taken(format: &str, trace: &str, service: &str) -> (Index, Vec<Value>) {
    let (trace_id, lines) = lines_as(format);
    let index = Index::fresh(&format!("as-{format}")).await;
    assert_eq!(index.add(texts(&lines)).await, Vec::<Value>::new());
    let all: Vec<Value> = lines.iter().map(|line| read(line)).collect();
    let of_trace = index.lines(&[is(trace, &*trace_id)]).await;
    assert_eq!(of_trace.len(), all.iter().filter(|line| line[trace] == *trace_id).count());
    let services: BTreeSet<&str> =
        of_trace.iter().map(|line| line.pointer(service).unwrap().as_str().unwrap()).collect();
    assert_eq!(services, SERVICES.into());
    (index, all)
}

/// A sum and a range over the lines' own numbers.
async fn has_numbers(index: &Index, all: &[Value], duration: &str, status: &str) {
    let numbers = |field: &str| all.iter().filter_map(|line| line[field].as_f64()).collect::<Vec<_>>();
    let sum = index.number(&[], &json!({ "sum": { "field": duration } })).await;
    assert!((sum - numbers(duration).iter().sum::<f64>()).abs() < 0.01, "{sum}");
    let failed = index.lines(&[range(status, "gte", 400)]).await;
    assert_eq!(failed.len(), numbers(status).iter().filter(|status| **status >= 400.0).count());
    assert!(!failed.is_empty());
}

#[tokio::test]
async fn every_line_of_the_format_json_is_taken() {
    let (index, all) = is_taken("json", "trace_id", "/service").await;
    has_numbers(&index, &all, "duration_ms", "status").await;
}

#[tokio::test]
async fn every_line_of_the_format_logstash_is_taken() {
    let (index, all) = is_taken("logstash", "trace_id", "/service").await;
    has_numbers(&index, &all, "duration_ms", "status").await;
}

/// OpenTelemetry's attributes have dots in their names, and any type: an index must not make objects of them.
#[tokio::test]
async fn every_line_of_the_format_otel_is_taken_where_attributes_are_kept_flat() {
    let flat = json!({ "attributes": { "type": "flat_object" }, "resource": { "type": "flat_object" } });
    let mappings = json!({ "mappings": { "properties": flat } });
    template("otel", &json!({ "index_patterns": ["as-otel"], "template": mappings })).await;
    let (index, all) = is_taken("otel", "trace_id", "/resource/service.name").await;
    let routed = index.lines(&[is("attributes.http.route", "/payments")]).await;
    assert_eq!(
        routed.len(),
        all.iter().filter(|line| line["attributes"]["http.route"] == "/payments").count()
    );
    assert!(!routed.is_empty());
    for lines in &hostile_lines("otel") {
        assert_eq!(index.add(texts(lines)).await, Vec::<Value>::new());
    }
}

/// Whoever gives a field of his own two types loses lines; that is what `ecs` is for. No key of ours is ever to blame.
#[tokio::test]
async fn only_a_users_own_field_of_two_types_is_refused() {
    for format in ["json", "logstash"] {
        let index = Index::fresh(&format!("mixed-{format}")).await;
        let (_, lines) = lines_as(format);
        assert_eq!(index.add(texts(&lines)).await, Vec::<Value>::new());
        let mut refused = Vec::new();
        for lines in &hostile_lines(format) {
            refused.extend(index.add(texts(lines)).await);
        }
        assert!(
            refused.iter().any(|line| line["create"]["error"]["type"] == "mapper_parsing_exception"),
            "{format}"
        );
        for refused in refused {
            let reason = refused["create"]["error"].to_string();
            assert!(
                ["[user]", "[user.id]", "[url]"].iter().any(|own| reason.contains(own)),
                "{format}: {reason}"
            );
        }
    }
}

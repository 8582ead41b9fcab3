//! The format `ecs`: in an index that has the schema's types and takes nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{hostile_lines, is, lines_as, range, read, texts};
use crate::shared::ecs::FIELDS;
use crate::shared::repository::top;
use crate::support::opensearch::{Index, template};
use crate::support::workshop::SERVICES;

/// An index as strict as can be: the schema's fields with their types, labels, and nothing beside.
async fn strict_index(name: &str) -> Index {
    let mut properties = Map::new();
    for (field, kind) in &FIELDS {
        let (object, leaf) = field.rsplit_once('.').map_or((None, *field), |(path, leaf)| (Some(path), leaf));
        let mut into = &mut properties;
        for part in object.into_iter().flat_map(|path| path.split('.')) {
            let inner = into.entry(part).or_insert_with(|| json!({ "properties": {} }));
            into = inner["properties"].as_object_mut().unwrap();
        }
        let limit = if *kind == "keyword" { json!({ "ignore_above": 1024 }) } else { json!({}) };
        let mut mapping = limit;
        mapping["type"] = json!(kind);
        into.insert(leaf.to_owned(), mapping);
    }
    for labels in ["labels", "numeric_labels"] {
        properties.insert(labels.to_owned(), json!({ "type": "object", "dynamic": true }));
    }
    // As Elastic's own templates have them.
    let labels = json!([
        { "labels": { "path_match": "labels.*", "mapping": { "type": "keyword", "ignore_above": 1024 } } },
        { "numeric_labels": {
            "path_match": "numeric_labels.*", "mapping": { "type": "scaled_float", "scaling_factor": 1_000_000 }
        } },
    ]);
    let mappings = json!({
        "dynamic": "strict", "date_detection": false, "dynamic_templates": labels, "properties": properties
    });
    let all = json!({ "index_patterns": [name], "template": { "mappings": mappings } });
    template(name, &all).await;
    Index::fresh(name).await
}

/// The index template that the guide gives.
fn template_of_guide() -> Value {
    let page = std::fs::read_to_string(top().join("src/guide/log_shipping.md")).unwrap();
    let block = page.split("<!-- index template -->\n```json\n").nth(1).expect("a template in the guide");
    serde_json::from_str(block.split("```").next().unwrap()).unwrap()
}

fn number(line: &Value, field: &str) -> Option<f64> {
    line.get(field)?.as_f64()
}

#[tokio::test]
async fn every_line_is_taken_and_found_again_by_trace_time_and_number() {
    let (trace_id, lines) = lines_as("ecs");
    let index = strict_index("ecs-strict").await;
    assert_eq!(index.add(texts(&lines)).await, Vec::<Value>::new());
    let all: Vec<Value> = lines.iter().map(|line| read(line)).collect();

    // By the trace, and by a time within it.
    let of_trace = index.lines(&[is("trace.id", &*trace_id)]).await;
    let expected: Vec<&Value> = all.iter().filter(|line| line["trace.id"] == *trace_id).collect();
    assert_eq!(of_trace.len(), expected.len());
    let services: BTreeSet<_> = of_trace.iter().map(|line| line["service.name"].as_str().unwrap()).collect();
    assert_eq!(services, SERVICES.into());
    let middle = expected[expected.len() / 2]["@timestamp"].as_str().unwrap();
    // The schema's times have milliseconds; a line's microseconds stay in its source.
    let early = index.lines(&[is("trace.id", &*trace_id), range("@timestamp", "lt", middle)]).await;
    let before = expected.iter().filter(|line| line["@timestamp"].as_str().unwrap()[..23] < middle[..23]);
    assert_eq!(early.len(), before.count());
    assert!(!early.is_empty() && early.len() < expected.len());

    // Sums and ranges of what is a number.
    let sum = index.number(&[], &json!({ "sum": { "field": "event.duration" } })).await;
    let durations = || all.iter().filter_map(|line| number(line, "event.duration"));
    assert!((sum - durations().sum::<f64>()).abs() < 1.0, "{sum}");
    let long = Duration::from_millis(100).as_nanos() as f64;
    let slow = index.lines(&[range("event.duration", "gte", long)]).await;
    assert_eq!(slow.len(), durations().filter(|took| *took >= long).count());
    assert!(!slow.is_empty());
    let failed = index.lines(&[range("http.response.status_code", "gte", 400)]).await;
    let is_failed = |line: &&Value| number(line, "http.response.status_code") >= Some(400.0);
    assert_eq!(failed.len(), all.iter().filter(is_failed).count());
    assert!(!failed.is_empty());
    let loud = index.lines(&[is("log.level", "WARN"), is("trace.id", &*trace_id)]).await;
    assert!(loud.iter().any(|line| line["service.name"] == "payments"), "{loud:#?}");
}

#[tokio::test]
async fn a_users_field_of_any_name_and_type_is_never_refused() {
    let index = strict_index("ecs-hostile").await;
    let lines = hostile_lines("ecs");
    for lines in &lines {
        assert_eq!(index.add(texts(lines)).await, Vec::<Value>::new());
    }
    // The same name as text and as number, each found as what it is.
    assert_eq!(index.lines(&[is("labels.amount", "a text"), is("service.name", "text")]).await.len(), 2);
    assert_eq!(index.lines(&[is("labels.amount", "true"), is("service.name", "truth")]).await.len(), 2);
    let numbers = [range("numeric_labels.amount", "gt", 7), is("service.name", "number")];
    assert_eq!(index.lines(&numbers).await.len(), 2);
    // Ours stay ours.
    let all = index.lines(&[]).await;
    assert_eq!(all.len(), lines.iter().map(Vec::len).sum::<usize>());
    for line in &all {
        assert!(["text", "number", "truth"].iter().any(|name| line["service.name"] == *name), "{line}");
        assert!(line["@timestamp"].as_str().unwrap().starts_with("20"), "{line}");
        assert!(line["message"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn the_readmes_template_is_enough() {
    template("services", &template_of_guide()).await;
    let index = Index::fresh("services-2026.11.21").await;
    let (trace_id, lines) = lines_as("ecs");
    for lines in [&lines].into_iter().chain(&hostile_lines("ecs")) {
        assert_eq!(index.add(texts(lines)).await, Vec::<Value>::new());
    }
    let slow = range("event.duration", "gte", Duration::from_millis(100).as_nanos() as f64);
    let slow = index.lines(&[is("trace.id", &*trace_id), slow]).await;
    assert!(slow.iter().any(|line| line["service.name"] == "payments"), "{slow:#?}");
    // A word of a message, and a number of the user's, the same in all lines that have it.
    let told = index.lines(&[json!({ "match": { "message": "notified" } })]).await;
    assert!(told.iter().all(|line| line["service.name"] == "notifications") && !told.is_empty(), "{told:#?}");
    let attempts = |line: &String| number(&read(line), "numeric_labels.attempts");
    let most = lines.iter().filter_map(attempts).fold(0.0, f64::max);
    let found = index.number(&[], &json!({ "max": { "field": "numeric_labels.attempts" } })).await;
    assert!(found == most && most > 1.0, "{found} is not {most}");
}

//! What a server that speaks Sentry's protocol has of a service's failures, and Jaeger of their traces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::shared::child::{Child, run};
use crate::shared::failures;
use crate::support::http;
use crate::support::jaeger::Trace;
use crate::support::systems::{JAEGER_OTLP, KENT};
use crate::support::wait::{SOON, eventually};

#[test]
fn program() {
    run(&[("story", failures::story)]);
}

/// The events of a project that Kent has; it keeps the last hundred.
async fn events(project: u64) -> Vec<Value> {
    let list = http::get(&KENT.url("/api/eventlist/")).await.json();
    let mut events = Vec::new();
    for known in list["events"].as_array().unwrap() {
        let id = known["event_id"].as_str().unwrap();
        let event = http::get(&KENT.url(&format!("/api/event/{id}"))).await.json();
        if event["project_id"] == project && event["payload"]["header"]["type"] == "event" {
            events.push(event["payload"]["body"].clone());
        }
    }
    events
}

fn transaction(event: &Value) -> String {
    event["transaction"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_failures_are_the_expected_issues_and_jaeger_has_their_traces() {
    let dsn = format!("{}/{}", KENT.value().replace("http://", "http://k3y@"), 7);
    let child = Child::new("reports", "story").env("SENTRY_DSN", dsn);
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", JAEGER_OTLP.value()).end().well();
    let expected: BTreeMap<String, usize> = failures::EXPECTED
        .iter()
        .filter(|(.., count)| *count > 0)
        .map(|(_, name, count)| ((*name).to_owned(), *count))
        .collect();
    let total: usize = expected.values().sum();
    assert_eq!(ended.said("report: "), format!("{total} delivered, 0 unconfirmed, 0 dropped"));
    let events = events(7).await;
    let mut received = BTreeMap::<String, usize>::new();
    events.iter().for_each(|event| *received.entry(transaction(event)).or_default() += 1);
    assert_eq!(received, expected);
    let groups: BTreeSet<_> = events.iter().map(|event| event["fingerprint"].to_string()).collect();
    assert_eq!(groups.len(), total - 1, "one error came twice: {groups:?}");
    for (situation, name, count) in failures::EXPECTED {
        let of = events.iter().filter(|event| transaction(event) == *name);
        let mut checked = 0;
        let mut group = BTreeSet::new();
        for event in of {
            group.insert(event["fingerprint"].to_string());
            let trace = &event["contexts"]["trace"];
            let (Some(trace_id), Some(span_id)) = (trace["trace_id"].as_str(), trace["span_id"].as_str())
            else {
                continue;
            };
            let report = event["event_id"].as_str().unwrap();
            eventually(SOON, &format!("the trace of {situation}"), async || {
                let trace = Trace::so_far(trace_id).await;
                let span = trace.0.iter().find(|span| span.id == span_id);
                match span.map(|span| span.tag("observability.report_id")) {
                    Some(id) if id == report => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
            checked += 1;
        }
        println!("{situation} | {count} | {} | {group:?} | {checked}", received.get(*name).unwrap_or(&0));
        assert!(checked == *count || name.is_empty(), "{situation}: only what has no request has no trace");
    }
}

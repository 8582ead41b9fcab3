//! What a server that speaks Sentry's protocol has of a service's failures, and Jaeger of their traces.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::shared::child::{Child, run};
use crate::shared::failures;
use crate::shared::repository::top;
use crate::support::http;
use crate::support::jaeger::Trace;
use crate::support::prometheus::run as run_program;
use crate::support::systems::{EVENT_SCHEMA, JAEGER_OTLP, KENT, MANIFESTS};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{Line, Workshop, ask};

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

/// What the schema's reader says of these events, and that it ended well.
fn read_by_schema(events: &[Value]) -> String {
    let script = top().join("tests/backends/config/events.cjs").to_str().unwrap().to_owned();
    let (modules, schema) = (format!("NODE_PATH={}", MANIFESTS.value()), EVENT_SCHEMA.value());
    run_program(Path::new("env"), &[&modules, "node", &script, &schema], &json!(events).to_string())
}

#[test]
#[should_panic(expected = "/timestamp must be")]
fn an_event_that_the_schema_does_not_allow_is_found() {
    read_by_schema(&[json!({ "event_id": "0af7651916cd43dd8448eb211c80319c", "timestamp": [1] })]);
}

#[test]
#[should_panic(expected = "/transactoin is not in the schema")]
fn a_key_that_the_schema_does_not_name_is_found() {
    read_by_schema(&[json!({ "event_id": "0af7651916cd43dd8448eb211c80319c", "transactoin": "GET /" })]);
}

fn transaction(event: &Value) -> String {
    event["transaction"].as_str().unwrap_or_default().to_owned()
}

/// The id of the event's trace, once Jaeger has its span with the report's id; none of what belongs to no request.
async fn traced(event: &Value) -> Option<String> {
    let trace = &event["contexts"]["trace"];
    let (trace_id, span_id) = (trace["trace_id"].as_str()?, trace["span_id"].as_str()?);
    let report = event["event_id"].as_str().unwrap();
    eventually(SOON, &format!("the trace of {}", event["transaction"]), async || {
        let trace = Trace::so_far(trace_id).await;
        let span = trace.0.iter().find(|span| span.id == span_id);
        match span.map(|span| span.tag("observability.report_id")) {
            Some(id) if id == report => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    Some(trace_id.to_owned())
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
    assert_eq!(read_by_schema(&events), format!("{total} events\n"));
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
            checked += usize::from(traced(event).await.is_some());
        }
        println!("{situation} | {count} | {} | {group:?} | {checked}", received.get(*name).unwrap_or(&0));
        assert!(checked == *count || name.is_empty(), "{situation}: only what has no request has no trace");
    }
}

/// What each of these asks the workshop for, twice; the service that fails by itself, and what it says.
const FAULTS: [(&str, &str, &str, &str); 3] = [
    ("GET", "FAULT-FAIL", "vehicles", "the page of this car is torn"),
    ("GET", "FAULT-PANIC", "vehicles", "the page of this car is missing"),
    ("POST", "FAULT-CONSUMER", "worker", "the message cannot be read"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_of_the_workshop_is_an_issue_of_the_service_that_failed_and_of_those_that_passed_it_on()
{
    let dsn = format!("{}/{}", KENT.value().replace("http://", "http://k3y@"), 8);
    let workshop = Workshop::start(&[
        ("SENTRY_DSN", &dsn),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ]);
    let gateway = workshop.gateway();
    let mut traces = BTreeMap::<&str, BTreeSet<String>>::new();
    for number in 0..2 {
        for (method, plate, ..) in FAULTS {
            let order = json!({ "customer_id": 4_100 + number, "plate": plate, "part": "oil-filter" });
            let answer = match method {
                "GET" => ask(method, &format!("{gateway}/vehicles/{plate}"), &[], None),
                _ => ask(method, &format!("{gateway}/bookings"), &[], Some(&order)),
            };
            let id = &answer.headers["x-request-id"];
            let trace_id = workshop.lines_once("a line of the request", |lines| {
                let line = lines.iter().map(Line::json).find(|line| line["request_id"] == **id)?;
                line["trace_id"].as_str().map(str::to_owned)
            });
            if method == "POST" {
                workshop.lines_of_these(&["worker"], &trace_id);
            }
            traces.entry(plate).or_default().insert(trace_id);
        }
        // Neither is a failure.
        for plate in ["FAULT-SLOW", "FAULT-EVENT", "B-WS-1"] {
            assert_eq!(ask("GET", &format!("{gateway}/vehicles/{plate}"), &[], None).status, 200, "{plate}");
        }
    }
    workshop.stop();

    let events = events(8).await;
    read_by_schema(&events);
    let mut left = events.len();
    for (_, plate, service, says) in FAULTS {
        let of_traces = |event: &&Value| {
            let trace_id = event["contexts"]["trace"]["trace_id"].as_str().unwrap_or_default();
            traces[plate].contains(trace_id)
        };
        let its: Vec<_> = events.iter().filter(of_traces).collect();
        left -= its.len();
        let own: Vec<_> = its.iter().filter(|event| event["tags"]["service"] == service).collect();
        assert_eq!(own.len(), 2, "{plate}: {its:#?}");
        assert!(own.iter().all(|event| event.to_string().contains(says)), "{own:#?}");
        for service in
            its.iter().map(|event| event["tags"]["service"].as_str().unwrap()).collect::<BTreeSet<_>>()
        {
            let of = its.iter().filter(|event| event["tags"]["service"] == service);
            let groups: BTreeSet<_> = of.clone().map(|event| event["fingerprint"].to_string()).collect();
            println!("{plate} | {service} | {} reports | {groups:?}", of.count());
            assert_eq!(groups.len(), 1, "{plate}: one issue of {service}");
        }
        for event in its {
            assert!(traces[plate].contains(&traced(event).await.unwrap()));
        }
    }
    assert_eq!(left, 0, "nothing else is reported: {events:#?}");
}

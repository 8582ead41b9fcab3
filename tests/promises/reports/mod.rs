//! Promise: what failed is one report with all that the log has of it, grouped by its cause, and no request pays for it.

mod flood;
mod rollbar;
mod sdk;

use std::collections::BTreeSet;

use sentry::protocol::{Envelope, EnvelopeItem, Event};
use serde_json::Value;

use crate::support::child::{Child, Ended, run};
use crate::support::collector::Collector;
use crate::support::failures;
use crate::support::reports::Receiver;

#[test]
fn program() {
    run(&[
        ("story", failures::story),
        ("flood", failures::flood),
        ("limited", failures::limited),
        ("patient", failures::patient),
        ("harmless", failures::harmless),
        ("chain", failures::chain),
        ("talkative", failures::talkative),
        ("alone", failures::alone),
        ("beside", sdk::beside),
    ]);
}

/// One run of the story: what the server, the collector and the log have.
struct Told {
    events: Vec<Value>,
    lines: Vec<Value>,
    ended: Ended,
    receiver: Receiver,
    collector: Collector,
}

fn told(with: impl FnOnce(Child, &Receiver) -> Child) -> Told {
    let (receiver, collector) = (Receiver::start(), Collector::start());
    let child = Child::new("reports", "story")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.version=1.2.3");
    let ended = with(child, &receiver).end().well();
    Told { events: receiver.events(), lines: ended.logged(), ended, receiver, collector }
}

fn story() -> Told {
    told(|child, receiver| child.env("SENTRY_DSN", receiver.dsn()))
}

impl Told {
    /// The events of this transaction.
    fn of(&self, transaction: &str) -> Vec<&Value> {
        let is_of = |event: &&Value| event["transaction"].as_str().unwrap_or_default() == transaction;
        self.events.iter().filter(is_of).collect()
    }

    /// The one event of this transaction.
    fn one(&self, transaction: &str) -> &Value {
        let [event] = self.of(transaction)[..] else { panic!("{transaction}: {:#?}", self.events) };
        event
    }
}

fn errors(event: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let values = event["exception"]["values"].as_array().unwrap();
    values.iter().map(|value| (text(&value["type"]), text(&value["value"]))).collect()
}

fn frame(event: &Value) -> &Value {
    let last = event["exception"]["values"].as_array().unwrap().last().unwrap();
    last["stacktrace"]["frames"].as_array().unwrap().last().unwrap()
}

#[test]
fn each_failure_is_one_report_and_nothing_else_is() {
    let told = story();
    let seen: Vec<_> =
        told.events.iter().map(|event| event["transaction"].as_str().unwrap_or_default()).collect();
    for (situation, transaction, expected) in failures::EXPECTED {
        assert_eq!(told.of(transaction).len(), *expected, "{situation}: {seen:?}");
    }
    let expected: usize = failures::EXPECTED.iter().map(|(_, _, expected)| expected).sum();
    assert_eq!(told.events.len(), expected, "{seen:?}");
    let said = told.ended.said("report: ");
    assert_eq!(said, format!("{expected} delivered, 0 unconfirmed, 0 dropped"));
}

#[test]
fn a_report_has_the_trace_of_its_span_and_line_and_they_have_its_id() {
    let told = story();
    let spans = told.collector.spans();
    for event in &told.events {
        let id = event["event_id"].as_str().unwrap();
        assert_eq!(id.len(), 32);
        let trace = &event["contexts"]["trace"];
        if event["contexts"].get("trace").is_none() {
            continue;
        }
        let [trace_id, span_id] = ["trace_id", "span_id"].map(|name| trace[name].as_str().unwrap());
        assert_eq!(
            (&event["tags"]["trace_id"], &event["tags"]["span_id"]),
            (&trace["trace_id"], &trace["span_id"])
        );
        let Some(span) = spans.iter().find(|span| span.span_id() == span_id) else { panic!("{event:#}") };
        assert_eq!(
            (span.trace_id(), span.text("observability.report_id")),
            (trace_id.to_owned(), id.to_owned())
        );
        let line = told.lines.iter().find(|line| line["observability.report_id"] == id).unwrap();
        assert_eq!((&line["trace_id"], &line["span_id"]), (&trace["trace_id"], &trace["span_id"]));
    }
    let told_ids = told.lines.iter().filter(|line| line.get("observability.report_id").is_some()).count();
    let of_hops = told.events.iter().filter(|event| event["contexts"]["trace"]["op"] != "event").count();
    let outside = told.events.iter().filter(|event| event["contexts"].get("trace").is_none()).count();
    assert_eq!(told_ids, of_hops - outside, "only failed hops have the id of a report");
}

#[test]
fn a_report_says_what_the_log_says_of_its_request() {
    let told = story();
    let event = told.of("GET /bookings/{id}")[0];
    let chain = [("io::Error", "the disk is full"), ("Booking", "booking 7 was not stored")];
    assert_eq!(errors(event), chain.map(|(kind, text)| (kind.to_owned(), text.to_owned())));
    assert!(frame(event)["filename"].as_str().unwrap().ends_with("support/failures.rs"), "{event:#}");
    assert!(frame(event)["lineno"].as_u64().unwrap() > 0);
    for (name, value) in [("status", "500"), ("outcome", "server_error"), ("route", "/bookings/{id}")] {
        assert_eq!(event["tags"][name], value, "{event:#}");
    }
    assert_eq!((&event["release"], &event["environment"]), (&"1.2.3".into(), &"test".into()));
    assert_eq!(event["tags"]["service"], "bookings");
    assert_eq!(event["user"]["id"], "customer-4711");
    assert!(event["extra"]["duration_ms"].as_f64().is_some());
    assert_eq!(event["extra"]["seats"], 2);
    let request = &event["request"];
    assert_eq!((&request["method"], &request["url"]), (&"GET".into(), &"/bookings/7".into()));
    assert_eq!(request["headers"]["x-tenant"], "blue");
    assert_eq!(request["headers"]["x-request-id"], event["tags"]["request_id"]);
    let crumbs = event["breadcrumbs"]["values"].as_array().unwrap();
    let messages: Vec<_> = crumbs.iter().map(|crumb| crumb["message"].as_str().unwrap()).collect();
    assert_eq!(
        messages,
        ["looking into the book", "GET pay.example:80/pay 503", "SELECT seats ok", "giving up"]
    );
    assert_eq!(crumbs[1]["type"], "http");
    assert_eq!(crumbs[3]["level"], "warning");
}

#[test]
fn a_panic_is_reported_with_its_message_and_place() {
    let told = told(|child, receiver| child.env("SENTRY_DSN", receiver.dsn()).env("RUST_BACKTRACE", "1"));
    let event = told.one("GET /panics");
    assert_eq!(errors(event), [("panic".to_owned(), "no seats at all".to_owned())]);
    assert_eq!(event["level"], "fatal");
    assert_eq!(event["exception"]["values"][0]["mechanism"]["handled"], false);
    let frames = event["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    let is_ours =
        |frame: &&Value| frame["function"].as_str().is_some_and(|name| name.contains("support::failures"));
    let ours = frames.iter().rfind(is_ours).unwrap();
    assert!(frames.len() > 3 && ours["in_app"] == true, "{frames:#?}");
    let outside = told.of("").into_iter().find(|event| event["level"] == "fatal").unwrap();
    assert_eq!(errors(outside), [("panic".to_owned(), "a thread of its own".to_owned())]);
}

#[test]
fn one_cause_is_one_issue_and_its_ids_are_not_part_of_it() {
    let told = story();
    let groups: BTreeSet<_> =
        told.of("GET /bookings/{id}").iter().map(|event| event["fingerprint"].to_string()).collect();
    assert_eq!(groups.len(), 1, "two bookings, one cause: {groups:?}");
    assert_eq!(told.one("GET /chosen")["fingerprint"], serde_json::json!(["payment provider"]));
    let all: BTreeSet<_> = told.events.iter().map(|event| event["fingerprint"].to_string()).collect();
    assert_eq!(all.len(), told.events.len() - 1, "every other cause is an issue of its own: {all:?}");
}

#[test]
fn nothing_that_the_log_hides_is_in_a_report() {
    let told = story();
    for posted in told.receiver.posted() {
        let text = String::from_utf8_lossy(&posted.body);
        for secret in ["s3cr3t", "k3y"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    assert!(!told.ended.output.iter().any(|line| line.contains("k3y")), "{:#?}", told.ended.output);
}

#[test]
fn the_types_of_sentry_read_every_envelope() {
    for posted in story().receiver.posted() {
        assert_eq!(posted.path, "/api/1/envelope/");
        assert_eq!(posted.headers["content-type"], "application/x-sentry-envelope");
        let auth = posted.headers["x-sentry-auth"].to_str().unwrap();
        assert!(auth.starts_with("Sentry sentry_version=7, ") && auth.ends_with("sentry_key=k3y"), "{auth}");
        let [mut event] = posted.items("event").try_into().unwrap();
        if let Some(request) = event.get_mut("request") {
            // The protocol takes any text. The SDK's type wants a host, which lines do not have.
            request["url"] = format!("http://service{}", request["url"].as_str().unwrap()).into();
        } else {
            let envelope = Envelope::from_slice(&posted.body).unwrap();
            let Some(EnvelopeItem::Event(event)) = envelope.items().next() else { panic!("{envelope:?}") };
            assert_eq!(envelope.uuid(), Some(&event.event_id));
        }
        let event: Event<'_> = serde_json::from_value(event).unwrap();
        assert!(!event.exception.values.is_empty() && !event.fingerprint.is_empty());
        assert!(event.request.is_none_or(|request| request.method.is_some()));
    }
}

#[test]
fn without_a_dsn_nothing_is_kept_and_nothing_sent() {
    let told = told(|child, _| child);
    assert!(told.receiver.posted().is_empty());
    assert_eq!(told.ended.said("report: "), "0 delivered, 0 unconfirmed, 0 dropped");
    assert!(!told.lines.iter().any(|line| line.to_string().contains("report_id")));
    let takes = told.ended.output.iter().any(|line| line == "user: true");
    assert!(!takes, "nothing takes a user");
}

#[test]
fn a_job_that_starts_its_successor_holds_none_of_those_before_it() {
    let receiver = Receiver::start();
    let ended = Child::new("reports", "chain").env("SENTRY_DSN", receiver.dsn()).end().well();
    assert!(ended.output.iter().any(|line| line == "ended"), "{:#?}", ended.output);
}

#[test]
fn an_id_whose_own_code_logs_or_panics_stops_no_request() {
    let receiver = Receiver::start();
    let ended = Child::new("reports", "talkative").env("SENTRY_DSN", receiver.dsn()).end().well();
    let users: Vec<_> = receiver.events().iter().map(|event| event["user"]["id"].clone()).collect();
    assert_eq!(users, ["4711".into(), Value::Null], "{:#?}", ended.output);
}

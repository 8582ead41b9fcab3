//! The same content as Rollbar's items, held against what its documentation says of one.

use super::*;

const LEVELS: [&str; 5] = ["critical", "error", "warning", "info", "debug"];

/// What Rollbar demands of an item: its documentation, "Create an Item".
fn check(item: &Value) {
    let data = &item["data"];
    assert!(
        data["environment"].as_str().is_some_and(|name| !name.is_empty() && name.len() <= 255),
        "{item:#}"
    );
    let body = data["body"].as_object().unwrap();
    let kinds = ["trace", "trace_chain", "message", "crash_report"];
    assert_eq!(body.keys().filter(|key| kinds.contains(&key.as_str())).count(), 1, "exactly one: {item:#}");
    if let Some(chain) = body.get("trace_chain") {
        assert!(!chain.as_array().unwrap().is_empty());
        for trace in chain.as_array().unwrap() {
            assert!(trace["exception"]["class"].is_string(), "{item:#}");
            assert!(trace["frames"].as_array().unwrap().iter().all(|frame| frame["filename"].is_string()));
        }
    }
    if let Some(message) = body.get("message") {
        assert!(message["body"].as_str().is_some_and(|text| !text.is_empty()), "{item:#}");
    }
    for telemetry in body["telemetry"].as_array().unwrap() {
        assert!(LEVELS.contains(&telemetry["level"].as_str().unwrap()));
        assert_eq!((&telemetry["type"], &telemetry["source"]), (&"log".into(), &"server".into()));
        assert!(telemetry["timestamp_ms"].is_u64() && telemetry["body"]["message"].is_string());
    }
    assert!(LEVELS.contains(&data["level"].as_str().unwrap()));
    assert!(data["timestamp"].is_u64() && data["title"].as_str().unwrap().chars().count() <= 255);
    assert!(data["uuid"].as_str().is_some_and(|id| id.len() == 32), "{item:#}");
    for text in ["platform", "language", "context", "fingerprint"] {
        assert!(data[text].is_string(), "{text}: {item:#}");
    }
    assert!(data["notifier"]["name"].is_string() && data["custom"].is_object());
}

fn items(receiver: &Receiver) -> Vec<Value> {
    let posted = receiver.posted();
    posted.iter().for_each(|posted| {
        assert_eq!(
            (&*posted.path, &posted.headers["x-rollbar-access-token"]),
            ("/api/1/item/", &"t0k3n".parse().unwrap())
        );
    });
    posted.iter().map(|posted| serde_json::from_slice(&posted.body).unwrap()).collect()
}

#[test]
fn every_item_is_as_rollbar_wants_it() {
    let told = told(|child, receiver| {
        child
            .env("ROLLBAR_ACCESS_TOKEN", "t0k3n")
            .env("ROLLBAR_ENDPOINT", receiver.url("/api/1/item/"))
            .env("SENTRY_RELEASE", "bookings@7")
    });
    let items = items(&told.receiver);
    items.iter().for_each(check);
    let expected: usize = failures::EXPECTED.iter().map(|(_, _, expected)| expected).sum();
    assert_eq!(items.len(), expected);
    let data = &items.iter().find(|item| item["data"]["context"] == "GET /bookings/{id}").unwrap()["data"];
    let chain = &data["body"]["trace_chain"];
    assert_eq!(
        (&chain[0]["exception"]["class"], &chain[1]["exception"]["class"]),
        (&"Booking".into(), &"io::Error".into())
    );
    assert_eq!(
        (&data["person"]["id"], &data["code_version"]),
        (&"customer-4711".into(), &"bookings@7".into())
    );
    let trace = data["custom"]["trace_id"].as_str().unwrap();
    assert!(told.collector.spans().iter().any(|span| span.trace_id() == trace));
    assert_eq!(data["body"]["telemetry"].as_array().unwrap().len(), 4);
}

#[test]
fn code_alone_sends_each_report_to_both() {
    let (sentry, rollbar) = (Receiver::start(), Receiver::start());
    let child = Child::new("reports", "alone").env("CODE_DSN", sentry.dsn());
    let ended = child.env("CODE_ROLLBAR", rollbar.url("/api/1/item/")).end().well();
    let (events, items) = (sentry.events(), items(&rollbar));
    assert_eq!((events.len(), items.len()), (2, 2));
    for (event, item) in events.iter().zip(&items) {
        assert_eq!(event["event_id"], item["data"]["uuid"]);
        assert_eq!((&event["release"], &event["environment"]), (&"bookings@7".into(), &"stage".into()));
    }
    assert_eq!(ended.said("report: "), "4 delivered, 0 unconfirmed, 0 dropped");
    assert!(
        ended.messages("INFO").iter().any(|line| line.contains("error reports to http://127.0.0.1:")),
        "{:#?}",
        ended.output
    );
}

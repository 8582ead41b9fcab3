//! Promise: one strict JSON object a line, joined to its request; one line for each request, at its end.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use serde_json::Value;
use tower::ServiceExt as _;
use tower_observability::testing::Instance;
use tower_observability::{Outcome, request};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn ask(seen: &Instance, router: Router, path: &str) -> Vec<Value> {
    let app = router.layer(seen.layer());
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let request = Request::get(path).header("traceparent", traceparent).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    seen.lines()
}

#[tokio::test]
async fn an_event_in_a_handler_carries_the_requests_context() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let router = Router::new().route(
        "/users/{id}",
        get(|| async {
            tracing::info!(user = 7, share = 0.5, active = true, name = "Ada", "found");
            tracing::info_span!("query", table = "users").in_scope(|| tracing::debug!("asked"));
            "hello"
        }),
    );
    let lines = ask(&seen, router, "/users/7").await;
    let [event, within, last] = &lines[..] else { panic!("{lines:#?}") };
    for line in &lines {
        assert_eq!(line["trace_id"], TRACE);
        assert_eq!(
            (&line["method"], &line["path"], &line["trace_flags"]),
            (&"GET".into(), &"/users/7".into(), &"01".into())
        );
        assert_eq!(line["request_id"], last["request_id"]);
    }
    assert_eq!((&event["level"], &event["message"]), (&"INFO".into(), &"found".into()));
    assert_eq!(event["target"], module_path!());
    assert_eq!((&event["user"], &event["share"]), (&7.into(), &0.5.into()));
    assert_eq!((&event["active"], &event["name"]), (&true.into(), &"Ada".into()));
    assert_eq!(event["span_id"], last["span_id"]);
    assert_eq!((&within["level"], &within["table"]), (&"DEBUG".into(), &"users".into()));
    let spans = seen.spans();
    let query = spans.iter().find(|span| span.name == "query").unwrap();
    assert_eq!(within["span_id"], query.trace.span_id.to_string());
}

#[tokio::test]
async fn a_request_has_one_line_at_its_end_and_it_says_how_it_ended() {
    let seen = Instance::new();
    let router = Router::new().route(
        "/fail",
        get(|| async {
            request::add("customer_id", 4711);
            request::add("status", "the user's");
            request::error(&std::io::Error::other("the database is gone"));
            StatusCode::INTERNAL_SERVER_ERROR
        }),
    );
    let lines = ask(&seen, router, "/fail").await;
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((&line["level"], &line["status"]), (&"ERROR".into(), &500.into()));
    assert_eq!(
        (&line["outcome"], &line["target"]),
        (&"server_error".into(), &"tower_observability::request".into())
    );
    assert_eq!((&line["customer_id"], &line["field_status"]), (&4711.into(), &"the user's".into()));
    assert_eq!(line["error"], "the database is gone");
    assert!(line["duration_ms"].is_number() && line["response_bytes"].is_number());
}

#[tokio::test]
async fn span_and_line_tell_the_same_outcome() {
    let seen = Instance::new();
    let router = Router::new().route(
        "/slow",
        get(|| async {
            request::outcome(Outcome::Timeout);
            "late"
        }),
    );
    let lines = ask(&seen, router, "/slow").await;
    assert_eq!((&lines[0]["outcome"], &lines[0]["level"]), (&"timeout".into(), &"WARN".into()));
    assert_eq!(seen.spans()[0].trace.span_id.to_string(), lines[0]["span_id"].as_str().unwrap());
}

#[test]
fn no_field_of_a_user_can_take_one_of_our_keys() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let span =
        tracing::info_span!("span", message = "of the span", level = "of the span", own = "of the span");
    span.in_scope(|| {
        tracing::warn!(level = "loud", trace_id = 1, service = true, own = "of the event", "hello");
    });
    let line = &seen.lines()[0];
    assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"hello".into()));
    assert_eq!((&line["field_level"], &line["field_trace_id"]), (&"loud".into(), &1.into()));
    assert_eq!((&line["field_message"], &line["field_service"]), (&"of the span".into(), &true.into()));
    assert_eq!(line["own"], "of the event");
}

#[test]
fn what_always_stands_on_a_line_stands_on_every_line() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    tracing::error!(error = "x");
    tracing::trace!("quiet");
    for line in seen.lines() {
        let keys: BTreeSet<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        for key in ["timestamp", "level", "service", "message", "target"] {
            assert!(keys.contains(key), "{key} is missing in {line}");
        }
        assert_eq!(keys.contains("file"), line["level"] == "ERROR");
    }
}

#[test]
fn a_value_that_panics_while_it_is_formatted_costs_its_field_only() {
    struct Panics;
    impl std::fmt::Display for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("on purpose")
        }
    }
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    tracing::info!(bad = %Panics, good = 1, "hello");
    let lines = seen.lines();
    assert_eq!((&lines[0]["bad"], &lines[0]["good"]), (&"<panicked>".into(), &1.into()));
}

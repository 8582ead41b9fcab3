//! Promise: a field that was added to the lines of a request stands on each of them from then on, and on no other.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::testing::Instance;
use tower_observability::{Work, request, spawn};

async fn ask(seen: &Instance, router: Router, path: &str) {
    let app = router.layer(seen.layer());
    let response = app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
}

/// The line with this message.
fn saying(seen: &Instance, message: &str) -> Value {
    let lines = seen.lines();
    let mut found = lines.iter().filter(|line| line["message"].as_str().unwrap().starts_with(message));
    let line = found.next().unwrap_or_else(|| panic!("no {message:?} in {lines:#?}")).clone();
    assert!(found.next().is_none(), "{message:?} twice in {lines:#?}");
    line
}

#[tokio::test]
async fn it_stands_on_every_line_that_follows_and_on_the_span_once() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let handler = || async {
        tracing::info!("before");
        assert!(request::add_to_lines("booking_id", 7));
        tracing::info!("after");
        tracing::info_span!("query", table = "books").in_scope(|| tracing::info!("within a span"));
        spawn(async { tracing::info!("in a task") }).await.unwrap();
        assert!(request::add_to_lines("booking_id", 8) && request::add("seats", 2));
        tracing::info!("replaced");
        request::add("booking_id", 9);
        tracing::info!("replaced by add");
    };
    ask(&seen, Router::new().route("/book", get(handler)), "/book").await;
    ask(&seen, Router::new().route("/other", get(|| async { tracing::info!("another request") })), "/other")
        .await;
    tracing::info!("outside");
    for (message, value) in [
        ("before", Value::Null),
        ("after", 7.into()),
        ("within a span", 7.into()),
        ("in a task", 7.into()),
        ("replaced by add", 9.into()),
        ("GET /book", 9.into()),
        ("another request", Value::Null),
        ("GET /other", Value::Null),
        ("outside", Value::Null),
    ] {
        assert_eq!(saying(&seen, message)["booking_id"], value, "{message}");
    }
    assert_eq!(saying(&seen, "replaced by add").get("seats"), None, "`add` alone is for the closing line");
    let span = seen.spans().into_iter().find(|span| span.name == "GET /book").unwrap();
    assert_eq!(span.attribute("booking_id"), 9);
}

#[tokio::test]
async fn the_fields_of_an_event_and_of_a_span_go_before_it_and_reserved_names_stay_ours() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let handler = || async {
        request::add_to_lines("user", "the request's");
        request::add_to_lines("status", "theirs");
        request::add_to_lines("trace_id", "theirs");
        tracing::info!("plain");
        tracing::info!(user = "the event's", "with its own");
        tracing::info_span!("query", user = "the span's").in_scope(|| tracing::info!("within a span"));
    };
    ask(&seen, Router::new().route("/book", get(handler)), "/book").await;
    let user = |message| saying(&seen, message)["user"].clone();
    assert_eq!(
        ["plain", "with its own", "within a span"].map(user),
        ["the request's", "the event's", "the span's"]
    );
    for message in ["plain", "GET /book"] {
        let line = saying(&seen, message);
        assert_eq!((&line["field_status"], &line["field_trace_id"]), (&"theirs".into(), &"theirs".into()));
        assert_eq!(line["trace_id"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn what_happens_within_the_request_says_it_too() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let remote = service_fn(|_: Request<String>| async {
        tracing::info!("within the call");
        Ok::<_, Infallible>(Response::builder().status(503).body(String::new()).unwrap())
    });
    let client = seen.client_layer().layer(remote);
    let handler = || async move {
        request::add_to_lines("booking_id", 7);
        let call = Request::get("http://pay.example/pay").body(String::new()).unwrap();
        drop(client.oneshot(call).await.unwrap());
        Work::internal("report").run(async { tracing::info!("within the job") }).await;
    };
    ask(&seen, Router::new().route("/book", get(handler)), "/book").await;
    for message in ["within the call", "GET pay.example", "within the job", "report", "GET /book"] {
        assert_eq!(saying(&seen, message)["booking_id"], 7, "{message}");
    }
    let call = seen.spans().into_iter().find(|span| span.name == "GET").unwrap();
    assert!(!call.attributes.contains_key("booking_id"), "it is the request's: {call:?}");
}

#[tokio::test]
async fn there_is_a_bound_and_outside_of_a_request_nothing_happens() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    assert!(!request::add_to_lines("booking_id", 7));
    let handler = || async {
        for number in 0..32_u64 {
            assert!(request::add_to_lines(format!("field_{number}"), number));
        }
        assert!(!request::add_to_lines("one_more", 1), "it is on the closing line only");
        assert!(request::add_to_lines("field_3", 33));
        assert!(request::add_to_lines("absent", None::<u64>));
        tracing::info!("full");
        StatusCode::OK
    };
    ask(&seen, Router::new().route("/book", get(handler)), "/book").await;
    let (event, last) = (saying(&seen, "full"), saying(&seen, "GET /book"));
    assert_eq!(
        (&event["field_31"], &event["field_3"], event.get("one_more")),
        (&31.into(), &33.into(), None)
    );
    assert_eq!((&last["one_more"], last.get("absent")), (&1.into(), None));
}

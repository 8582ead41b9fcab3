//! The proof that the format `ecs` is Elastic Common Schema: each of our fields is one of the schema's, and each
//! value fits its field's type.

#[path = "../../../../tests/support/ecs.rs"]
#[allow(unreachable_pub)] // the tests of the real systems read it too
mod schema;

use self::schema::{FIELDS, READ_FROM};
use super::*;
use crate::logs::formats::ecs::VERSION;
use crate::record::{Kind, Outcome};

/// The type of a key; labels are texts by the schema, numeric labels numbers by Elastic APM.
fn type_of(key: &str) -> Option<&'static str> {
    let has_name =
        |name: Option<&str>| name.is_some_and(|name| !name.is_empty() && !name.contains(['.', '*', '\\']));
    if has_name(key.strip_prefix("labels.")) {
        return Some("keyword");
    }
    if has_name(key.strip_prefix("numeric_labels.")) {
        return Some("scaled_float");
    }
    FIELDS.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
}

fn fits(kind: &str, value: &Json) -> bool {
    match kind {
        "keyword" | "match_only_text" | "wildcard" => value.is_string(),
        "long" => value.is_i64(),
        "scaled_float" => value.is_number(),
        "date" => value.as_str().is_some_and(|text| text.len() == 27 && text.ends_with('Z')),
        _ => false,
    }
}

#[test]
fn every_key_is_a_field_of_the_schema_and_every_value_of_its_type() {
    assert_eq!(VERSION, READ_FROM, "the types below were read from another version");
    let written = a_line_of_each_kind("ecs");
    assert!(written.len() >= 10);
    for line in &written {
        for (key, value) in line.as_object().expect("an object") {
            let kind = type_of(key).unwrap_or_else(|| panic!("{key} is no field of the schema"));
            assert!(fits(kind, value), "{key} is a {kind}, not {value}");
        }
    }
    for row in FORMATS.iter().filter(|row| !row[1].is_empty()) {
        assert!(type_of(row[1]).is_some(), "{} is no field of the schema", row[1]);
    }
}

#[test]
fn no_field_is_a_part_of_another() {
    let keys: Vec<_> = FORMATS.iter().map(|row| row[1]).filter(|key| !key.is_empty()).collect();
    for key in &keys {
        let within: Vec<_> = keys.iter().filter(|other| other.starts_with(&format!("{key}."))).collect();
        assert!(within.is_empty(), "{key} cannot be a value and an object with {within:?}");
    }
}

#[test]
fn the_requests_line_in_ecs() {
    let expected = json!({
        "log.level": "ERROR", "ecs.version": "9.3.0", "service.name": "book\"ings", "service.version": "1.2.3",
        "service.environment": "prod", "service.node.name": "i-1", "event.dataset": "book\"ings.log",
        "process.pid": std::process::id(), "log.logger": "tower_observability::request",
        "message": "GET /users/{id} 500", "trace.id": TRACE, "span.id": "00000000000000ab",
        "labels.trace_flags": "01", "transaction.id": "00000000000000ab", "http.request.id": "r-1",
        "http.request.method": "GET", "url.path": "/users/7", "labels.route": "/users/{id}",
        "http.response.status_code": 500, "event.duration": 12_345_678, "numeric_labels.ttfb_ms": 1.0,
        "labels.outcome": "server_error", "event.outcome": "failure", "error.type": "server_error",
        "http.response.body.bytes": 46, "labels.customer": "Ada", "numeric_labels.booking_id": 4711,
        "labels.paid": "true",
    });
    assert_eq!(request_line("ecs"), expected);
}

#[test]
fn a_number_that_an_index_may_refuse_is_a_text() {
    let (lines, seen) = lines("ecs");
    let fields: Vec<_> = [
        ("big", Value::from(u64::MAX)),
        ("huge", Value::from(1e19)),
        ("odd", Value::from(f64::NAN)),
        ("most", Value::from(i64::MIN)),
    ]
    .into();
    lines.say(tracing::Level::INFO, "tower_observability", "started", &fields);
    let line = &read(&seen)[0];
    assert_eq!(
        (&line["labels.big"], &line["labels.huge"], &line["labels.odd"]),
        (&"18446744073709551615".into(), &"1e19".into(), &"NaN".into())
    );
    assert_eq!(line["numeric_labels.most"], i64::MIN);
}

#[test]
fn an_error_of_a_user_is_the_lines_error_and_always_text() {
    let said = events("ecs", || {
        tracing::error!(error = 7, "numbered");
        tracing::error!(error.code = 7, error = "plain", "worded");
    });
    assert_eq!((&said[0]["error.message"], &said[1]["error.message"]), (&"7".into(), &"plain".into()));
    assert_eq!(said[1]["numeric_labels.error_code"], 7);
}

#[test]
fn the_outcome_is_one_of_the_three_words_of_the_schema() {
    let said = |kind, outcome| {
        let (lines, seen) = lines("ecs");
        let hop = Arc::new(a_request(kind, "/"));
        lines.hop(&hop, &ended(&hop, outcome, None));
        read(&seen)[0]["event.outcome"].as_str().expect("text").to_owned()
    };
    assert_eq!(said(Kind::Server, Outcome::Ok), "success");
    assert_eq!(said(Kind::Server, Outcome::ClientError), "success");
    assert_eq!(said(Kind::Client, Outcome::ClientError), "failure");
    assert_eq!(said(Kind::Server, Outcome::Cancelled), "unknown");
    assert_eq!(said(Kind::Server, Outcome::Panic), "failure");
}

#[test]
fn a_call_within_a_request_is_no_transaction() {
    let (lines, seen) = lines("ecs");
    let mut call = a_request(Kind::Client, "/");
    call.parent = SpanId::new(0xcd);
    let call = Arc::new(call);
    lines.hop(&call, &ended(&call, Outcome::ServerError, Some(500)));
    assert!(read(&seen)[0].get("transaction.id").is_none());
}

//! Promise: one word chooses the format of every line that a process writes: the events', the requests', our own and
//! a panic's. The guide shows a real line of each, and `UPDATE_DOCS=1 cargo test -p tests --test process formats`
//! writes them anew.

use std::collections::BTreeMap;
use std::fs;

use axum::body::Body;
use axum::http::Request;
use axum::{Router, routing::get};
use serde_json::Value;
use tokio::runtime::Builder;
use tower::ServiceExt as _;
use tower_observability::{ObservabilityLayer, request};

use crate::support::child::{Child, Ended, run};
use crate::support::repository::top;

/// Each format, with its keys of the message, the target and the trace.
const FORMATS: [(&str, &str, &str, &str); 5] = [
    ("json", "message", "target", "trace_id"),
    ("ecs", "message", "log.logger", "trace.id"),
    ("logstash", "message", "logger_name", "trace_id"),
    ("gelf", "short_message", "_target", "_trace_id"),
    ("otel", "body", "scope_name", "trace_id"),
];

#[test]
fn program() {
    run(&[("serves", serves), ("hides", hides)]);
}

fn serves() {
    let observability = tower_observability::builder("bookings").version("1.4.0").init().unwrap();
    let router = Router::new().route(
        "/bookings/{id}",
        get(|| async {
            request::add("booking_id", 7);
            request::add("customer", "Ada");
            tracing::info!(garage = "north", "looking into the book");
            "booked"
        }),
    );
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = router.layer(ObservabilityLayer::new());
        let asked = Request::get("/bookings/7").header("x-request-id", "r-1").body(Body::empty()).unwrap();
        let answer = app.oneshot(asked).await.unwrap();
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let thread = std::thread::Builder::new().name("mechanic".to_owned());
        assert!(thread.spawn(|| panic!("out of spanners")).unwrap().join().is_err());
        observability.shutdown().await;
    });
}

fn hides() {
    let observability = tower_observability::init("accounts").unwrap();
    let layer = ObservabilityLayer::new()
        .redact_path("/reset/{token}", ["token"])
        .capture_request_headers(["x-tenant", "cookie"])
        .on_response(|parts| {
            request::add("answered", parts.status.as_u16());
        });
    let reset = get(|| async {
        tracing::info!("sending a mail");
        assert!(std::panic::catch_unwind(|| panic!("no stamps")).is_err());
    });
    let app = Router::new().route("/reset/{token}", reset).layer(layer);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let asked = Request::get("/reset/s3cr3t?again=s3cr3t").header("cookie", "session=s3cr3t");
        let asked = asked.header("x-tenant", "blue").header("x-tenant", "green");
        let answer = app.oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        observability.shutdown().await;
    });
}

fn written_in(format: &str) -> Ended {
    written_by("serves", format)
}

fn written_by(program: &str, format: &str) -> Ended {
    let who = "service.instance.id=bookings-7d9f,host.name=node-3,deployment.environment.name=production";
    Child::new("formats", program)
        .env("OTEL_RESOURCE_ATTRIBUTES", who)
        .env("OBSERVABILITY_LOG_FORMAT", format)
        .end()
        .well()
}

/// The one line whose value at this key is so.
fn the_line<'a>(ended: &'a Ended, key: &str, value: &str) -> (&'a str, Value) {
    let lines = ended.output.iter().filter(|line| line.starts_with('{'));
    let read = lines.map(|line| (line.as_str(), serde_json::from_str::<Value>(line).expect("JSON")));
    let mut found = read.filter(|(_, line)| line[key] == value);
    let line = found.next().unwrap_or_else(|| panic!("no line with {key}={value} in {:#?}", ended.output));
    assert!(found.next().is_none(), "{key}={value} twice");
    line
}

/// Each key with the type of its value; keys within an object behind the object's.
fn shape(line: &Value) -> BTreeMap<String, &'static str> {
    let mut shape = BTreeMap::new();
    for (key, value) in line.as_object().expect("an object") {
        match value {
            Value::Object(_) => {
                let inner = self::shape(value).into_iter();
                shape.extend(inner.map(|(inner, kind)| (format!("{key}/{inner}"), kind)));
            }
            Value::String(_) => _ = shape.insert(key.clone(), "text"),
            Value::Number(_) => _ = shape.insert(key.clone(), "number"),
            _ => _ = shape.insert(key.clone(), "other"),
        }
    }
    shape
}

/// One line as several, broken behind commas, because a page is not as wide.
fn broken_up(line: &str) -> String {
    let (mut page, mut row, mut member) = (String::new(), String::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        member.push(c);
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        if quoted || !matches!(c, ',' | '}') {
            continue;
        }
        if row.chars().count() + member.chars().count() > 112 {
            page.push_str(&row);
            page.push_str("\n ");
            row.clear();
        }
        row.push_str(&std::mem::take(&mut member));
    }
    page + &row + &member
}

#[test]
fn one_word_chooses_the_format_of_every_line() {
    for (format, message, target, trace) in FORMATS {
        let ended = written_in(format);
        let (_, event) = the_line(&ended, message, "looking into the book");
        let (_, request) = the_line(&ended, target, "tower_observability::request");
        let (_, panic) = the_line(&ended, message, "out of spanners");
        assert_eq!(request[message], "GET /bookings/{id} 200", "{format}");
        assert_eq!(event[trace], request[trace], "{format}");
        assert!(request[trace].is_string() && panic[trace].is_null(), "{format}");
        let lines = ended.output.iter().filter(|line| line.starts_with('{'));
        let read: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(read.len() >= 5, "{format}: the start, the event, the request, the panic and the end");
        for line in &read {
            assert!(line[message].is_string() && line[target].is_string(), "{format}: {line}");
        }
    }
}

#[test]
fn the_guide_shows_a_real_line_of_each_format() {
    let path = top().join("src/guide/log_formats.md");
    let mut page = fs::read_to_string(&path).unwrap();
    for (format, _, target, _) in FORMATS {
        let (begin, end) = (format!("<!-- begin: a line in {format} -->\n"), "<!-- end: a line in");
        let start = page.find(&begin).unwrap_or_else(|| panic!("the guide has no {begin}")) + begin.len();
        let stop = start + page[start..].find(end).expect("an end");
        let ended = written_in(format);
        let (line, read) = the_line(&ended, target, "tower_observability::request");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            page.replace_range(start..stop, &format!("```json\n{}\n```\n", broken_up(line)));
            continue;
        }
        let shown =
            page[start..stop].trim().strip_prefix("```json").and_then(|text| text.strip_suffix("```"));
        let shown: Value = serde_json::from_str(shown.expect("a block of JSON")).expect("JSON");
        assert_eq!(shape(&shown), shape(&read), "{format}");
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).unwrap();
    }
}

#[test]
fn what_is_hidden_is_hidden_in_every_format_and_what_is_captured_is_there() {
    for format in FORMATS.map(|(format, ..)| format).into_iter().chain(["pretty"]) {
        let ended = written_by("hides", format);
        let output = ended.output.join("\n");
        assert!(!output.contains("s3cr3t"), "{format}: {output}");
        assert!(output.contains("blue, green") && output.contains("no stamps"), "{format}: {output}");
        let shown = output.matches("/reset/REDACTED").count();
        // On the event's line, the panic's and the request's; a person is shown the route alone.
        assert!(shown >= 3 || format == "pretty", "{format}: {output}");
    }
}

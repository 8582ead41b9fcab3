//! A report as Sentry's event: JSON of the attributes that its developer documentation names.

use serde_json::{Map, Value, json};

use super::content::{Content, Exception, Writer, level, status};
use super::filed::Report;
use super::frames::Frame;
use crate::logs::timestamp;
use crate::names::key;

/// A tag's value is cut there by the server.
const LONGEST_TAG: usize = 200;

/// Which parts are left out, one after the other, until an event fits: its fields, then the lines as well.
pub(super) const FEWER: [(bool, bool); 3] = [(true, true), (false, true), (false, false)];

/// The event, with or without its fields and its lines.
pub(super) fn event(writer: &Writer, report: &Report, (fields, lines): (bool, bool)) -> Value {
    let content = writer.content(report);
    let mut event = json!({
        "event_id": report.id,
        "timestamp": timestamp(report.at),
        "platform": "other",
        "level": if content.is_panic { "fatal" } else { "error" },
        "logger": content.text(key::TARGET),
        "server_name": writer.instance,
        "fingerprint": content.fingerprint,
        "tags": tags(writer, &content),
        "contexts": contexts(writer, &content),
        "exception": { "values": exceptions(&content) },
        "sdk": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
    });
    let mut add = |name: &str, value: Value| {
        if let Some(event) = event.as_object_mut() {
            event.insert(name.to_owned(), value);
        }
    };
    if !content.route.is_empty() {
        add("transaction", content.route.as_str().into());
    }
    if !writer.release.is_empty() {
        add("release", writer.release.as_str().into());
    }
    if !writer.environment.is_empty() {
        add("environment", writer.environment.as_str().into());
    }
    if let Some(request) = request(&content) {
        add("request", request);
    }
    if let Some(user) = &content.user {
        add("user", json!({ "id": user }));
    }
    if fields {
        add("extra", content.rest().into());
    }
    if lines {
        add("breadcrumbs", json!({ "values": crumbs(&content) }));
    }
    event
}

fn request(content: &Content) -> Option<Value> {
    let method = content.line.get(key::METHOD)?;
    Some(json!({ "method": method, "url": content.text(key::PATH), "headers": content.headers }))
}

fn tags(writer: &Writer, content: &Content) -> Map<String, Value> {
    let sampled = match content.text(key::TRACE_FLAGS).chars().last() {
        None => "",
        Some(last) if last.to_digit(16).is_some_and(|digit| digit % 2 == 1) => "true",
        Some(_) => "false",
    };
    let status = content.line.get(key::STATUS).map(ToString::to_string).unwrap_or_default();
    let named = [
        ("service", writer.service.as_str()),
        ("outcome", content.text(key::OUTCOME)),
        ("status", &status),
        ("route", content.text(key::ROUTE)),
        ("request_id", content.text(key::REQUEST_ID)),
        ("trace_id", content.text(key::TRACE_ID)),
        ("span_id", content.text(key::SPAN_ID)),
        ("sampled", sampled),
    ];
    let tags = named.into_iter().filter(|(_, value)| !value.is_empty() && value.len() <= LONGEST_TAG);
    tags.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn contexts(writer: &Writer, content: &Content) -> Value {
    let mut contexts = json!({ "app": { "app_name": writer.service, "app_version": writer.release } });
    if !content.text(key::TRACE_ID).is_empty() {
        let mut trace = json!({
            "trace_id": content.text(key::TRACE_ID),
            "span_id": content.text(key::SPAN_ID),
            "op": content.operation,
            "status": status(content.text(key::OUTCOME)),
        });
        if let Some(parent) = &content.parent {
            trace["parent_span_id"] = parent.as_str().into();
        }
        contexts["trace"] = trace;
    }
    if let Some(status) = content.line.get(key::STATUS) {
        contexts["response"] = json!({ "status_code": status });
    }
    contexts
}

/// The causes first, and the outermost error last.
fn exceptions(content: &Content) -> Vec<Value> {
    let mechanism = if content.is_panic {
        json!({ "type": "panic", "handled": false })
    } else {
        json!({ "type": "generic", "handled": true })
    };
    let value = |Exception { kind, text, frames }: &Exception| {
        let mut value = json!({ "type": kind, "value": text, "mechanism": mechanism });
        if !frames.is_empty() {
            // The oldest first.
            let frames: Vec<_> = frames.iter().rev().map(frame).collect();
            value["stacktrace"] = json!({ "frames": frames });
        }
        value
    };
    content.exceptions.iter().rev().map(value).collect()
}

fn frame(frame: &Frame) -> Value {
    let mut value = json!({ "in_app": frame.is_of_service() });
    if !frame.function.is_empty() {
        value["function"] = frame.function.as_str().into();
    }
    if !frame.file.is_empty() {
        value["filename"] = frame.file.as_str().into();
    }
    if let Some(line) = frame.line {
        value["lineno"] = line.into();
    }
    value
}

fn crumbs(content: &Content) -> Vec<Value> {
    let crumb = |(_, line): &(u64, Map<String, Value>)| {
        let mut data = line.clone();
        let mut take = |name: &str| data.remove(name).unwrap_or_default();
        let (at, message, category) = (take(key::TIMESTAMP), take(key::MESSAGE), take(key::TARGET));
        take(key::LEVEL);
        let kind = if category == "tower_observability::client" { "http" } else { "default" };
        json!({
            "timestamp": at,
            "type": kind,
            "category": category,
            "level": level(line),
            "message": message,
            "data": data,
        })
    };
    content.crumbs.iter().map(crumb).collect()
}

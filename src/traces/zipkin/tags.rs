//! The tags of one span: Zipkin's only place for attributes, status, links and counts, and all of it text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::context::TraceContext;
use crate::names::tag;
use crate::record::Value;
use crate::record::free_name;
use crate::traces::{Finished, Status};

/// Each name once.
pub(super) type Tags<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// The tags of the span itself.
pub(super) fn of_span(span: &Finished) -> Tags<'_> {
    let mut tags = Tags::new();
    status(&mut tags, &span.status);
    count(&mut tags, tag::DROPPED_ATTRIBUTES, span.attributes_dropped);
    count(&mut tags, tag::DROPPED_LINKS, span.links_dropped);
    if !span.tracestate.as_str().is_empty() {
        tags.insert(tag::TRACESTATE.into(), span.tracestate.as_str().into());
    }
    for (place, linked) in span.links.iter().enumerate() {
        tags.insert(format!("{}{place}", tag::LINK).into(), link(linked).into());
    }
    for (name, value) in &span.attributes {
        attribute(&mut tags, span, name, value);
    }
    tags
}

/// Also without a description: Zipkin counts whatever has the tag `error` as failed, and nothing else.
fn status<'a>(tags: &mut Tags<'a>, status: &'a Status<'_>) {
    match status {
        Status::Unset => {}
        Status::Ok => {
            tags.insert(tag::STATUS_CODE.into(), "OK".into());
        }
        Status::Error(description) => {
            tags.insert(tag::STATUS_CODE.into(), "ERROR".into());
            tags.insert(tag::ERROR.into(), Cow::Borrowed(description));
        }
    }
}

fn count(tags: &mut Tags<'_>, name: &'static str, count: u32) {
    if count > 0 {
        tags.insert(name.into(), count.to_string().into());
    }
}

/// The specification leaves links and the trace state open; this is what the collector writes and reads.
fn link(linked: &TraceContext) -> String {
    format!("{}|{}||{{}}|0", linked.trace_id, linked.span_id)
}

/// A name that we have written moves aside, as on the log line; so does an `error` that is none, because the
/// tag alone would make the span a failed one.
fn attribute<'a>(tags: &mut Tags<'a>, span: &Finished, name: &'a str, value: &'a Value) {
    let value = as_text(value);
    let is_error = name == tag::ERROR;
    let says_nothing = match &span.status {
        Status::Unset | Status::Ok => value == "false",
        Status::Error(description) => value == *description,
    };
    if is_error && says_nothing {
        return;
    }
    let name = free_name(name, |name| name == tag::ERROR || tags.contains_key(name));
    tags.insert(name, value);
}

/// A value as text, the same in every locale.
pub(super) fn as_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::I64(value) => value.to_string().into(),
        Value::U64(value) => value.to_string().into(),
        Value::F64(value) => value.to_string().into(),
        Value::Str(value) => Cow::Borrowed(value),
        // A list of JSON (OpenTelemetry, "mapping to non-OTLP formats").
        Value::List(texts) => {
            serde_json::Value::from_iter(texts.iter().map(|text| &**text)).to_string().into()
        }
    }
}

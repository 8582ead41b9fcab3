//! From OTLP's messages to what is kept of them: spans and log records.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource as Sender;
use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::model::{Attributes, Event, Id, Kind, Line, Link, Resource, Span, SpanId, Status, TraceId, Value};

/// Finds the one copy of a resource, or keeps this one; None where there is no room for another.
pub(super) type Intern<'a> = &'a dyn Fn(Resource) -> Option<Arc<Resource>>;

/// What was made of a request, and how much of it could not be kept.
#[derive(Debug)]
pub(super) struct Decoded<T> {
    pub(super) items: Vec<T>,
    /// Without a valid trace or span id.
    pub(super) invalid: u64,
    /// Of a resource for which there was no room.
    pub(super) homeless: u64,
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Self { items: Vec::new(), invalid: 0, homeless: 0 }
    }
}

impl<T> Decoded<T> {
    pub(super) fn rejected(&self) -> u64 {
        self.invalid + self.homeless
    }
}

pub(super) fn spans(request: ExportTraceServiceRequest, intern: Intern<'_>) -> Decoded<Span> {
    let mut decoded = Decoded::default();
    for group in request.resource_spans {
        let Some(resource) = intern(resource(group.resource)) else {
            decoded.homeless += group.scope_spans.iter().map(|scope| scope.spans.len() as u64).sum::<u64>();
            continue;
        };
        for scope in group.scope_spans {
            let name = scope.scope.map(|scope| scope.name).unwrap_or_default();
            for one in scope.spans {
                match span(one, &resource, &name) {
                    Some(span) => decoded.items.push(span),
                    None => decoded.invalid += 1,
                }
            }
        }
    }
    decoded
}

pub(super) fn lines(request: ExportLogsServiceRequest, intern: Intern<'_>) -> Decoded<Line> {
    let mut decoded = Decoded::default();
    for group in request.resource_logs {
        let Some(resource) = intern(resource(group.resource)) else {
            let records = group.scope_logs.iter().map(|scope| scope.log_records.len() as u64);
            decoded.homeless += records.sum::<u64>();
            continue;
        };
        let records = group.scope_logs.into_iter().flat_map(|scope| scope.log_records);
        decoded.items.extend(records.map(|record| line(record, &resource)));
    }
    decoded
}

/// Who sent it. Without a name it is what OpenTelemetry calls a service that has none.
pub(super) fn resource(sender: Option<Sender>) -> Resource {
    let attributes = attributes(sender.map(|sender| sender.attributes).unwrap_or_default());
    let text = |name: &str| attributes.text(&[name]).unwrap_or_default();
    let service = Some(text("service.name")).filter(|name| !name.is_empty());
    Resource {
        service: service.unwrap_or_else(|| "unknown_service".to_owned()).into(),
        instance: text("service.instance.id").into(),
        version: text("service.version").into(),
        attributes,
    }
}

fn span(span: otlp::Span, resource: &Arc<Resource>, scope: &str) -> Option<Span> {
    let (trace, id) = (TraceId::of(&span.trace_id)?, SpanId::of(&span.span_id)?);
    let status = span.status.unwrap_or_default();
    let nanos = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    let events = span.events.into_iter().map(|event| Event {
        at: micros(event.time_unix_nano),
        name: event.name.into(),
        attributes: attributes(event.attributes),
    });
    let links = span.links.iter().filter_map(|link| {
        Some(Link { trace: TraceId::of(&link.trace_id)?, span: SpanId::of(&link.span_id)? })
    });
    let mut span = Span {
        trace,
        id,
        parent: Id::of(&span.parent_span_id).unwrap_or_default(),
        resource: resource.clone(),
        name: span.name.into(),
        kind: Kind::of(span.kind),
        start: micros(span.start_time_unix_nano),
        duration: nanos as f64 / 1e6,
        status: match status.code {
            1 => Status::Ok,
            2 => Status::Error,
            _ => Status::Unset,
        },
        message: status.message.into(),
        scope: scope.into(),
        attributes: attributes(span.attributes),
        events: events.collect(),
        links: links.collect(),
        failed: false,
    };
    span.failed = span.is_failed();
    Some(span)
}

fn line(record: LogRecord, resource: &Arc<Resource>) -> Line {
    let at = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
    let severity = u8::try_from(record.severity_number).unwrap_or_default();
    let level = match record.severity_text {
        text if text.is_empty() => level(severity).to_owned(),
        text => text,
    };
    Line {
        at: micros(at),
        severity,
        level: level.into(),
        message: record.body.map(value).map_or_else(String::new, |body| body.text().into_owned()).into(),
        event_name: record.event_name.into(),
        trace: Id::of(&record.trace_id).unwrap_or_default(),
        span: Id::of(&record.span_id).unwrap_or_default(),
        resource: resource.clone(),
        attributes: attributes(record.attributes),
    }
}

/// The level of OpenTelemetry's severity number.
fn level(severity: u8) -> &'static str {
    match severity {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21.. => "FATAL",
        0 => "",
    }
}

pub(super) fn attributes(all: Vec<KeyValue>) -> Attributes {
    let pair = |pair: KeyValue| (pair.key.into(), value(pair.value.unwrap_or_default()));
    Attributes(all.into_iter().map(pair).collect())
}

/// Nanoseconds as microseconds; a time that no clock shows is cut.
pub(super) fn micros(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000).unwrap_or(i64::MAX)
}

fn value(value: AnyValue) -> Value {
    match value.value {
        None | Some(Any::StringValueStrindex(_)) => Value::Text("".into()),
        Some(Any::StringValue(text)) => Value::Text(text.into()),
        Some(Any::BoolValue(truth)) => Value::Bool(truth),
        Some(Any::IntValue(number)) => Value::Int(number),
        Some(Any::DoubleValue(number)) => Value::Float(number),
        Some(Any::BytesValue(bytes)) => {
            Value::Text(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
        }
        Some(nested) => Value::Nested(Box::new(json(AnyValue { value: Some(nested) }))),
    }
}

/// As deep as the decoders let a message be, which is a hundred levels.
fn json(any: AnyValue) -> serde_json::Value {
    match any.value {
        Some(Any::ArrayValue(list)) => list.values.into_iter().map(json).collect(),
        Some(Any::KvlistValue(map)) => {
            let pair = |pair: KeyValue| (pair.key, json(pair.value.unwrap_or_default()));
            map.values.into_iter().map(pair).collect()
        }
        other => serde_json::to_value(value(AnyValue { value: other })).unwrap_or_default(),
    }
}

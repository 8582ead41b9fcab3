//! What the collector should print of the bytes that were sent to it.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use super::printed::{Fields, Printed};

/// The spans of one request's body.
pub(crate) fn spans(body: &[u8]) -> Vec<Printed> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            let above = above(&resource.resource, &resource.schema_url, &scope.scope, &scope.schema_url);
            spans.extend(scope.spans.iter().map(|span| of_span(&above, span)));
        }
    }
    spans
}

/// The log records of one request's body.
pub(crate) fn records(body: &[u8]) -> Vec<Printed> {
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    let mut records = Vec::new();
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            let above = above(&resource.resource, &resource.schema_url, &scope.scope, &scope.schema_url);
            records.extend(scope.log_records.iter().map(|record| of_record(&above, record)));
        }
    }
    records
}

fn above(
    resource: &Option<Resource>,
    resource_schema: &str,
    scope: &Option<InstrumentationScope>,
    scope_schema: &str,
) -> Printed {
    Printed {
        resource: resource.as_ref().map(|resource| attributes(&resource.attributes)).unwrap_or_default(),
        resource_schema: resource_schema.to_owned(),
        scope: scope.as_ref().map(named).unwrap_or_default(),
        scope_schema: scope_schema.to_owned(),
        ..Printed::default()
    }
}

fn of_record(above: &Printed, record: &LogRecord) -> Printed {
    let mut fields = BTreeMap::from([
        ("ObservedTimestamp", record.observed_time_unix_nano.to_string()),
        ("Timestamp", record.time_unix_nano.to_string()),
        ("SeverityText", record.severity_text.clone()),
        ("SeverityNumber", severity(record.severity_number)),
        ("Body", typed("the body", &record.body)),
        ("Trace ID", hex(&record.trace_id)),
        ("Span ID", hex(&record.span_id)),
        ("Flags", record.flags.to_string()),
    ]);
    if !record.event_name.is_empty() {
        fields.insert("EventName", record.event_name.clone());
    }
    Printed { fields: owned(fields), attributes: attributes(&record.attributes), ..above.clone() }
}

/// Four numbers to a word: `Info(9)`, `Info2(10)`.
fn severity(number: i32) -> String {
    let (word, step) = ((number - 1) / 4, (number - 1) % 4 + 1);
    let word = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"][usize::try_from(word).unwrap()];
    let step = if step == 1 { String::new() } else { step.to_string() };
    format!("{word}{step}({number})")
}

fn of_span(above: &Printed, span: &Span) -> Printed {
    let status = span.status.clone().unwrap_or_default();
    let mut fields = BTreeMap::from([
        ("Trace ID", hex(&span.trace_id)),
        ("Parent ID", hex(&span.parent_span_id)),
        ("ID", hex(&span.span_id)),
        ("Name", span.name.clone()),
        ("Kind", kind(span.kind()).to_owned()),
        ("Start time", span.start_time_unix_nano.to_string()),
        ("End time", span.end_time_unix_nano.to_string()),
        ("Status code", code(status.code()).to_owned()),
        ("Status message", status.message),
        ("DroppedAttributesCount", span.dropped_attributes_count.to_string()),
        ("DroppedEventsCount", span.dropped_events_count.to_string()),
        ("DroppedLinksCount", span.dropped_links_count.to_string()),
    ]);
    if !span.trace_state.is_empty() {
        fields.insert("TraceState", span.trace_state.clone());
    }
    Printed {
        fields: owned(fields),
        attributes: attributes(&span.attributes),
        links: span.links.iter().map(link).collect(),
        ..above.clone()
    }
}

fn link(link: &Link) -> Fields {
    owned(BTreeMap::from([
        ("Trace ID", hex(&link.trace_id)),
        ("ID", hex(&link.span_id)),
        ("TraceState", link.trace_state.clone()),
        ("DroppedAttributesCount", link.dropped_attributes_count.to_string()),
    ]))
}

fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    }
}

fn code(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    }
}

fn named(scope: &InstrumentationScope) -> String {
    format!("{} {}", scope.name, scope.version)
}

fn attributes(attributes: &[KeyValue]) -> Fields {
    let read = attributes.iter().map(|pair| (pair.key.clone(), typed(&pair.key, &pair.value)));
    let read: Fields = read.collect();
    assert_eq!(read.len(), attributes.len(), "a name twice: {attributes:?}");
    read
}

fn typed(name: &str, value: &Option<AnyValue>) -> String {
    match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("Str({text})"),
        Some(Value::BoolValue(value)) => format!("Bool({value})"),
        Some(Value::IntValue(value)) => format!("Int({value})"),
        Some(Value::DoubleValue(value)) => format!("Double({value})"),
        other => panic!("{name} has a value of a type that we do not send: {other:?}"),
    }
}

fn owned(fields: BTreeMap<&str, String>) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

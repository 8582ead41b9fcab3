//! Owns what the collector should print of the bytes that were sent to it.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::printed::{Fields, Printed};

/// The spans of one request's body.
pub(crate) fn spans(body: &[u8]) -> Vec<Printed> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = Vec::new();
    for resource in &request.resource_spans {
        for scope in &resource.scope_spans {
            spans.extend(scope.spans.iter().map(|span| one(resource, scope, span)));
        }
    }
    spans
}

fn one(resource: &ResourceSpans, scope: &ScopeSpans, span: &Span) -> Printed {
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
    ]);
    if !span.trace_state.is_empty() {
        fields.insert("TraceState", span.trace_state.clone());
    }
    Printed {
        resource: resource
            .resource
            .as_ref()
            .map(|resource| attributes(&resource.attributes))
            .unwrap_or_default(),
        resource_schema: resource.schema_url.clone(),
        scope: scope.scope.as_ref().map(named).unwrap_or_default(),
        scope_schema: scope.schema_url.clone(),
        fields: owned(fields),
        attributes: attributes(&span.attributes),
        links: span.links.iter().map(link).collect(),
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
    let read: Fields = attributes.iter().map(|pair| (pair.key.clone(), typed(pair))).collect();
    assert_eq!(read.len(), attributes.len(), "a name twice: {attributes:?}");
    read
}

fn typed(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("Str({text})"),
        Some(Value::BoolValue(value)) => format!("Bool({value})"),
        Some(Value::IntValue(value)) => format!("Int({value})"),
        Some(Value::DoubleValue(value)) => format!("Double({value})"),
        other => panic!("{} has a value of a type that we do not send: {other:?}", pair.key),
    }
}

fn owned(fields: BTreeMap<&str, String>) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

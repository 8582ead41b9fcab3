//! Owns the way from our words to OpenTelemetry's types.

use std::sync::LazyLock;

use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status as OtelStatus, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::context::{TraceContext, Tracestate};
use crate::resource::Resource;
use crate::scope::{Kind, Value};
use crate::spans::{Finished, Status};

static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url("https://opentelemetry.io/schemas/1.44.0")
        .build()
});

pub(super) fn resource(resource: &Resource) -> opentelemetry_sdk::Resource {
    let attributes = resource.iter().map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    // Not `builder`, which would read the environment.
    opentelemetry_sdk::Resource::builder_empty().with_attributes(attributes).build()
}

pub(super) fn span(span: Finished) -> SpanData {
    let mut links = SpanLinks::default();
    links.links = span.links.iter().map(link).collect();
    links.dropped_count = span.links_dropped;
    SpanData {
        span_context: context(&span.trace, &span.tracestate, false),
        parent_span_id: span.parent.map_or(SpanId::INVALID, |id| SpanId::from(id.value())),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: kind(span.kind),
        name: span.name,
        start_time: span.start.system_time(),
        end_time: span.end.max(span.start).system_time(),
        attributes: span
            .attributes
            .into_iter()
            .map(|(name, value)| KeyValue::new(name, self::value(value)))
            .collect(),
        dropped_attributes_count: span.attributes_dropped,
        events: SpanEvents::default(),
        links,
        status: match span.status {
            Status::Unset => OtelStatus::Unset,
            Status::Error(description) => OtelStatus::Error { description },
        },
        instrumentation_scope: SCOPE.clone(),
    }
}

fn link(trace: &TraceContext) -> Link {
    // A link points at what came from outside: the caller's trace, or a message's.
    Link::new(context(trace, &Tracestate::default(), true), Vec::new(), 0)
}

fn context(trace: &TraceContext, tracestate: &Tracestate, remote: bool) -> SpanContext {
    // The library knows level 1 of the standard only; what it cannot read is left out of the span.
    let state = match tracestate.as_str() {
        "" => TraceState::NONE,
        text => text.parse().unwrap_or(TraceState::NONE),
    };
    SpanContext::new(
        TraceId::from(trace.trace_id.value()),
        SpanId::from(trace.span_id.value()),
        TraceFlags::new(trace.flags.byte()),
        remote,
        state,
    )
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
        Kind::Internal => SpanKind::Internal,
    }
}

fn value(value: Value) -> opentelemetry::Value {
    match value {
        Value::Bool(value) => value.into(),
        Value::I64(value) => value.into(),
        // OTLP has no unsigned number; what does not fit is text rather than wrong.
        Value::U64(value) => i64::try_from(value).map_or_else(|_| value.to_string().into(), Into::into),
        Value::F64(value) => value.into(),
        Value::Str(value) => value.into(),
    }
}

//! The way from a record in plain words to OpenTelemetry's types.

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity as Otel};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger, SdkLoggerProvider};

use super::dropped;
use super::entry::Entry;
use crate::names::schema;
use crate::record::{Severity, Value};
use crate::resource::Resource;

/// Makes the SDK's records. Only its logger can, so there is one; it has nowhere to send them.
#[derive(Debug)]
pub(super) struct Converter {
    logger: SdkLogger,
    scope: InstrumentationScope,
}

pub(super) fn resource(resource: &Resource) -> opentelemetry_sdk::Resource {
    let attributes = resource.iter().map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    // Not `builder`, which would read the environment.
    opentelemetry_sdk::Resource::builder_empty().with_schema_url(attributes, schema::URL).build()
}

impl Converter {
    pub(super) fn new() -> Self {
        // A record's target takes the place of the name.
        let scope =
            InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_schema_url(schema::URL).build();
        // Without a resource, the builder would read the environment.
        let nowhere = SdkLoggerProvider::builder()
            .with_resource(opentelemetry_sdk::Resource::builder_empty().build())
            .build();
        Self { logger: nowhere.logger_with_scope(scope.clone()), scope }
    }

    /// Every record's scope, but for its name.
    pub(super) fn scope(&self) -> &InstrumentationScope {
        &self.scope
    }

    pub(super) fn record(&self, entry: Entry) -> SdkLogRecord {
        let mut record = self.logger.create_log_record();
        let at = entry.at.system_time();
        record.set_timestamp(at);
        record.set_observed_timestamp(at);
        record.set_severity_number(severity(entry.severity));
        record.set_severity_text(entry.severity.as_str());
        record.set_target(entry.scope);
        record.set_body(entry.body.into());
        if !entry.event.is_empty() {
            record.set_event_name(entry.event);
        }
        if let Some(trace) = entry.trace {
            let (trace_id, span_id) = (trace.trace_id.value(), trace.span_id.value());
            let flags = TraceFlags::new(trace.flags.byte());
            record.set_trace_context(TraceId::from(trace_id), SpanId::from(span_id), Some(flags));
        }
        record.add_attributes(entry.attributes.list.into_iter().map(|(name, value)| (name, any(value))));
        dropped::note(&mut record, entry.attributes.dropped);
        record
    }
}

/// Of the specification's 24 numbers we have these.
fn severity(severity: Severity) -> Otel {
    match severity.number() {
        ..5 => Otel::Trace,
        5..9 => Otel::Debug,
        9..13 => Otel::Info,
        13..17 => Otel::Warn,
        17..21 => Otel::Error,
        21.. => Otel::Fatal,
    }
}

fn any(value: Value) -> AnyValue {
    match value {
        Value::Bool(value) => value.into(),
        Value::I64(value) => value.into(),
        // OTLP has no unsigned number; what does not fit is text rather than wrong.
        Value::U64(value) => i64::try_from(value).map_or_else(|_| value.to_string().into(), Into::into),
        Value::F64(value) => value.into(),
        Value::Str(value) => value.into(),
        Value::List(texts) => texts.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_stays_a_list() {
        assert_eq!(any(Value::from_iter(["a", "b"])), AnyValue::from_iter(["a", "b"]));
    }
}

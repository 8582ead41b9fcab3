//! Owns OTLP over HTTP with protobuf for log records: encoded here, sent by our client.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use prost::Message as _;

use super::Record;
use super::entry::Entry;
use super::fit::{Limits, Room, Shortened};
use crate::export::{Attempt, Transport, Wire, accepted};
use crate::names::SCHEMA_URL;
use crate::resource::Resource;
use crate::scope::Value;

/// The transport.
struct Otlp {
    wire: Wire,
    resource: ProtoResource,
    limits: Limits,
    room: Room,
    shortened: Arc<Shortened>,
}

/// Makes the transport to this URL.
pub(super) fn transport(
    url: &str,
    headers: &[(String, String)],
    limits: Limits,
    resource: &Resource,
    shortened: &Arc<Shortened>,
) -> Result<Box<dyn Transport<Record>>, String> {
    let attributes = resource.iter().map(|(name, value)| pair(name.to_owned(), text(value.to_owned())));
    Ok(Box::new(Otlp {
        wire: Wire::new(url, headers)?,
        resource: ProtoResource { attributes: attributes.collect(), ..ProtoResource::default() },
        limits,
        room: Room::beside(resource),
        shortened: Arc::clone(shortened),
    }))
}

impl Transport<Record> for Otlp {
    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(async move {
            let body = self.request(batch).encode_to_vec();
            match self.wire.post("application/x-protobuf", body, timeout).await {
                Ok(answer) => accepted(&answer),
                Err(delivery) => delivery,
            }
        })
    }

    fn has_left(&self) -> bool {
        self.wire.has_left()
    }
}

impl Otlp {
    fn request(&self, batch: &[Record]) -> ExportLogsServiceRequest {
        let mut scopes: Vec<ScopeLogs> = Vec::new();
        for mut entry in batch.iter().filter_map(Entry::of) {
            self.shortened.fit(&mut entry, &self.limits, self.room);
            let is_its =
                |logs: &&mut ScopeLogs| logs.scope.as_ref().is_some_and(|scope| scope.name == entry.scope);
            match scopes.iter_mut().find(is_its) {
                Some(logs) => logs.log_records.push(log_record(entry)),
                None => scopes.push(scope_of(entry)),
            }
        }
        let resource = Some(self.resource.clone());
        let logs = ResourceLogs { resource, scope_logs: scopes, schema_url: SCHEMA_URL.to_owned() };
        ExportLogsServiceRequest { resource_logs: vec![logs] }
    }
}

fn scope_of(first: Entry) -> ScopeLogs {
    let scope = InstrumentationScope { name: first.scope.to_string(), ..InstrumentationScope::default() };
    ScopeLogs { scope: Some(scope), log_records: vec![log_record(first)], schema_url: SCHEMA_URL.to_owned() }
}

fn log_record(entry: Entry) -> LogRecord {
    let at = entry.at.unix_nanos();
    let trace = entry.trace;
    LogRecord {
        time_unix_nano: at,
        observed_time_unix_nano: at,
        severity_number: entry.severity.number,
        severity_text: entry.severity.text.to_owned(),
        body: Some(text(entry.body)),
        attributes: entry
            .attributes
            .list
            .into_iter()
            .map(|(name, value)| pair(name.into_owned(), any(value)))
            .collect(),
        dropped_attributes_count: entry.attributes.dropped,
        flags: trace.map_or(0, |trace| u32::from(trace.flags.byte())),
        trace_id: trace.map(|trace| trace.trace_id.value().to_be_bytes().to_vec()).unwrap_or_default(),
        span_id: trace.map(|trace| trace.span_id.value().to_be_bytes().to_vec()).unwrap_or_default(),
        event_name: entry.event.to_owned(),
    }
}

fn pair(key: String, value: AnyValue) -> KeyValue {
    KeyValue { key, value: Some(value), ..KeyValue::default() }
}

fn text(text: String) -> AnyValue {
    AnyValue { value: Some(Proto::StringValue(text)) }
}

fn any(value: Value) -> AnyValue {
    let value = match value {
        Value::Bool(value) => Proto::BoolValue(value),
        Value::I64(value) => Proto::IntValue(value),
        // OTLP has no unsigned number; what does not fit is text rather than wrong.
        Value::U64(value) => {
            i64::try_from(value).map_or_else(|_| Proto::StringValue(value.to_string()), Proto::IntValue)
        }
        Value::F64(value) => Proto::DoubleValue(value),
        Value::Str(value) => Proto::StringValue(value.into_owned()),
    };
    AnyValue { value: Some(value) }
}

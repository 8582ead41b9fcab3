//! What opentelemetry-otlp cannot say of a log record: how many of its attributes were dropped.
//!
//! The SDK's record has no such number, and the library always writes zero. So it travels through the library as
//! an attribute, and the bytes of a batch that has one are put right before they leave.

use opentelemetry::logs::{AnyValue, LogRecord as _};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Proto, KeyValue};
use opentelemetry_sdk::logs::SdkLogRecord;
use prost::Message as _;

use crate::names::tag;

/// Notes the number, if there is one, behind the last attribute.
pub(super) fn note(record: &mut SdkLogRecord, dropped: u32) {
    if dropped > 0 {
        // No field of ours or the user's is a list, so this one cannot be taken for another's.
        record.add_attribute(tag::DROPPED_ATTRIBUTES, AnyValue::from_iter([i64::from(dropped)]));
    }
}

/// The bytes with each noted number where it belongs; `None` if they are no request that can be read.
pub(super) fn settle(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut request = ExportLogsServiceRequest::decode(encoded).ok()?;
    let scopes = request.resource_logs.iter_mut().flat_map(|of_resource| &mut of_resource.scope_logs);
    for record in scopes.flat_map(|of_scope| &mut of_scope.log_records) {
        if let Some(dropped) = record.attributes.last().and_then(noted) {
            record.attributes.pop();
            record.dropped_attributes_count = dropped;
        }
    }
    Some(request.encode_to_vec())
}

fn noted(attribute: &KeyValue) -> Option<u32> {
    let number = match value(attribute.value.as_ref()?)? {
        Value::ArrayValue(list) => value(list.values.first()?)?,
        _ => return None,
    };
    match number {
        Value::IntValue(dropped) if attribute.key == tag::DROPPED_ATTRIBUTES => u32::try_from(*dropped).ok(),
        _ => None,
    }
}

fn value(any: &Proto) -> Option<&Value> {
    any.value.as_ref()
}

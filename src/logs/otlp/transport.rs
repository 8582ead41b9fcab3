//! Log records over OTLP: the bytes of one, written straight from what waits in the queue.

use std::sync::Arc;
use std::time::Duration;

use super::Record;
use super::describe::{describe, scope};
use super::entry::Entry;
use super::export::{Export, Limits};
use super::fit::{Room, fit};
use super::shortened::Shortened;
use crate::export::{Attempt, Encoded, Payload, Sent, Transport};
use crate::otlp::{Attributes, Batch, Message, OtlpClient, Scope, Size};
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// The transport.
struct Otlp {
    client: OtlpClient,
    batch: Batch,
    limits: Limits,
    room: Room,
    shortened: Arc<Shortened>,
    /// The body of a record that is formatted; it keeps its room.
    body: String,
}

/// Makes the transport to this URL.
pub(super) fn transport(
    export: &Export,
    url: &str,
    resource: &Resource,
    shortened: &Arc<Shortened>,
) -> Result<Box<dyn Transport<Record>>, String> {
    Ok(Box::new(Otlp {
        client: OtlpClient::new(&export.otlp, url)?,
        batch: Batch::new(resource, export.otlp.largest_request()),
        limits: export.limits(),
        room: Room::beside(resource),
        shortened: Arc::clone(shortened),
        body: String::new(),
    }))
}

impl Transport<Record> for Otlp {
    fn encode(&mut self, batch: &[Record]) -> Encoded {
        // Records of one scope stay together, in their order.
        let mut records: Vec<_> = batch.iter().map(|record| (scope(record), record)).collect();
        records.sort_by_key(|(scope, _)| *scope);
        let scoped = records.into_iter().map(|(name, record)| (Scope { name, version: "" }, record));
        let Self { limits, room, shortened, body, .. } = self;
        let encoded = self.batch.encode(scoped, |record, message, longest| {
            rest_if_due();
            let limits = limits.with_texts_of(longest);
            describe(record, body, |entry| {
                if fit(entry, scope(record), &limits, *room) && longest.is_none() {
                    shortened.add();
                }
                write(entry, message);
            });
        });
        self.client.wrapped(encoded)
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        self.client.send(payload, timeout, sent)
    }
}

/// Writes a `LogRecord` of opentelemetry-proto 1.
fn write(entry: &Entry<'_>, message: &mut Message) {
    message.nested(2, Size::Medium, |message| {
        let at = entry.at.unix_nanos();
        message.fixed64(1, at);
        message.number(2, u64::from(entry.severity.number()));
        message.text(3, entry.severity.as_str());
        let of_body = Size::of(entry.body.len());
        message.nested(5, of_body, |value| value.member_text(1, &*entry.body));
        let mut attributes = Attributes::<'_, 6>::new(message);
        entry
            .attributes
            .list
            .iter()
            .for_each(|attribute| attributes.value(&attribute.name, &attribute.value));
        message.number(7, entry.attributes.dropped);
        if let Some(trace) = &entry.trace {
            message.fixed32(8, u32::from(trace.flags.byte()));
            message.text(9, trace.trace_id.value().to_be_bytes());
            message.text(10, trace.span_id.value().to_be_bytes());
        }
        message.fixed64(11, at);
        message.text(12, entry.event);
    });
}

#[cfg(test)]
mod tests;

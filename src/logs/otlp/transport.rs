//! Log records over OTLP: the bytes of one, written straight from what waits in the queue.

use std::sync::Arc;
use std::time::Duration;

use super::describe::{describe, scope};
use super::entry::Entry;
use super::export::{Export, Limits};
use super::fit::{Room, fit};
use super::shortened::Shortened;
use super::{Record, straight};
use crate::export::{Attempt, Encoded, Payload, Sent, Transport, Weigh};
use crate::otlp::{Batch, OtlpClient, Scope};
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
            describe(record, body, |said| {
                let scope = scope(record);
                let may_fit = room.holds(scope, 0, record.text_length());
                if may_fit && straight::write(said, scope, &limits, *room, message) {
                    return;
                }
                let mut entry = Entry::of(said);
                if fit(&mut entry, scope, &limits, *room) && longest.is_none() {
                    shortened.add();
                }
                entry.write(message);
            });
        });
        self.client.wrapped(encoded)
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        self.client.send(payload, timeout, sent)
    }
}

#[cfg(test)]
mod tests;

//! OTLP with protobuf for log records, over HTTP or gRPC: opentelemetry-otlp encodes, a client of ours sends and
//! sees the answer.
//!
//! The library's own results hide the status, the partial success and `Retry-After`, and its retries may block
//! the thread. So our client keeps the whole answer, and tells the library that all went well.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::logs::{LogBatch, LogExporter as _};

use super::Record;
use super::client::Client;
use super::convert::{self, Converter};
use super::entry::Entry;
use super::fit::{Limits, Room, Shortened, fit};
use crate::export::{Attempt, Delivery, Link, Transport};
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// Longer than any attempt of ours may take: the library's clock shall not interfere.
const LONG: Duration = Duration::from_secs(86_400);

/// The transport.
struct Otlp {
    encoder: LogExporter,
    client: Arc<Client>,
    converter: Converter,
    limits: Limits,
    room: Room,
    shortened: Arc<Shortened>,
    /// Was this batch sent before?
    is_again: bool,
}

/// Makes the transport of this link.
pub(super) fn transport(
    link: &Link,
    limits: Limits,
    resource: &Resource,
    shortened: &Arc<Shortened>,
) -> Result<Box<dyn Transport<Record>>, String> {
    let client = Arc::new(Client::new(link)?);
    // What the library would otherwise look up in the environment is given; its headers, which it reads all the
    // same, do not pass our client.
    let mut encoder = LogExporter::builder()
        .with_http()
        .with_shared_http_client(Arc::clone(&client) as Arc<_>)
        .with_endpoint(&link.url)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(LONG)
        .with_max_request_body_size(usize::MAX)
        .build()
        .map_err(|error| error.to_string())?;
    encoder.set_resource(&convert::resource(resource));
    Ok(Box::new(Otlp {
        encoder,
        client,
        converter: Converter::new(),
        limits,
        room: Room::beside(resource),
        shortened: Arc::clone(shortened),
        is_again: false,
    }))
}

impl Otlp {
    /// The records within their limits, in plain words.
    fn entries(&mut self, batch: &[Record]) -> Vec<Entry> {
        let is_again = std::mem::replace(&mut self.is_again, true);
        let mut entries: Vec<_> = batch.iter().filter_map(Entry::of).collect();
        for entry in &mut entries {
            rest_if_due();
            if fit(entry, &self.limits, self.room) && !is_again {
                self.shortened.add();
            }
        }
        entries
    }
}

impl Transport<Record> for Otlp {
    fn begin(&mut self) {
        self.is_again = false;
    }

    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(async move {
            let entries = self.entries(batch);
            let has_dropped = entries.iter().any(|entry| entry.attributes.dropped > 0);
            let records: Vec<_> = entries
                .into_iter()
                .map(|entry| {
                    rest_if_due();
                    self.converter.record(entry)
                })
                .collect();
            let scoped: Vec<_> = records.iter().map(|record| (record, self.converter.scope())).collect();
            self.client.begin(timeout, has_dropped);
            let encoded = self.encoder.export(LogBatch::new(&scoped)).await;
            // The client always reports success, so an error means that it was never asked.
            self.client.delivery().unwrap_or_else(|| Delivery::Refused {
                reason: encoded.err().map_or("nothing was sent".to_owned(), |error| error.to_string()),
            })
        })
    }

    fn has_left(&self) -> bool {
        self.client.has_left()
    }
}

#[cfg(test)]
mod tests;

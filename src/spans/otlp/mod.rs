//! Owns OTLP over HTTP with protobuf: opentelemetry-otlp encodes, a client of ours sends and sees the answer.
//!
//! The library's own results hide the status, the partial success and `Retry-After`, and its retries may block
//! the thread. So our client keeps the whole answer for the seam and tells the library that all went well.

mod client;
mod convert;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::SpanExporter as _;

use self::client::Client;
use super::{Finished, Limits, Record};
use crate::export::{Attempt, Delivery, Transport};
use crate::resource::Resource;

/// Longer than any attempt of ours may take: the library's clock shall not interfere.
const LONG: Duration = Duration::from_secs(86_400);

/// The transport.
#[derive(Debug)]
struct Otlp {
    encoder: SpanExporter,
    client: Arc<Client>,
    limits: Limits,
}

/// Makes the transport to this URL.
pub(super) fn transport(
    url: &str,
    headers: &[(String, String)],
    limits: &Limits,
    resource: &Resource,
) -> Result<Box<dyn Transport<Record>>, String> {
    let client = Arc::new(Client::new(url, headers)?);
    // Everything that the library would otherwise look up in the environment is given; its headers, which it
    // reads all the same, do not pass our client.
    let mut encoder = SpanExporter::builder()
        .with_http()
        .with_shared_http_client(Arc::clone(&client) as Arc<_>)
        .with_endpoint(url)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(LONG)
        .with_max_request_body_size(usize::MAX)
        .build()
        .map_err(|error| error.to_string())?;
    encoder.set_resource(&convert::resource(resource));
    Ok(Box::new(Otlp { encoder, client, limits: *limits }))
}

impl Transport<Record> for Otlp {
    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(async move {
            let spans = batch.iter().filter_map(|record| Finished::of(record, &self.limits));
            let spans = spans.map(convert::span).collect();
            self.client.begin(timeout);
            let encoded = self.encoder.export(spans).await;
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

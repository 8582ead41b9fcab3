//! OTLP with protobuf, over HTTP or gRPC: a batch becomes bytes here, and a client of ours sends them.
//!
//! The reference for every byte is opentelemetry-otlp, whose output the tests hold beside ours.

mod encode;
mod span;

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request};

use self::encode::Encoder;
use super::{Limits, Record};
use crate::export::{Attempt, Link, Transport, Wire, accepted};
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// As the OTLP specification asks for; who we are stands before it.
const AGENT: &str = concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));

/// The transport.
#[derive(Debug)]
struct Otlp {
    wire: Wire,
    encoder: Encoder,
    limits: Limits,
}

/// Makes the transport of this link.
pub(super) fn transport(
    link: &Link,
    limits: &Limits,
    resource: &Resource,
) -> Result<Box<dyn Transport<Record>>, String> {
    let wire = Wire::new(link)?;
    Ok(Box::new(Otlp { wire, encoder: Encoder::new(resource), limits: *limits }))
}

fn request(batch: Bytes) -> Request<Bytes> {
    let mut request = Request::new(batch);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
    request
}

impl Transport<Record> for Otlp {
    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(async move {
            let encoded = self.encoder.batch(batch, |record, span| {
                rest_if_due();
                record.write(&self.limits, span);
            });
            match self.wire.forward(request(encoded), timeout).await {
                Ok(answer) => accepted(&answer),
                Err(delivery) => delivery,
            }
        })
    }

    fn has_left(&self) -> bool {
        self.wire.has_left()
    }
}

#[cfg(test)]
mod tests;

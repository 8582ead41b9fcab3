//! Zipkin's own way in: spans as its JSON, version 2, straight to the server.
//!
//! OpenTelemetry has deprecated such exporters; its mapping is followed as it stood last.

mod encode;
mod json;
mod remote;
mod tags;

use std::time::Duration;

use self::encode::Encoder;
use super::{Finished, Limits, Record};
use crate::export::{Attempt, Delivery, Link, Transport, Wire};
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// What the server takes; beyond that it answers 500, which would tell nobody what is wrong.
const LARGEST: usize = 10 * 1024 * 1024;

/// The transport.
#[derive(Debug)]
struct Zipkin {
    wire: Wire,
    encoder: Encoder,
    limits: Limits,
}

/// Makes the transport of this way.
pub(super) fn transport(
    link: &Link,
    limits: &Limits,
    resource: &Resource,
) -> Result<Box<dyn Transport<Record>>, String> {
    Ok(Box::new(Zipkin { wire: Wire::new(link)?, encoder: Encoder::new(resource), limits: *limits }))
}

impl Transport<Record> for Zipkin {
    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(async move {
            let spans = batch.iter().filter_map(|record| {
                rest_if_due();
                Finished::of(record, &self.limits)
            });
            let body = self.encoder.batch(spans);
            if body.len() > LARGEST {
                return Delivery::TooLarge { bytes: body.len() };
            }
            // 202, with nothing in it: what the server does with the spans later, it tells nobody.
            match self.wire.post("application/json", body, timeout).await {
                Ok(_) => Delivery::Accepted { rejected: 0, message: None },
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

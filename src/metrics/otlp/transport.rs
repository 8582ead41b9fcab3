//! The requests of metrics: points of one metric together, as many as a request may have.

use std::sync::Arc;
use std::time::Duration;

use super::Export;
use super::point::Point;
use crate::export::{Attempt, Encoded, Lost, Payload, Sent, Transport};
use crate::otlp::{Batch, Message, OtlpClient};
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// More than a point takes besides its bytes.
const AROUND: usize = 12;

/// The transport.
struct Otlp {
    client: OtlpClient,
    batch: Batch,
}

/// Makes the transport to this URL.
pub(super) fn transport(
    export: &Export,
    url: &str,
    resource: &Resource,
) -> Result<Box<dyn Transport<Point>>, String> {
    let client = OtlpClient::new(&export.otlp, url)?;
    let batch = Batch::new(resource, export.otlp.largest_request());
    Ok(Box::new(Otlp { client, batch }))
}

impl Transport<Point> for Otlp {
    fn encode(&mut self, batch: &[Point]) -> Encoded {
        let (mut payloads, mut too_large) = (Vec::new(), 0);
        let (mut start, mut length) = (0, 0);
        for (place, point) in batch.iter().enumerate() {
            let before = place.checked_sub(1).filter(|_| place > start).and_then(|before| batch.get(before));
            let is_next = before.is_some_and(|before| Arc::ptr_eq(&before.head, &point.head));
            let head = point.head.length();
            let alone = head + point.bytes.len() + AROUND;
            let added = if is_next { alone - head } else { alone };
            if length + added > self.batch.room() || alone > self.batch.room() {
                payloads.extend(self.request(batch.get(start..place).unwrap_or_default()));
                (start, length) = (place, alone);
                if alone > self.batch.room() {
                    too_large += 1;
                    (start, length) = (place + 1, 0);
                }
            } else {
                length += added;
            }
            rest_if_due();
        }
        payloads.extend(self.request(batch.get(start..).unwrap_or_default()));
        self.client.wrapped(Encoded { payloads, too_large, shortened: 0 })
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        self.client.send(payload, timeout, sent)
    }
}

impl Otlp {
    /// The request of these points; none of none.
    fn request(&self, points: &[Point]) -> Option<Payload> {
        let lost = Lost::default();
        points.iter().filter_map(|point| point.fate.as_ref()).for_each(|fate| fate.seal(&lost));
        let metrics = points.chunk_by(|one, other| Arc::ptr_eq(&one.head, &other.head));
        let parts = metrics.filter_map(|points| {
            let head = &points.first()?.head;
            let length = points.iter().map(|point| point.bytes.len() + AROUND).sum();
            Some((head.scope, move |message: &mut Message| head.write(points, length, message)))
        });
        let payload = self.batch.request(points.len() as u64, parts);
        (!points.is_empty()).then_some(Payload { lost: Some(lost), ..payload })
    }
}

#[cfg(test)]
mod tests;

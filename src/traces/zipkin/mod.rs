//! Zipkin's own way in: spans as its JSON, version 2, straight to the server.
//!
//! OpenTelemetry has deprecated such exporters; its mapping is followed as it stood last.

mod encode;
mod json;
mod remote;
mod tags;

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use self::encode::Encoder;
use super::{Finished, Limits, Record, Traces};
use crate::export::{
    Answer, Attempt, Delivery, Encoded, HttpClient, Payload, Sent, Transport, confirmed, in_short,
};
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// What the server takes: beyond that it answers 500, which would not say what is wrong.
const LARGEST: usize = 10 * 1024 * 1024;

/// How many characters the texts of a span may have that alone is too large, one after the other until it fits.
const SHORTER: [usize; 4] = [16 * 1024, 2 * 1024, 256, 32];

/// The transport.
#[derive(Debug)]
struct Zipkin {
    http: Arc<HttpClient>,
    encoder: Encoder,
    limits: Limits,
    largest: usize,
}

/// Makes the transport to this URL.
pub(super) fn transport(
    traces: &Traces,
    url: &str,
    resource: &Resource,
) -> Result<Box<dyn Transport<Record>>, String> {
    Ok(Box::new(Zipkin {
        http: Arc::new(HttpClient::new(&traces.zipkin_endpoint(url))?),
        encoder: Encoder::new(resource),
        limits: traces.limits(),
        largest: traces.otlp.request_size().unwrap_or(LARGEST),
    }))
}

impl Zipkin {
    fn write(&self, record: &Record, longest: Option<usize>, out: &mut Vec<u8>) {
        if let Some(span) = Finished::of(record, &self.limits.with_texts_of(longest)) {
            self.encoder.span(out, &span);
        }
    }

    /// A span that alone is too large, shortened until it fits.
    #[cold]
    fn shortened(&self, record: &Record) -> Option<Vec<u8>> {
        SHORTER.into_iter().find_map(|longest| {
            let mut out = Vec::new();
            self.write(record, Some(longest), &mut out);
            (out.len() + 2 <= self.largest).then_some(out)
        })
    }
}

impl Transport<Record> for Zipkin {
    fn encode(&mut self, batch: &[Record]) -> Encoded {
        let mut encoded = Encoded::default();
        let mut spans = Spans::default();
        let mut span = Vec::new();
        for record in batch {
            rest_if_due();
            span.clear();
            self.write(record, None, &mut span);
            if span.len() + 2 > self.largest {
                let Some(shortened) = self.shortened(record) else {
                    encoded.too_large += 1;
                    continue;
                };
                encoded.shortened += 1;
                span = shortened;
            }
            if spans.array.len() + span.len() + 2 > self.largest {
                encoded.payloads.push(std::mem::take(&mut spans).end());
            }
            spans.add(&span);
        }
        encoded.payloads.extend((spans.records > 0).then(|| spans.end()));
        encoded
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        let http = Arc::clone(&self.http);
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Box::pin(async move {
            let answer = http.post(headers, payload.body, timeout, sent).await;
            answer.and_then(|answer| read(&answer)).unwrap_or_else(std::convert::identity)
        })
    }
}

/// An array of spans under construction.
#[derive(Default)]
struct Spans {
    array: Vec<u8>,
    records: u64,
}

impl Spans {
    fn add(&mut self, span: &[u8]) {
        if !span.is_empty() {
            self.array.push(if self.array.is_empty() { b'[' } else { b',' });
            self.array.extend_from_slice(span);
        }
        self.records += 1;
    }

    fn end(mut self) -> Payload {
        self.array.extend_from_slice(if self.array.is_empty() { b"[]" } else { b"]" });
        Payload { records: self.records, body: self.array.into(), ..Payload::default() }
    }
}

/// 202, or a success without a body: what the server does with the spans later, it does not say. Any web server may answer
/// 200 with a page.
fn read(answer: &Answer) -> Result<Delivery, Delivery> {
    let body = confirmed(answer, false)?;
    if answer.status == StatusCode::ACCEPTED || body.is_empty() {
        return Ok(Delivery::Accepted { rejected: 0, message: None });
    }
    let reason = format!("what answers there is not Zipkin ({})", in_short(answer));
    Err(Delivery::Unanswered { again: false, reason })
}

#[cfg(test)]
mod tests;

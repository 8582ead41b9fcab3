//! Spans over OTLP: the bytes of one, written attribute by attribute straight from what waits in the queue.
//!
//! The reference for every byte is opentelemetry-otlp, whose output the tests compare with ours.

use std::time::Duration;

use super::span_writer::{Outline, SpanWriter};
use super::{Limits, Record, Status};
use crate::context::TraceContext;
use crate::export::{Attempt, Encoded, Payload, Sent, Transport};
use crate::otlp::{Attributes, Batch, Message, OtlpClient, OtlpConfig, Scope, Size};
use crate::record::{FieldValue, Kind};
use crate::resource::Resource;
use crate::threads::rest_if_due;

const SCOPE: Scope<'static> = Scope { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

/// The transport.
#[derive(Debug)]
struct Otlp {
    client: OtlpClient,
    batch: Batch,
    limits: Limits,
}

/// Makes the transport to this URL.
pub(super) fn transport(
    config: &OtlpConfig,
    url: &str,
    limits: &Limits,
    resource: &Resource,
) -> Result<Box<dyn Transport<Record>>, String> {
    let client = OtlpClient::new(config, url)?;
    let batch = Batch::new(resource, config.largest_request());
    Ok(Box::new(Otlp { client, batch, limits: *limits }))
}

impl Transport<Record> for Otlp {
    fn encode(&mut self, batch: &[Record]) -> Encoded {
        let records = batch.iter().map(|record| (SCOPE, record));
        let encoded = self.batch.encode(records, |record, message, longest| {
            rest_if_due();
            record.write(&self.limits.with_texts_of(longest), &mut Span::new(message));
        });
        self.client.wrapped(encoded)
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        self.client.send(payload, timeout, sent)
    }
}

/// A span at the end of a message of spans.
#[derive(Debug)]
struct Span<'a> {
    attributes: Attributes<'a, 9>,
    /// Where the span begins.
    start: usize,
}

/// A span that is longer is moved once it is written.
const SIZE: Size = Size::Medium;

/// `SpanFlags`: it is known whether the other side is remote, and it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// `Status.STATUS_CODE_OK`.
const OK: u64 = 1;
/// `Status.STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

impl<'a> Span<'a> {
    fn new(message: &'a mut Message) -> Self {
        Self { attributes: Attributes::new(message), start: 0 }
    }

    fn message(&mut self) -> &mut Message {
        self.attributes.message
    }
}

impl SpanWriter for Span<'_> {
    #[inline]
    fn begin(&mut self, outline: &Outline<'_>) {
        let message = self.message();
        let start = message.open(2, SIZE);
        message.raw(&ids(&outline.trace));
        message.text(3, outline.tracestate.as_str());
        if let Some(parent) = outline.parent {
            message.text(4, parent.value().to_be_bytes());
        }
        message.texts(5, outline.name.pieces());
        message.number(6, kind(outline.kind));
        message.fixed64(7, outline.start.unix_nanos());
        message.fixed64(8, outline.end.max(outline.start).unix_nanos());
        self.start = start;
    }

    #[inline(always)]
    fn text(&mut self, name: &'static str, text: &[u8]) {
        self.attributes.text(name, text);
    }

    #[inline(always)]
    fn number(&mut self, name: &'static str, number: u16) {
        self.attributes.number(name, number);
    }

    #[inline(always)]
    fn float(&mut self, name: &'static str, number: f64) {
        self.attributes.float(name, number);
    }

    #[inline]
    fn value(&mut self, name: &[u8], value: FieldValue<'_>) {
        self.attributes.field(name, value);
    }

    #[inline]
    fn end(&mut self, outline: &Outline<'_>, attributes_dropped: u32) {
        let start = self.start;
        let message = self.message();
        message.number(10, attributes_dropped);
        outline
            .links
            .iter()
            .for_each(|linked| message.nested(13, Size::Small, |message| link(message, linked)));
        message.number(14, outline.links_dropped);
        match &outline.status {
            Status::Unset => {}
            Status::Ok => message.nested(15, Size::Small, |message| message.number(3, OK)),
            Status::Error(description) => message.nested(15, Size::Small, |message| {
                message.text(2, &**description);
                message.number(3, ERROR);
            }),
        }
        let remote = if outline.parent_is_remote { IS_REMOTE } else { 0 };
        message.fixed32(16, u32::from(outline.trace.flags.byte()) | HAS_IS_REMOTE | remote);
        message.close(start, SIZE);
    }
}

/// Trace id and span id, with which a span begins, and a link.
#[inline]
fn ids(trace: &TraceContext) -> [u8; 28] {
    let mut bytes = [0; 28];
    bytes[0] = 1 << 3 | 2;
    bytes[1] = 16;
    bytes[2..18].copy_from_slice(&trace.trace_id.value().to_be_bytes());
    bytes[18] = 2 << 3 | 2;
    bytes[19] = 8;
    bytes[20..].copy_from_slice(&trace.span_id.value().to_be_bytes());
    bytes
}

/// A link points at what came from outside: the caller's trace, or a message's.
fn link(message: &mut Message, link: &TraceContext) {
    message.raw(&ids(link));
    message.fixed32(6, u32::from(link.flags.byte()) | HAS_IS_REMOTE | IS_REMOTE);
}

/// `SpanKind`.
fn kind(kind: Kind) -> u32 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

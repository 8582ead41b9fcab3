//! The bytes of a batch: an `ExportTraceServiceRequest` of opentelemetry-proto 1, spans first to last.
//!
//! Written straight from what waits in the queue: by way of words, a span costs five times as many instructions, and by
//! way of `SpanData` and the generated types twenty times.

use bytes::Bytes;

use super::span::Span;
use crate::export::protobuf::{Message, Size};
use crate::names::schema;
use crate::resource::Resource;

/// About what a server's span takes, so that the buffer is made once.
const SPAN: usize = 1_024;

/// Writes batches of one process.
#[derive(Debug)]
pub(super) struct Encoder {
    // What is the same in all batches, as bytes: `ResourceSpans.resource`, `ScopeSpans.scope`.
    resource: Box<[u8]>,
    scope: Box<[u8]>,
}

impl Encoder {
    pub(super) fn new(resource: &Resource) -> Self {
        let mut who = Message::default();
        who.nested(1, Size::Medium, |message| {
            for (key, value) in resource.iter() {
                message.nested(1, Size::Small, |message| {
                    message.text(1, key);
                    message.nested(2, Size::Small, |message| message.member_text(1, value));
                });
            }
        });
        let mut scope = Message::default();
        scope.nested(1, Size::Small, |message| {
            message.text(1, env!("CARGO_PKG_NAME"));
            message.text(2, env!("CARGO_PKG_VERSION"));
        });
        Self { resource: who.into_bytes().into(), scope: scope.into_bytes().into() }
    }

    /// The bytes of so many spans, one of which each call of `write` puts on its sheet.
    pub(super) fn batch<R>(&self, records: &[R], write: impl Fn(&R, &mut Span<'_>)) -> Bytes {
        let mut request = Message::with_capacity((records.len() + 1) * SPAN);
        request.nested(1, Size::Large, |message| {
            message.raw(&self.resource);
            message.nested(2, Size::Large, |message| {
                message.raw(&self.scope);
                records.iter().for_each(|record| write(record, &mut Span::new(message)));
                message.text(3, schema::URL);
            });
        });
        request.into_bytes().into()
    }
}

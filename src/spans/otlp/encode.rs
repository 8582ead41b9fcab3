//! Owns the bytes of a batch: an `ExportTraceServiceRequest` of opentelemetry-proto 1, spans first to last.
//!
//! Written straight from [`Finished`]: by way of `SpanData` and the generated types, a span costs four times as
//! many instructions.

use bytes::Bytes;

use crate::context::TraceContext;
use crate::export::protobuf::{Message, Size};
use crate::names::schema;
use crate::resource::Resource;
use crate::scope::{Kind, Value};
use crate::spans::{Finished, Status};

/// About what a server's span takes, so that the buffer is made once.
const SPAN: usize = 1_024;

/// `SpanFlags`: it is known whether the other side is remote, and it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// `Status.STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

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

    pub(super) fn batch(&self, spans: impl ExactSizeIterator<Item = Option<Finished>>) -> Bytes {
        let mut request = Message::with_capacity((spans.len() + 1) * SPAN);
        request.nested(1, Size::Large, |message| {
            message.raw(&self.resource);
            message.nested(2, Size::Large, |message| {
                message.raw(&self.scope);
                for finished in spans.flatten() {
                    message.nested(2, Size::Medium, |message| span(message, &finished));
                }
                message.text(3, schema::URL);
            });
        });
        request.into_bytes().into()
    }
}

fn span(message: &mut Message, span: &Finished) {
    message.text(1, span.trace.trace_id.value().to_be_bytes());
    message.text(2, span.trace.span_id.value().to_be_bytes());
    message.text(3, span.tracestate.as_str());
    if let Some(parent) = span.parent {
        message.text(4, parent.value().to_be_bytes());
    }
    message.text(5, &*span.name);
    message.number(6, kind(span.kind));
    message.fixed64(7, span.start.unix_nanos());
    message.fixed64(8, span.end.max(span.start).unix_nanos());
    for (name, value) in &span.attributes {
        message.nested(9, Size::Small, |message| {
            message.text(1, &**name);
            message.nested(2, Size::Small, |message| any_value(message, value));
        });
    }
    message.number(10, span.attributes_dropped);
    for link in &span.links {
        message.nested(13, Size::Small, |message| self::link(message, link));
    }
    message.number(14, span.links_dropped);
    if let Status::Error(description) = &span.status {
        message.nested(15, Size::Small, |message| {
            message.text(2, &**description);
            message.number(3, ERROR);
        });
    }
    let remote = if span.parent_is_remote { IS_REMOTE } else { 0 };
    message.fixed32(16, u32::from(span.trace.flags.byte()) | HAS_IS_REMOTE | remote);
}

/// A link points at what came from outside: the caller's trace, or a message's.
fn link(message: &mut Message, link: &TraceContext) {
    message.text(1, link.trace_id.value().to_be_bytes());
    message.text(2, link.span_id.value().to_be_bytes());
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

/// `AnyValue`, a `oneof`.
fn any_value(message: &mut Message, value: &Value) {
    match value {
        Value::Str(text) => message.member_text(1, &**text),
        Value::Bool(value) => message.member_number(2, u64::from(*value)),
        Value::I64(value) => message.member_number(3, value.cast_unsigned()),
        // OTLP has no unsigned number; what does not fit is text rather than wrong.
        Value::U64(value) if i64::try_from(*value).is_ok() => message.member_number(3, *value),
        Value::U64(value) => message.member_text(1, itoa::Buffer::new().format(*value)),
        Value::F64(value) => message.fixed64(4, value.to_bits()),
        // `ArrayValue`, its values one after the other.
        Value::List(texts) => message.nested(5, Size::Medium, |list| {
            texts.iter().for_each(|text| list.nested(1, Size::Small, |value| value.member_text(1, &**text)));
        }),
    }
}

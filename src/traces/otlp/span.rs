//! The bytes of one span: a `Span` of opentelemetry-proto 1, written attribute by attribute.

use crate::context::TraceContext;
use crate::export::protobuf::{Message, Size, parts};
use crate::record::{Kind, Value};
use crate::traces::Status;
use crate::traces::sheet::{Outline, Sheet};

/// The sheet of bytes: a span at the end of a message of spans.
#[derive(Debug)]
pub(super) struct Span<'a> {
    message: &'a mut Message,
    /// Where the span begins, and its attributes.
    start: usize,
    attributes: usize,
}

/// A span that is longer is moved once it is written.
const SIZE: Size = Size::Medium;

// The fields' keys that stand before texts and messages: `field << 3 | 2`.
const ATTRIBUTE: u8 = 9 << 3 | 2;
const NAME: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;
const STRING: u8 = 1 << 3 | 2;
// The others' of `AnyValue`.
const INT: u8 = 3 << 3;
const DOUBLE: u8 = 4 << 3 | 1;

/// Below it a length is one byte.
const SHORT: usize = 0x80;

/// `SpanFlags`: it is known whether the other side is remote, and it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// `Status.STATUS_CODE_OK`.
const OK: u64 = 1;
/// `Status.STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

impl<'a> Span<'a> {
    pub(super) fn new(message: &'a mut Message) -> Self {
        Self { message, start: 0, attributes: 0 }
    }

    /// An attribute up to its value, an `AnyValue` of so many bytes; all of it is shorter than [`SHORT`].
    #[inline(always)]
    fn short(&mut self, name: &'static str, value: usize) {
        let whole = 4 + name.len() + value;
        self.message.raw(&[ATTRIBUTE, whole as u8, NAME, name.len() as u8]);
        self.message.raw(name.as_bytes());
    }

    #[inline]
    fn attribute(&mut self, name: &str, value: impl FnOnce(&mut Message)) {
        self.message.nested(9, Size::Small, |message| {
            message.text(1, name);
            message.nested(2, Size::Small, value);
        });
    }

    #[cold]
    fn long_text(&mut self, name: &str, text: &[u8]) {
        self.attribute(name, |message| message.member_text(1, text));
    }
}

impl Sheet for Span<'_> {
    #[inline]
    fn begin(&mut self, outline: &Outline<'_>) {
        self.start = self.message.open(2, SIZE);
        self.message.raw(&ids(&outline.trace));
        self.message.text(3, outline.tracestate.as_str());
        if let Some(parent) = outline.parent {
            self.message.text(4, parent.value().to_be_bytes());
        }
        self.message.texts(5, outline.name.pieces());
        self.message.number(6, kind(outline.kind));
        self.message.fixed64(7, outline.start.unix_nanos());
        self.message.fixed64(8, outline.end.max(outline.start).unix_nanos());
        self.attributes = self.message.length();
    }

    // Where its name is known, an attribute's beginning is, too: all of it is copied in a few steps.
    #[inline(always)]
    fn text(&mut self, name: &'static str, text: &[u8]) {
        let value = 2 + text.len();
        if 4 + name.len() + value >= SHORT {
            return self.long_text(name, text);
        }
        self.short(name, value);
        self.message.raw(&[VALUE, value as u8, STRING, text.len() as u8]);
        self.message.raw(text);
    }

    #[inline(always)]
    fn number(&mut self, name: &'static str, number: u16) {
        let [low, middle, high] = [0, 7, 14].map(|shift| (number >> shift) as u8 & 0x7f);
        match number {
            0..0x80 => {
                self.short(name, 2);
                self.message.raw(&[VALUE, 2, INT, low]);
            }
            0x80..0x4000 => {
                self.short(name, 3);
                self.message.raw(&[VALUE, 3, INT, low | 0x80, middle]);
            }
            0x4000.. => {
                self.short(name, 4);
                self.message.raw(&[VALUE, 4, INT, low | 0x80, middle | 0x80, high]);
            }
        }
    }

    #[inline(always)]
    fn float(&mut self, name: &'static str, number: f64) {
        self.short(name, 9);
        self.message.raw(&[VALUE, 9, DOUBLE]);
        self.message.raw(&number.to_bits().to_le_bytes());
    }

    fn value(&mut self, name: &str, value: &Value) {
        self.attribute(name, |message| any_value(message, value));
    }

    fn has(&self, name: &str) -> bool {
        let mut attributes = self.message.parts(self.attributes);
        attributes.any(|attribute| parts(attribute).next() == Some(name.as_bytes()))
    }

    #[inline]
    fn end(&mut self, outline: &Outline<'_>, attributes_dropped: u32) {
        self.message.number(10, attributes_dropped);
        outline
            .links
            .iter()
            .for_each(|linked| self.message.nested(13, Size::Small, |message| link(message, linked)));
        self.message.number(14, outline.links_dropped);
        match &outline.status {
            Status::Unset => {}
            Status::Ok => self.message.nested(15, Size::Small, |message| message.number(3, OK)),
            Status::Error(description) => self.message.nested(15, Size::Small, |message| {
                message.text(2, &**description);
                message.number(3, ERROR);
            }),
        }
        let remote = if outline.parent_is_remote { IS_REMOTE } else { 0 };
        self.message.fixed32(16, u32::from(outline.trace.flags.byte()) | HAS_IS_REMOTE | remote);
        self.message.close(self.start, SIZE);
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

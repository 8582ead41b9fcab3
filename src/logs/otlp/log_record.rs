//! What all log records have in common as a message: a `LogRecord` of opentelemetry-proto 1.

use super::describe::Outline;
use crate::context::TraceContext;
use crate::otlp::{Message, Size};

/// Writes a record with this body. `attributes` writes those, and says how many were dropped.
#[inline]
pub(super) fn write(
    message: &mut Message,
    outline: &Outline<'_>,
    body: &[u8],
    attributes: impl FnOnce(&mut Message) -> u32,
) {
    message.nested(2, Size::Medium, |message| {
        let at = outline.at.unix_nanos();
        message.fixed64(1, at);
        message.number(2, u64::from(outline.severity.number()));
        message.text(3, outline.severity.as_str());
        message.nested_text(5, 1, body);
        let dropped = attributes(message);
        message.number(7, dropped);
        if let Some(trace) = &outline.trace {
            message.raw(&place(trace));
        }
        message.fixed64(11, at);
        message.text(12, outline.event);
    });
}

/// Flags, trace id and span id.
#[inline]
fn place(trace: &TraceContext) -> [u8; 33] {
    let mut bytes = [0; 33];
    bytes[0] = 8 << 3 | 5;
    bytes[1] = trace.flags.byte();
    bytes[5] = 9 << 3 | 2;
    bytes[6] = 16;
    bytes[7..23].copy_from_slice(&trace.trace_id.value().to_be_bytes());
    bytes[23] = 10 << 3 | 2;
    bytes[24] = 8;
    bytes[25..].copy_from_slice(&trace.span_id.value().to_be_bytes());
    bytes
}

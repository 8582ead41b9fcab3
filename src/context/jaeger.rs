//! Jaeger's `uber-trace-id` header: text in, [`TraceContext`] out, and back.

use super::hex::number;
use super::text::trim;
use super::{Flags, SpanId, TraceContext, TraceId};

const SAMPLED: u64 = 0x01;
const DEBUG: u64 = 0x02;

/// Reads one `uber-trace-id` value: trace, span, parent (not kept), flags. Leading zeros may be missing, and the colons
/// may be written as in a URL.
pub(crate) fn read(value: &[u8]) -> Option<TraceContext> {
    let (trace, rest) = cut(trim(value))?;
    let (span, rest) = cut(rest)?;
    let (parent, flags) = cut(rest)?;
    if !parent.is_empty() {
        number(parent)?;
    }
    let flags = match number(flags).filter(|_| flags.len() <= 2)? {
        bits if bits & DEBUG != 0 => Flags::DEBUG,
        bits if bits & SAMPLED != 0 => Flags::SAMPLED,
        _ => Flags::NONE,
    };
    Some(TraceContext::new(TraceId::from_digits(trace)?, SpanId::from_digits(span)?, flags))
}

/// The 53 bytes of a `uber-trace-id` value, without an allocation; the parent is zero, which is "none".
pub(crate) fn write(context: TraceContext) -> [u8; 53] {
    let mut text = [b':'; 53];
    text[..32].copy_from_slice(&context.trace_id.hex());
    text[33..49].copy_from_slice(&context.span_id.hex());
    text[50] = b'0';
    text[52] = match context.flags {
        flags if flags.is_debug() => b'3',
        flags if flags.is_sampled() => b'1',
        _ => b'0',
    };
    text
}

/// The text before the next colon, and the text after it.
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| matches!(byte, b':' | b'%'))?;
    let (before, rest) = text.split_at_checked(place)?;
    let behind = [&b":"[..], b"%3A", b"%3a"].into_iter().find_map(|colon| rest.strip_prefix(colon))?;
    Some((before, behind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(value: &str) -> Option<TraceContext> {
        read(value.as_bytes())
    }

    #[test]
    fn ids_are_padded_and_colons_may_be_escaped() {
        for value in
            ["ab:cd:0:1", "00ab:0cd:0:01", "ab%3Acd%3a0%3A1", " ab:cd::1 ", "ab:cd:ef:1", "ab:cd:0:09"]
        {
            let trace = parsed(value).expect(value);
            assert_eq!((trace.trace_id.value(), trace.span_id.value()), (0xab, 0xcd), "{value}");
            assert_eq!(trace.flags, Flags::SAMPLED, "{value}");
        }
    }

    #[test]
    fn flags_say_sampled_and_debug_is_sampled() {
        for (flags, expected) in [
            ("0", Flags::NONE),
            ("1", Flags::SAMPLED),
            ("2", Flags::DEBUG),
            ("3", Flags::DEBUG),
            ("08", Flags::NONE),
        ] {
            // Debug shows what the byte does not say.
            let read = parsed(&format!("ab:cd:0:{flags}")).map(|trace| trace.flags);
            assert_eq!(format!("{read:?}"), format!("{:?}", Some(expected)), "{flags}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let long = "1".repeat(33);
        for value in
            ["", "ab", "ab:cd", "ab:cd:0", "ab:cd:0:", "ab:cd:0:1:", "0:cd:0:1", "ab:0:0:1", "ab:cd:x:1"]
        {
            assert_eq!(parsed(value), None, "{value}");
        }
        for value in
            ["ab:cd:0:001", "AB:cd:0:1", "ab%3cd:0:1", &format!("{long}:cd:0:1"), &format!("ab:{long}:0:1")]
        {
            assert_eq!(parsed(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_what_is_written_reads_back(
            value in "[0-9a-f]{0,33}(:|%3A)[0-9a-f]{0,17}(:|%3a)[0-9a-f]{0,2}:[0-3]|[ -~]{0,60}",
            bytes: Vec<u8>,
        ) {
            read(&bytes);
            if let Some(trace) = parsed(&value) {
                prop_assert_eq!(read(&write(trace)), Some(trace));
            }
        }
    }
}

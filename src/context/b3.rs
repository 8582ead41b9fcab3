//! Zipkin's B3: one header, or one for each part, and back.

use super::text::trim;
use super::{Flags, SpanId, TraceContext, TraceId};

/// Reads one `b3` value; `None` if it is not valid. The parent's id is checked and not kept: our span has an id of its
/// own (Propagators API, "B3 extract").
pub(crate) fn read(value: &[u8]) -> Option<TraceContext> {
    let mut parts = trim(value).split(|byte| *byte == b'-');
    let (trace, span, said) = (parts.next()?, parts.next(), parts.next());
    let Some(span) = span else { return (trace == b"0").then(denied) };
    if parts.next().is_some_and(|parent| span_id(parent).is_none()) || parts.next().is_some() {
        return None;
    }
    let flags = match said {
        None => Flags::DEFERRED,
        Some(b"d") => Flags::DEBUG,
        Some(said) => decision(said)?,
    };
    context(trace, span, flags)
}

/// Reads `x-b3-traceid`, `x-b3-spanid`, `x-b3-sampled` and `x-b3-flags`.
pub(crate) fn read_multi([trace, span, sampled, flags]: [Option<&[u8]>; 4]) -> Option<TraceContext> {
    let said = match (flags.map(trim), sampled.map(trim)) {
        (Some(b"1"), _) => Flags::DEBUG,
        (_, None) => Flags::DEFERRED,
        (_, Some(b"true")) => Flags::SAMPLED,
        (_, Some(b"false")) => Flags::NONE,
        (_, Some(said)) => decision(said)?,
    };
    match (trace, span) {
        (Some(trace), Some(span)) => context(trim(trace), trim(span), said),
        (None, None) if !said.is_sampled() && !said.is_deferred() => Some(denied()),
        _ => None,
    }
}

/// The 51 bytes of a `b3` value, without an allocation.
pub(crate) fn write(context: TraceContext) -> [u8; 51] {
    let mut text = [b'-'; 51];
    text[..32].copy_from_slice(&context.trace_id.hex());
    text[33..49].copy_from_slice(&context.span_id.hex());
    text[50] = match context.flags {
        flags if flags.is_debug() => b'd',
        flags if flags.is_sampled() => b'1',
        _ => b'0',
    };
    text
}

fn context(trace: &[u8], span: &[u8], flags: Flags) -> Option<TraceContext> {
    let trace_id = TraceId::from_digits(trace).filter(|_| matches!(trace.len(), 16 | 32))?;
    Some(TraceContext::new(trace_id, span_id(span)?, flags))
}

/// A caller says "do not sample" and names no trace: made-up ids carry the decision on.
fn denied() -> TraceContext {
    TraceContext::new(TraceId::random(), SpanId::random(), Flags::INVENTED)
}

fn decision(said: &[u8]) -> Option<Flags> {
    match said {
        b"1" => Some(Flags::SAMPLED),
        b"0" => Some(Flags::NONE),
        _ => None,
    }
}

fn span_id(digits: &[u8]) -> Option<SpanId> {
    SpanId::from_digits(digits).filter(|_| digits.len() == 16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDS: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1";

    /// With what the byte does not say.
    fn shown(flags: Option<Flags>) -> String {
        format!("{flags:?}")
    }

    fn flags(value: &str) -> Option<Flags> {
        read(value.as_bytes()).map(|trace| trace.flags)
    }

    #[test]
    fn a_decision_is_taken_as_it_is_and_a_missing_one_is_deferred() {
        let cases = [
            ("", Flags::DEFERRED),
            ("-0", Flags::NONE),
            ("-1", Flags::SAMPLED),
            ("-d", Flags::DEBUG),
            ("-1-05e3ac9a4f6e3b90", Flags::SAMPLED),
        ];
        for (end, expected) in cases {
            assert_eq!(shown(flags(&format!("{IDS}{end}"))), shown(Some(expected)), "{end}");
        }
        assert_eq!(shown(flags("0")), shown(Some(Flags::INVENTED)));
        for end in ["-", "-2", "-true", "-1-", "-1-05e3", "-1-0000000000000000", "-1-05e3ac9a4f6e3b90-"] {
            assert_eq!(flags(&format!("{IDS}{end}")), None, "{end}");
        }
        for lone in ["", "1", "d", "-", "80f198ee56343ba864fe8b2a57d3eff7"] {
            assert_eq!(flags(lone), None, "{lone}");
        }
    }

    #[test]
    fn a_short_trace_id_is_padded_and_no_other_length_is_taken() {
        let read = read(b"64fe8b2a57d3eff7-e457b5a2e4d86bd1-1").expect("valid");
        assert_eq!(read.trace_id.value(), 0x64fe8b2a57d3eff7);
        for ids in [
            "4fe8b2a57d3eff7-e457b5a2e4d86bd1",
            "080f198ee56343ba8-e457b5a2e4d86bd1",
            "64FE8B2A57D3EFF7-e457b5a2e4d86bd1",
        ] {
            assert_eq!(flags(ids), None, "{ids}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_what_is_written_reads_back(
            value in "[0-9a-f]{0,33}-?[0-9a-f]{0,17}-?[01dx-]{0,3}|[ -~]{0,60}",
            bytes: Vec<u8>,
        ) {
            read_multi([Some(&bytes), Some(value.as_bytes()), Some(&bytes), None]);
            for seen in [read(value.as_bytes()), read(&bytes)].into_iter().flatten() {
                let written = TraceContext { flags: seen.flags.with_sampled(seen.flags.is_sampled()), ..seen };
                let again = read(&write(seen)).expect("what is written is valid");
                prop_assert_eq!((again.trace_id, again.span_id), (written.trace_id, written.span_id));
                prop_assert_eq!(again.flags.is_sampled(), written.flags.is_sampled());
                prop_assert_eq!(again.flags.is_debug(), written.flags.is_debug());
            }
        }
    }
}

//! The `traceparent` header: text in, [`TraceContext`] out, and back.

use super::text::trim;
use super::{Flags, SpanId, TraceContext, TraceId, hex};

impl TraceContext {
    /// Version 00 of a `traceparent` is exactly so long; a later version at least.
    pub(crate) const TRACEPARENT_LENGTH: usize = 55;

    /// Reads one `traceparent` value; `None` if it is not valid.
    ///
    /// A later version than 00 is read as far as we know it. Of the flags only the known ones are kept.
    #[must_use]
    #[inline]
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        // What is as long as it has to be has no white space around it, or is wrong.
        let value = if value.len() == Self::TRACEPARENT_LENGTH { value } else { trim(value) };
        let (known, later) = value.split_first_chunk::<{ Self::TRACEPARENT_LENGTH }>()?;
        let [v1, v2, b'-', ids @ .., b'-', f1, f2] = known else { return None };
        let (trace, ids) = ids.split_first_chunk::<32>()?;
        let [b'-', span @ ..] = ids else { return None };
        let ([t1, t2, t3, t4], []) = trace.as_chunks() else { return None };
        let ([s1, s2], []) = span.as_chunks() else { return None };
        let flags = match ([v1, v2, f1], f2) {
            ([b'0', b'0', b'0'], b'0'..=b'3') if later.is_empty() => f2 - b'0',
            _ => unusual_flags([*v1, *v2, *f1, *f2], later)?,
        };
        let [trace @ .., s1, s2] = hex::read([*t1, *t2, *t3, *t4, *s1, *s2])?;
        let number =
            |groups: &[u32]| groups.iter().fold(0, |number, group| number << 32 | u128::from(*group));
        Some(Self {
            trace_id: TraceId::new(number(&trace))?,
            span_id: SpanId::new(u64::from(s1) << 32 | u64::from(s2))?,
            flags: Flags::from_byte(flags),
        })
    }

    /// The digits of both ids, one behind the other, made at once: 32 and 16.
    #[inline]
    pub(crate) fn digits_of_ids(self) -> [[u8; 2]; 24] {
        let mut ids = [0; 24];
        ids[..16].copy_from_slice(&self.trace_id.value().to_be_bytes());
        ids[16..].copy_from_slice(&self.span_id.value().to_be_bytes());
        hex::pairs(&ids)
    }

    /// The 55 bytes of a version 00 `traceparent`, without an allocation.
    #[must_use]
    #[inline]
    pub fn to_traceparent(self) -> [u8; Self::TRACEPARENT_LENGTH] {
        let digits = self.digits_of_ids();
        let (trace_id, span_id) = digits.as_flattened().split_at(32);
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..35].copy_from_slice(trace_id);
        text[36..52].copy_from_slice(span_id);
        text[53..55].copy_from_slice(&self.flags.hex());
        text
    }
}

/// The flags behind a version that may be another than 00, or with bits that nobody knows yet.
#[cold]
fn unusual_flags([v1, v2, f1, f2]: [u8; 4], later: &[u8]) -> Option<u8> {
    let [edges] = hex::read([[b'0', b'0', b'0', b'0', v1, v2, f1, f2]])?;
    let [_, _, version, flags] = edges.to_be_bytes();
    match (version, later) {
        (0xff, _) => None,
        (_, []) | (1.., [b'-', ..]) => Some(flags),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(value: &[u8]) -> Option<TraceContext> {
        TraceContext::from_traceparent(value)
    }

    #[test]
    fn a_valid_value_is_read_and_written_back() {
        let context = read(VALID).expect("valid");
        assert_eq!(context.trace_id.value(), 0x4bf92f3577b34da6a3ce929d0e0e4736);
        assert_eq!(context.span_id.value(), 0x00f067aa0ba902b7);
        assert_eq!(context.flags, Flags::SAMPLED);
        assert_eq!(context.to_traceparent(), VALID);
    }

    #[test]
    fn every_cut_is_refused() {
        for end in 0..VALID.len() {
            assert_eq!(read(&VALID[..end]), None, "cut at {end}");
        }
        for start in 1..VALID.len() {
            assert_eq!(read(&VALID[start..]), None, "from {start}");
        }
    }

    #[test]
    fn every_byte_at_every_place_is_either_a_digit_where_one_belongs_or_refused() {
        for place in 0..VALID.len() {
            for byte in 0..=255u8 {
                let mut value = VALID.to_vec();
                value[place] = byte;
                let fits = match place {
                    2 | 35 | 52 => byte == b'-',
                    _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                };
                assert_eq!(read(&value).is_some(), fits, "byte {byte:#04x} at {place}");
            }
        }
    }

    #[test]
    fn zero_ids_are_refused() {
        assert_eq!(read(b"00-00000000000000000000000000000000-00f067aa0ba902b7-01"), None);
        assert_eq!(read(b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"), None);
    }

    #[test]
    fn version_00_has_nothing_behind_it_and_a_later_one_only_after_a_dash() {
        let with = |version: &[u8], end: &[u8]| [version, &VALID[2..], end].concat();
        for end in [&b"-"[..], b"-more", b"."] {
            assert_eq!(read(&with(b"00", end)), None);
            assert_eq!(read(&with(b"ff", end)), None);
        }
        for version in [b"01", b"cc", b"fe"] {
            for end in [&b""[..], b"-", b"-more"] {
                let context = read(&with(version, end)).expect("a later version");
                assert_eq!(context.to_traceparent(), VALID, "written as version 00");
            }
            assert_eq!(read(&with(version, b".more")), None);
        }
    }

    #[test]
    fn white_space_around_is_trimmed() {
        assert!(read(&[b"\t ", VALID, b" \t"].concat()).is_some());
    }

    #[test]
    fn known_flags_are_kept_as_received_and_others_dropped() {
        for (sent, kept) in [(&b"00"[..], 0), (b"01", 1), (b"02", 2), (b"03", 3), (b"fc", 0), (b"ff", 3)] {
            let context = read(&[&VALID[..53], sent].concat()).expect("valid");
            assert_eq!(context.flags.byte(), kept);
        }
    }
}

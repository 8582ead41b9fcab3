//! One span's place in its trace, and the `traceparent` header that carries it.

use super::text::trim;
use super::{Flags, SpanId, TraceId, hex};

/// One span's place: its trace, its id, its flags.
///
/// ```
/// use tower_observability::context::{Flags, SpanId, TraceContext, TraceId};
///
/// let here = TraceContext::new(TraceId::random(), SpanId::random(), Flags::NONE);
/// assert!(!here.flags.is_sampled());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span within the trace.
    pub span_id: SpanId,
    /// Sampled? Random?
    pub flags: Flags,
}

/// Version 00 of a `traceparent` is exactly so long; a later version at least.
const LENGTH: usize = 55;

impl TraceContext {
    /// A placeholder for a context that is not known yet.
    pub(crate) const BLANK: Self = Self::new(TraceId::BLANK, SpanId::BLANK, Flags::NONE);

    /// The place of this span in this trace.
    #[must_use]
    pub const fn new(trace_id: TraceId, span_id: SpanId, flags: Flags) -> Self {
        Self { trace_id, span_id, flags }
    }

    /// This place, sampled as well if its trace is kept.
    #[inline]
    pub(crate) const fn sampled_if(self, is_kept: bool) -> Self {
        if is_kept { Self { flags: self.flags.with_sampled(true), ..self } } else { self }
    }

    /// Reads one `traceparent` value; `None` if it is not valid.
    ///
    /// A later version than 00 is read as far as we know it. Of the flags only the known ones are kept.
    #[must_use]
    #[inline]
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let (known, later) = trim(value).split_first_chunk::<LENGTH>()?;
        let [v1, v2, b'-', ids @ .., b'-', f1, f2] = known else { return None };
        let (trace_id, rest) = ids.split_first_chunk::<32>()?;
        let [b'-', span_id @ ..] = rest else { return None };
        let (version, flags) = (hex::number(&[*v1, *v2])?, hex::number(&[*f1, *f2])?);
        let is_known = match (version, later) {
            (0xff, _) => false,
            (_, []) | (1.., [b'-', ..]) => true,
            _ => false,
        };
        is_known.then_some(())?;
        Some(Self {
            trace_id: TraceId::from_hex(trace_id)?,
            span_id: SpanId::from_digits(span_id)?,
            flags: Flags::from_byte(flags as u8),
        })
    }

    /// The digits of both ids, one behind the other: 32 and 16.
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
    pub fn to_traceparent(self) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..35].copy_from_slice(&self.trace_id.hex());
        text[36..52].copy_from_slice(&self.span_id.hex());
        text[53..55].copy_from_slice(&self.flags.hex());
        text
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A place in any trace, with any flags.
    pub(crate) fn a_context() -> impl Strategy<Value = TraceContext> {
        (1..u128::MAX, 1..u64::MAX, any::<[bool; 2]>()).prop_map(|(trace_id, span_id, [sampled, random])| {
            let flags = if random { Flags::RANDOM } else { Flags::NONE };
            let trace_id = TraceId::new(trace_id).expect("not zero");
            let span_id = SpanId::new(span_id).expect("not zero");
            TraceContext::new(trace_id, span_id, flags.with_sampled(sampled))
        })
    }

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

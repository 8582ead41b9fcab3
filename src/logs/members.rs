//! Owns the constant bytes of our own members, joined when the crate is compiled.
//!
//! A request's line has some fifteen keys that are always the same; joined beforehand, each costs one short copy.

use crate::context::TraceContext;
use crate::names::key;

/// `,"key":`, and with a quote behind it where a text follows.
macro_rules! member {
    ($name:ident, $key:expr, $behind:literal) => {
        pub(super) const $name: &[u8] = {
            const PARTS: &[&str] = &[",\"", $key, "\":", $behind];
            const BYTES: [u8; length(PARTS, PARTS.len())] = joined(PARTS);
            &BYTES
        };
    };
}

member!(MESSAGE, key::MESSAGE, "\"");
member!(METHOD, key::METHOD, "\"");
member!(OUTCOME, key::OUTCOME, "\"");
member!(PATH, key::PATH, "\"");
member!(REQUEST_ID, key::REQUEST_ID, "\"");
member!(ROUTE, key::ROUTE, "\"");
member!(TARGET, key::TARGET, "\"");
member!(DURATION_MS, key::DURATION_MS, "");
member!(RESPONSE_BYTES, key::RESPONSE_BYTES, "");
member!(STATUS, key::STATUS, "");
member!(TTFB_MS, key::TTFB_MS, "");

const IDS_PARTS: &[&str] = &[
    ",\"",
    key::TRACE_ID,
    "\":\"",
    "00000000000000000000000000000000",
    "\",\"",
    key::SPAN_ID,
    "\":\"",
    "0000000000000000",
    "\",\"",
    key::TRACE_FLAGS,
    "\":\"",
    "00",
    "\"",
];
const IDS: usize = length(IDS_PARTS, IDS_PARTS.len());
const IDS_OF_NOTHING: [u8; IDS] = joined(IDS_PARTS);
const TRACE_ID_AT: usize = length(IDS_PARTS, 3);
const SPAN_ID_AT: usize = length(IDS_PARTS, 7);
const FLAGS_AT: usize = length(IDS_PARTS, 11);

/// The three members of a place in a trace.
pub(super) fn ids(trace: TraceContext) -> [u8; IDS] {
    let mut bytes = IDS_OF_NOTHING;
    bytes[TRACE_ID_AT..TRACE_ID_AT + 32].copy_from_slice(&trace.trace_id.hex());
    bytes[SPAN_ID_AT..SPAN_ID_AT + 16].copy_from_slice(&trace.span_id.hex());
    bytes[FLAGS_AT..FLAGS_AT + 2].copy_from_slice(&trace.flags.hex());
    bytes
}

/// How long the first parts are together.
const fn length(parts: &[&str], count: usize) -> usize {
    let (mut length, mut place) = (0, 0);
    while place < count {
        length += parts[place].len();
        place += 1;
    }
    length
}

const fn joined<const N: usize>(parts: &[&str]) -> [u8; N] {
    let (mut bytes, mut end, mut place) = ([0; N], 0, 0);
    while place < parts.len() {
        let part = parts[place].as_bytes();
        let mut at = 0;
        while at < part.len() {
            bytes[end] = part[at];
            end += 1;
            at += 1;
        }
        place += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Flags, SpanId, TraceId};

    #[test]
    fn a_member_is_its_key_between_a_comma_and_a_colon() {
        assert_eq!(STATUS, b",\"status\":");
        assert_eq!(PATH, b",\"path\":\"");
    }

    #[test]
    fn the_ids_stand_in_their_members() {
        let trace = TraceContext {
            trace_id: TraceId::new(0x4bf92f3577b34da6a3ce929d0e0e4736).expect("not zero"),
            span_id: SpanId::new(0x00f067aa0ba902b7).expect("not zero"),
            flags: Flags::SAMPLED,
        };
        let text = String::from_utf8(ids(trace).to_vec()).expect("ASCII");
        assert_eq!(
            text,
            ",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\",\"trace_flags\":\"01\""
        );
    }
}

//! The constant bytes of our own members, joined when the crate is compiled.
//!
//! A request's line has some fifteen keys that are always the same; joined beforehand, each costs one short copy.
//! Every format has them all, under its own names: this table is what a format is, first of all.

use crate::context::TraceContext;
use crate::names::{ecs, gelf, key, logstash, otel};
use crate::record::Outcome;

/// Our members in one format: `,"key":`, and with a quote behind it where a text follows.
pub(super) trait Members {
    const ERROR: &'static [u8];
    const ERROR_CHAIN: &'static [u8];
    const ERROR_TYPE: &'static [u8];
    const FILE: &'static [u8];
    const MESSAGE: &'static [u8];
    const METHOD: &'static [u8];
    const OUTCOME: &'static [u8];
    const PATH: &'static [u8];
    const REQUEST_ID: &'static [u8];
    const ROUTE: &'static [u8];
    const RPC_METHOD: &'static [u8];
    const RPC_STATUS: &'static [u8];
    const TARGET: &'static [u8];
    const THREAD: &'static [u8];
    const DURATION: &'static [u8];
    const LINE: &'static [u8];
    const RESPONSE_BYTES: &'static [u8];
    const STATUS: &'static [u8];
    const TTFB: &'static [u8];

    /// Writes the three members of a place in a trace.
    fn ids(out: &mut Vec<u8>, trace: TraceContext);

    /// Writes the members of a request's usual end, up to the number of its response's bytes.
    fn usual_end(out: &mut Vec<u8>, digits: UsualEnd);
}

/// The digits of what most requests' ends consist of: a status, and times below ten milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct UsualEnd {
    pub(super) status: [u8; 3],
    pub(super) took: [u8; 5],
    pub(super) ttfb: [u8; 5],
}

/// The format `json`: ours.
#[derive(Debug)]
pub(super) struct Json;

/// The format `ecs`: Elastic Common Schema.
#[derive(Debug)]
pub(super) struct Ecs;

/// The format `logstash`: as logstash-logback-encoder writes it.
#[derive(Debug)]
pub(super) struct Logstash;

/// The format `gelf`: Graylog Extended Log Format 1.1.
#[derive(Debug)]
pub(super) struct Gelf;

/// The format `otel`: OpenTelemetry's log data model, in JSON.
#[derive(Debug)]
pub(super) struct Otel;

/// `,"key":`, and what stands behind it.
macro_rules! member {
    ($key:expr, $behind:literal) => {{
        const PARTS: &[&str] = &[",\"", $key, "\":", $behind];
        const BYTES: [u8; length(PARTS, PARTS.len())] = joined(PARTS);
        &BYTES
    }};
}
pub(super) use member;

macro_rules! members {
    ($format:ident, $keys:ident, $duration:ident, $ttfb:ident, $thread:expr) => {
        impl Members for $format {
            const ERROR: &'static [u8] = member!($keys::ERROR, "\"");
            const ERROR_CHAIN: &'static [u8] = member!($keys::ERROR_CHAIN, "\"");
            const ERROR_TYPE: &'static [u8] = member!($keys::ERROR_TYPE, "\"");
            const FILE: &'static [u8] = member!($keys::FILE, "\"");
            const MESSAGE: &'static [u8] = member!($keys::MESSAGE, "\"");
            const METHOD: &'static [u8] = member!($keys::METHOD, "\"");
            const OUTCOME: &'static [u8] = member!($keys::OUTCOME, "\"");
            const PATH: &'static [u8] = member!($keys::PATH, "\"");
            const REQUEST_ID: &'static [u8] = member!($keys::REQUEST_ID, "\"");
            const ROUTE: &'static [u8] = member!($keys::ROUTE, "\"");
            const RPC_METHOD: &'static [u8] = member!($keys::RPC_METHOD, "\"");
            const RPC_STATUS: &'static [u8] = member!($keys::RPC_STATUS, "\"");
            const TARGET: &'static [u8] = member!($keys::TARGET, "\"");
            const THREAD: &'static [u8] = member!($thread, "\"");
            const DURATION: &'static [u8] = member!($keys::$duration, "");
            const LINE: &'static [u8] = member!($keys::LINE, "");
            const RESPONSE_BYTES: &'static [u8] = member!($keys::RESPONSE_BYTES, "");
            const STATUS: &'static [u8] = member!($keys::STATUS, "");
            const TTFB: &'static [u8] = member!($keys::$ttfb, "");

            #[inline]
            fn ids(out: &mut Vec<u8>, trace: TraceContext) {
                const PARTS: &[&str] = &ids_parts($keys::TRACE_ID, $keys::SPAN_ID, $keys::TRACE_FLAGS);
                const IDS: usize = length(PARTS, PARTS.len());
                const IDS_OF_NOTHING: [u8; IDS] = joined(PARTS);
                const TRACE_ID_AT: usize = length(PARTS, 3);
                const SPAN_ID_AT: usize = length(PARTS, 7);
                const FLAGS_AT: usize = length(PARTS, 11);
                let digits = trace.digits_of_ids();
                let (trace_id, span_id) = digits.as_flattened().split_at(32);
                let mut bytes = IDS_OF_NOTHING;
                bytes[TRACE_ID_AT..TRACE_ID_AT + 32].copy_from_slice(trace_id);
                bytes[SPAN_ID_AT..SPAN_ID_AT + 16].copy_from_slice(span_id);
                bytes[FLAGS_AT..FLAGS_AT + 2].copy_from_slice(&trace.flags.hex());
                out.extend_from_slice(&bytes);
            }

            #[inline(always)]
            fn usual_end(out: &mut Vec<u8>, digits: UsualEnd) {
                const PARTS: &[&str] = &[
                    ",\"",
                    $keys::STATUS,
                    "\":",
                    "000",
                    ",\"",
                    $keys::$duration,
                    "\":",
                    "0.000",
                    ",\"",
                    $keys::$ttfb,
                    "\":",
                    "0.000",
                    ",\"",
                    $keys::OUTCOME,
                    "\":\"",
                    Outcome::Ok.as_str(),
                    "\",\"",
                    $keys::RESPONSE_BYTES,
                    "\":",
                ];
                const END: usize = length(PARTS, PARTS.len());
                const END_OF_NOTHING: [u8; END] = joined(PARTS);
                const STATUS_AT: usize = length(PARTS, 3);
                const TOOK_AT: usize = length(PARTS, 7);
                const TTFB_AT: usize = length(PARTS, 11);
                let mut bytes = END_OF_NOTHING;
                bytes[STATUS_AT..STATUS_AT + 3].copy_from_slice(&digits.status);
                bytes[TOOK_AT..TOOK_AT + 5].copy_from_slice(&digits.took);
                bytes[TTFB_AT..TTFB_AT + 5].copy_from_slice(&digits.ttfb);
                out.extend_from_slice(&bytes);
            }
        }
    };
}

members!(Json, key, DURATION_MS, TTFB_MS, "thread");
members!(Ecs, ecs, DURATION, TTFB, ecs::THREAD);
members!(Logstash, logstash, DURATION, TTFB, logstash::THREAD);
members!(Gelf, gelf, DURATION, TTFB, gelf::THREAD);
members!(Otel, otel, DURATION, TTFB, otel::THREAD);

const fn ids_parts<'a>(trace_id: &'a str, span_id: &'a str, trace_flags: &'a str) -> [&'a str; 13] {
    [
        ",\"",
        trace_id,
        "\":\"",
        "00000000000000000000000000000000",
        "\",\"",
        span_id,
        "\":\"",
        "0000000000000000",
        "\",\"",
        trace_flags,
        "\":\"",
        "00",
        "\"",
    ]
}

/// How long the first parts are together.
pub(super) const fn length(parts: &[&str], count: usize) -> usize {
    let (mut length, mut place) = (0, 0);
    while place < count {
        length += parts[place].len();
        place += 1;
    }
    length
}

pub(super) const fn joined<const N: usize>(parts: &[&str]) -> [u8; N] {
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
        assert_eq!(Json::STATUS, b",\"status\":");
        assert_eq!(Ecs::PATH, b",\"url.path\":\"");
    }

    #[test]
    fn the_ids_stand_in_their_members() {
        let trace = TraceContext {
            trace_id: TraceId::new(0x4bf92f3577b34da6a3ce929d0e0e4736).expect("not zero"),
            span_id: SpanId::new(0x00f067aa0ba902b7).expect("not zero"),
            flags: Flags::SAMPLED,
        };
        let text = |ids: fn(&mut Vec<u8>, TraceContext)| {
            let mut bytes = Vec::new();
            ids(&mut bytes, trace);
            String::from_utf8(bytes).expect("ASCII")
        };
        assert_eq!(
            text(Json::ids),
            ",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\",\"trace_flags\":\"01\""
        );
        assert_eq!(
            text(Ecs::ids),
            ",\"trace.id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span.id\":\"00f067aa0ba902b7\",\"labels.trace_flags\":\"01\""
        );
    }
}

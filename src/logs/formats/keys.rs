//! The keys of our own facts in each format, as the bytes that are written: `,"key":`, and a quote behind it where a
//! text follows. They are joined when the crate is compiled.

use crate::names::{ecs, gelf, key, logstash, otel};

/// The keys of one format.
pub(in crate::logs) trait Keys {
    const BACKTRACE: &'static [u8];
    const CLIENT_ADDRESS: &'static [u8];
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
    const SERVER_ADDRESS: &'static [u8];
    const SPAN_ID: &'static [u8];
    const TARGET: &'static [u8];
    const THREAD: &'static [u8];
    const TRACE_FLAGS: &'static [u8];
    const TRACE_ID: &'static [u8];
    const USER_AGENT: &'static [u8];
    const WORK_NAME: &'static [u8];
    const DURATION: &'static [u8];
    const LINE: &'static [u8];
    const REQUEST_BYTES: &'static [u8];
    const RESPONSE_BYTES: &'static [u8];
    const SERVER_PORT: &'static [u8];
    const STATUS: &'static [u8];
    const TTFB: &'static [u8];
}

/// The format `json`: ours.
#[derive(Debug)]
pub(in crate::logs) struct Json;

/// The format `ecs`: Elastic Common Schema.
#[derive(Debug)]
pub(in crate::logs) struct Ecs;

/// The format `logstash`: as logstash-logback-encoder writes it.
#[derive(Debug)]
pub(in crate::logs) struct Logstash;

/// The format `gelf`: Graylog Extended Log Format 1.1.
#[derive(Debug)]
pub(in crate::logs) struct Gelf;

/// The format `otel`: OpenTelemetry's log data model, in JSON.
#[derive(Debug)]
pub(in crate::logs) struct Otel;

/// `,"key":`, and what stands behind it.
macro_rules! member {
    ($key:expr, $behind:literal) => {{
        const PARTS: &[&str] = &[",\"", $key, "\":", $behind];
        const BYTES: [u8; length(PARTS)] = joined(PARTS);
        &BYTES
    }};
}
pub(super) use member;

macro_rules! keys {
    ($format:ident, $keys:ident, $duration:ident, $ttfb:ident, $thread:expr, $backtrace:expr) => {
        impl Keys for $format {
            const BACKTRACE: &'static [u8] = member!($backtrace, "\"");
            const CLIENT_ADDRESS: &'static [u8] = member!($keys::CLIENT_ADDRESS, "\"");
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
            const SERVER_ADDRESS: &'static [u8] = member!($keys::SERVER_ADDRESS, "\"");
            const SPAN_ID: &'static [u8] = member!($keys::SPAN_ID, "\"");
            const TARGET: &'static [u8] = member!($keys::TARGET, "\"");
            const THREAD: &'static [u8] = member!($thread, "\"");
            const TRACE_FLAGS: &'static [u8] = member!($keys::TRACE_FLAGS, "\"");
            const TRACE_ID: &'static [u8] = member!($keys::TRACE_ID, "\"");
            const USER_AGENT: &'static [u8] = member!($keys::USER_AGENT, "\"");
            const WORK_NAME: &'static [u8] = member!($keys::WORK_NAME, "\"");
            const DURATION: &'static [u8] = member!($keys::$duration, "");
            const LINE: &'static [u8] = member!($keys::LINE, "");
            const REQUEST_BYTES: &'static [u8] = member!($keys::REQUEST_BYTES, "");
            const RESPONSE_BYTES: &'static [u8] = member!($keys::RESPONSE_BYTES, "");
            const SERVER_PORT: &'static [u8] = member!($keys::SERVER_PORT, "");
            const STATUS: &'static [u8] = member!($keys::STATUS, "");
            const TTFB: &'static [u8] = member!($keys::$ttfb, "");
        }
    };
}

keys!(Json, key, DURATION_MS, TTFB_MS, "thread", "backtrace");
keys!(Ecs, ecs, DURATION, TTFB, ecs::THREAD, ecs::BACKTRACE);
keys!(Logstash, logstash, DURATION, TTFB, logstash::THREAD, logstash::BACKTRACE);
keys!(Gelf, gelf, DURATION, TTFB, gelf::THREAD, gelf::BACKTRACE);
keys!(Otel, otel, DURATION, TTFB, otel::THREAD, otel::BACKTRACE);

/// How long the parts are together.
pub(super) const fn length(parts: &[&str]) -> usize {
    let (mut length, mut place) = (0, 0);
    while place < parts.len() {
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

    #[test]
    fn a_member_is_its_key_between_a_comma_and_a_colon() {
        assert_eq!(Json::STATUS, b",\"status\":");
        assert_eq!(Ecs::PATH, b",\"url.path\":\"");
    }
}

//! What the status of a call means, by the OTLP specification.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::export::{Delivery, REMEDY, TOO_LARGE, on_one_line};
use crate::names::status::NAMES;
use crate::otlp::protobuf::{Field, fields};

const CODE: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const DETAILS: &str = "grpc-status-details-bin";

const UNKNOWN: usize = 2;
const PERMISSION_DENIED: usize = 7;
const RESOURCE_EXHAUSTED: usize = 8;
const OUT_OF_RANGE: usize = 11;
const UNAUTHENTICATED: usize = 16;

/// Is there a status among these? A response without a message has it in its head.
pub(super) fn is_in(headers: &HeaderMap) -> bool {
    headers.contains_key(CODE)
}

/// Was the batch taken? Else what became of it.
pub(super) fn settle(headers: &HeaderMap) -> Result<(), Delivery> {
    let code = text(headers, CODE).parse().unwrap_or(UNKNOWN);
    match (code, retry_after(headers)) {
        (0, _) => Ok(()),
        // OTLP, failures of gRPC: these may be tried again, and one more where the collector says when.
        (1 | 4 | 10 | 11 | 14 | 15, after) | (RESOURCE_EXHAUSTED, after @ Some(_)) => {
            Err(Delivery::Retry { after, reason: reason(code, headers) })
        }
        _ => Err(Delivery::Refused { reason: reason(code, headers) }),
    }
}

fn reason(code: usize, headers: &HeaderMap) -> String {
    let name = NAMES.get(code).copied().unwrap_or("an unknown status");
    let message = percent_decode_str(text(headers, MESSAGE)).decode_utf8_lossy();
    let remedy = match code {
        UNAUTHENTICATED | PERMISSION_DENIED => REMEDY,
        // "received message larger than max" of grpc-go, "decoded message length too large" of tonic.
        RESOURCE_EXHAUSTED | OUT_OF_RANGE
            if ["larger than", "too large"].iter().any(|said| message.contains(said)) =>
        {
            TOO_LARGE
        }
        _ => "",
    };
    match &*on_one_line(message.as_bytes()) {
        "" => format!("the collector answered {name}{remedy}"),
        shown => format!("the collector answered {name}: {shown}{remedy}"),
    }
}

/// What a `google.rpc.RetryInfo` among the details of a `google.rpc.Status` asks for.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let status = STANDARD_NO_PAD.decode(text(headers, DETAILS).trim_end_matches('=')).ok()?;
    let details = fields(&status).map_while(|field| field).filter_map(|field| match field {
        (3, Field::Bytes(any)) => Some(any),
        _ => None,
    });
    let is_info = |any: &&[u8]| bytes(any, 1).is_some_and(|kind| kind.ends_with(b"/google.rpc.RetryInfo"));
    let info = bytes(details.into_iter().find(is_info)?, 2)?;
    let delay = bytes(info, 1).unwrap_or_default();
    // Both are signed, and below zero is no pause.
    let part = |field| i64::try_from(number(delay, field)).map_or(0, i64::unsigned_abs);
    let whole = Duration::from_secs(part(1));
    Some(whole.saturating_add(Duration::from_nanos(part(2).min(999_999_999))))
}

/// The text or message in this field.
fn bytes(message: &[u8], wanted: u32) -> Option<&[u8]> {
    fields(message).map_while(|field| field).find_map(|field| match field {
        (number, Field::Bytes(bytes)) if number == wanted => Some(bytes),
        _ => None,
    })
}

/// The number in this field; zero where there is none.
fn number(message: &[u8], wanted: u32) -> u64 {
    let number = fields(message).map_while(|field| field).find_map(|field| match field {
        (number, Field::Number(value)) if number == wanted => Some(value),
        _ => None,
    });
    number.unwrap_or(0)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use prost::Message;

    /// `google.rpc.Status`, as far as it is read.
    #[derive(Clone, PartialEq, Message)]
    struct Status {
        #[prost(message, repeated, tag = "3")]
        details: Vec<Any>,
    }

    /// `google.protobuf.Any`.
    #[derive(Clone, PartialEq, Message)]
    struct Any {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }

    /// `google.rpc.RetryInfo`.
    #[derive(Clone, PartialEq, Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        retry_delay: Option<Delay>,
    }

    /// `google.protobuf.Duration`.
    #[derive(Clone, PartialEq, Message)]
    struct Delay {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(int32, tag = "2")]
        nanos: i32,
    }

    fn info(seconds: i64, nanos: i32) -> Vec<u8> {
        let info = RetryInfo { retry_delay: Some(Delay { seconds, nanos }) }.encode_to_vec();
        let other = Any { type_url: "type.googleapis.com/google.rpc.Help".to_owned(), value: vec![1, 2] };
        let any = Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(), value: info };
        Status { details: vec![other, any] }.encode_to_vec()
    }

    fn of(code: &str, more: &[(&'static str, String)]) -> Result<(), Delivery> {
        let mut headers = HeaderMap::new();
        headers.insert(CODE, code.parse().unwrap());
        more.iter().for_each(|(name, value)| {
            headers.insert(*name, value.parse().unwrap());
        });
        settle(&headers)
    }

    #[test]
    fn only_six_codes_are_tried_again_and_exhaustion_where_the_collector_says_when() {
        let info = [(DETAILS, STANDARD.encode(info(3, 500_000_000)))];
        let after = Some(Duration::from_millis(3_500));
        for code in 1..=40_usize {
            let always = [1, 4, 10, 11, 14, 15].contains(&code);
            let again = |answer| matches!(answer, Err(Delivery::Retry { after, .. }) if after.is_none());
            assert_eq!(again(of(&code.to_string(), &[])), always, "{code}");
            let asked = match of(&code.to_string(), &info) {
                Err(Delivery::Retry { after, .. }) => after,
                _ => None,
            };
            assert_eq!(asked, after.filter(|_| always || code == RESOURCE_EXHAUSTED), "{code}");
        }
        assert_eq!(of("0", &[]), Ok(()));
    }

    #[test]
    fn details_are_read_with_and_without_padding_and_strange_ones_say_nothing() {
        let after = |details: String| match of("14", &[(DETAILS, details)]) {
            Err(Delivery::Retry { after, .. }) => after,
            other => panic!("{other:?}"),
        };
        for length in 0..4 {
            let bytes = info(1 << (8 * length), 0);
            let expected = Some(Duration::from_secs(1 << (8 * length)));
            assert_eq!(after(STANDARD.encode(&bytes)), expected);
            assert_eq!(after(STANDARD_NO_PAD.encode(&bytes)), expected);
        }
        assert_eq!(after(STANDARD.encode(info(-1, -1))), Some(Duration::ZERO));
        assert_eq!(after(STANDARD.encode(b"\xff\xff\xff")), None);
        assert_eq!(after("?".to_owned()), None);
    }

    #[test]
    fn the_reason_is_the_codes_name_and_what_the_collector_says() {
        let said = |code, message: &str| match of(code, &[(MESSAGE, message.to_owned())]) {
            Err(Delivery::Refused { reason } | Delivery::Retry { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            said("16", "no%20key, %c3%a4h"),
            format!("the collector answered UNAUTHENTICATED: no key, äh{REMEDY}")
        );
        assert_eq!(said("14", ""), "the collector answered UNAVAILABLE");
        assert_eq!(said("99", ""), "the collector answered an unknown status");
        let steering = "a%0ab%1b[2J%e2%80%aec http://h?k=S";
        assert_eq!(said("14", steering), "the collector answered UNAVAILABLE: a b [2J c http://h?REDACTED");
        assert_eq!(said("what", ""), "the collector answered UNKNOWN");
        assert!(said("13", &"x".repeat(5_000)).len() < 400);
    }
}

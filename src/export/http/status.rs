//! What the status of an answer over HTTP says, by the OTLP specification.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};

use super::{Answer, Body};
use crate::error::{masked_url, masked_urls};
use crate::export::Delivery;
use crate::terminal::steers;

/// So much of what a collector says of a refusal is shown.
const LONGEST_MESSAGE: usize = 300;
/// The remedy if a collector asks for credentials.
pub(crate) const REMEDY: &str = "; OTEL_EXPORTER_OTLP_HEADERS sends a key, as authorization=Bearer%20… or by the header that the collector names";

/// The remedy if requests are larger than a receiver, or what stands before it, takes.
pub(crate) const TOO_LARGE: &str = "; OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE makes requests smaller, or the receiver's own limit can be raised";

/// The body of an answer whose status says that the batch was taken; else what became of it.
pub(crate) fn confirmed(answer: &Answer, is_otlp: bool) -> Result<Bytes, Delivery> {
    let Answer { status, headers, body, .. } = answer;
    let reason = || {
        let remedy = match status.as_u16() {
            300..=399 => &redirect(headers),
            401 | 403 if is_otlp => REMEDY,
            413 => TOO_LARGE,
            _ => "",
        };
        match message(headers, body.bytes()) {
            said if said.is_empty() => format!("the collector answered {status}{remedy}"),
            said => format!("the collector answered {status}: {said}{remedy}"),
        }
    };
    match status.as_u16() {
        200..=299 => match body {
            Body::Whole(body) => Ok(body.clone()),
            Body::TooLong => {
                let reason = format!("the collector answered {status} and more than 4 MiB");
                Err(Delivery::Unanswered { again: false, reason })
            }
            Body::BrokenOff => Err(Delivery::Unanswered {
                again: false,
                reason: "the collector's answer broke off".to_owned(),
            }),
        },
        // Only these four may be tried again.
        429 | 502 | 503 | 504 => Err(Delivery::Retry { after: retry_after(headers), reason: reason() }),
        _ => Err(Delivery::Refused { reason: reason() }),
    }
}

/// Where a redirect points: most often the same with `https://`, or a page to sign in.
fn redirect(headers: &HeaderMap) -> String {
    match location(headers) {
        Some(to) => {
            format!("; a redirect, here to {to}, is not followed: the endpoint has to be where it leads")
        }
        None => String::new(),
    }
}

fn location(headers: &HeaderMap) -> Option<String> {
    let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).filter(|to| !to.is_empty())?;
    Some(masked_url(to).chars().take(LONGEST_MESSAGE).collect())
}

/// What an answer looks like: its status, the type of its body, and how that begins.
pub(crate) fn in_short(answer: &Answer) -> String {
    let kind =
        answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no content type");
    // The text of a redirect has the same address once more.
    match location(&answer.headers) {
        Some(to) => format!("{} to {to}", answer.status),
        None => format!("{} with {kind}: {:?}", answer.status, on_one_line(answer.body.bytes())),
    }
}

/// The type of a body without its parameters, in lower case: it has no case of its own (RFC 9110, 8.3.1). Empty where there is
/// none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What the body says: OTLP's is a message of protobuf with a text in it.
fn message(headers: &HeaderMap, body: &[u8]) -> String {
    let is_protobuf = ["application/x-protobuf", "application/protobuf"].contains(&&*media_type(headers));
    on_one_line(if is_protobuf { status_message(body) } else { body })
}

/// The beginning of the receiver's text, on one line, without a secret of a URL: one that is cut can no longer be told
/// from other words, so that far more is masked than is shown.
pub(crate) fn on_one_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..64 * LONGEST_MESSAGE).unwrap_or(text));
    let text = masked_urls(&text);
    let words = text.split(|c: char| c.is_whitespace() || steers(c)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST_MESSAGE).collect()
}

/// The text of a `google.rpc.Status`: its second field, behind a code that may be left out.
fn status_message(body: &[u8]) -> &[u8] {
    let body = match body {
        // The code, whose values all fit a byte.
        [0x08, _, rest @ ..] => rest,
        body => body,
    };
    match body {
        [0x12, length @ 0..=127, rest @ ..] => rest.get(..usize::from(*length)).unwrap_or_default(),
        [0x12, low, high @ 0..=127, rest @ ..] => {
            let length = usize::from(low & 127) + (usize::from(*high) << 7);
            rest.get(..length).unwrap_or(rest)
        }
        _ => b"",
    }
}

/// Seconds, or a date of HTTP.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // What has no room in a number is longer than any pause that is kept.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, StatusCode};

    fn of(status: u16, retry_after: Option<&str>, body: &'static str) -> Result<Bytes, Delivery> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        confirmed(&Answer { status, headers, body: Body::Whole(body.into()), trailers: None }, true)
    }

    #[test]
    fn only_four_statuses_are_tried_again() {
        for status in 300..=599 {
            let again = matches!(of(status, None, ""), Err(Delivery::Retry { after: None, .. }));
            assert_eq!(again, [429, 502, 503, 504].contains(&status), "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text: &str| match of(503, Some(text), "") {
            Err(Delivery::Retry { after, .. }) => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("0"), Some(Duration::ZERO));
        assert_eq!(after("99999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        for none in ["soon", "", "+7", "-7", "7.5", "7, 7"] {
            assert_eq!(after(none), None, "{none}");
        }
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(after(&date).is_some_and(|wait| (90..=100).contains(&wait.as_secs())));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn a_refusal_says_what_the_collector_says_and_who_asks_for_a_key_names_the_variable() {
        let refused = |status: StatusCode, kind: &'static str, body: &[u8], is_otlp| {
            let headers = [(CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect();
            let body = Body::Whole(Bytes::copy_from_slice(body));
            match confirmed(&Answer { status, headers, body, trailers: None }, is_otlp) {
                Err(Delivery::Refused { reason }) => reason,
                other => panic!("{other:?}"),
            }
        };
        let (text, protobuf) = ("text/plain", "application/x-protobuf");
        let unauthorized = refused(StatusCode::UNAUTHORIZED, text, b"missing\n\x1b[2J api key\r\n", true);
        let (said, remedy) = unauthorized.split_once("; ").unwrap();
        assert_eq!(said, "the collector answered 401 Unauthorized: missing [2J api key");
        assert!(remedy.starts_with("OTEL_EXPORTER_OTLP_HEADERS"), "{remedy}");
        assert!(!refused(StatusCode::UNAUTHORIZED, text, b"no", false).contains("OTEL_"));
        for is_otlp in [true, false] {
            let too_large = refused(StatusCode::PAYLOAD_TOO_LARGE, text, b"request body too large", is_otlp);
            let begin = "the collector answered 413 Payload Too Large: request body too large; OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE ";
            assert!(too_large.starts_with(begin), "{too_large}");
        }
        let status = [&b"\x08\x10\x12\x09no tenant"[..]].concat();
        for kind in [protobuf, "Application/X-Protobuf; proto=google.rpc.Status", "application/protobuf"] {
            let bad = refused(StatusCode::BAD_REQUEST, kind, &status, true);
            assert_eq!(bad, "the collector answered 400 Bad Request: no tenant", "{kind}");
        }
        let long = [&b"\x12\xac\x02"[..], &[b'x'; 300]].concat();
        assert!(refused(StatusCode::BAD_REQUEST, protobuf, &long, true).ends_with(&"x".repeat(300)));
        let long = "p".repeat(LONGEST_MESSAGE - "http://ann:s3".len() - 1);
        let asked = format!("{long} http://ann:s3cr3t@host/");
        let masked = refused(StatusCode::BAD_REQUEST, text, asked.as_bytes(), true);
        assert!(masked.ends_with("p http://REDACT"), "{masked}");
        for cut in 0..=status.len() {
            refused(StatusCode::BAD_REQUEST, protobuf, &status[..cut], true);
        }
        let endless = refused(StatusCode::BAD_REQUEST, text, &vec![b'y'; 1_000_000], true);
        assert_eq!(endless.len(), "the collector answered 400 Bad Request: ".len() + LONGEST_MESSAGE);
    }

    #[test]
    fn a_redirect_says_where_it_leads_without_a_secret() {
        let refused = |to: &str| {
            let headers = [(LOCATION, HeaderValue::from_str(to).unwrap())].into_iter().collect();
            let (status, body) = (StatusCode::PERMANENT_REDIRECT, Body::Whole(Bytes::new()));
            match confirmed(&Answer { status, headers, body, trailers: None }, true) {
                Err(Delivery::Refused { reason }) => reason,
                other => panic!("{other:?}"),
            }
        };
        for (to, shown) in [
            ("https://collector:4318/v1/traces", "https://collector:4318/v1/traces"),
            ("https://me:s3cr3t@host/x?key=s3cr3t", "https://REDACTED@host/x?REDACTED"),
            ("/login?state=s3cr3t", "/login?REDACTED"),
        ] {
            let expected = format!(
                "the collector answered 308 Permanent Redirect; a redirect, here to {shown}, is not followed: the \
                 endpoint has to be where it leads"
            );
            assert_eq!(refused(to), expected);
        }
        assert_eq!(refused(""), "the collector answered 308 Permanent Redirect");
        assert!(refused(&"x".repeat(10_000)).len() < 500);
    }

    #[test]
    fn the_body_of_a_success_is_the_signals_to_read() {
        assert_eq!(of(200, None, "body"), Ok(Bytes::from_static(b"body")));
        assert_eq!(of(202, None, "body"), Ok(Bytes::from_static(b"body")));
    }

    #[test]
    fn an_answer_that_breaks_off_or_does_not_end_confirms_nothing() {
        for body in [Body::BrokenOff, Body::TooLong] {
            let answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body, trailers: None };
            let answer = confirmed(&answer, true);
            assert!(matches!(answer, Err(Delivery::Unanswered { again: false, .. })), "{answer:?}");
        }
    }
}

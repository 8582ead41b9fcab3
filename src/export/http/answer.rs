//! What the status of a collector's answer means, by the OTLP specification.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::export::Delivery;

/// The body of an answer that says that the batch was taken; else what became of it.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: Option<Bytes>) -> Result<Bytes, Delivery> {
    let reason = || format!("the collector answered {status}");
    match status.as_u16() {
        200..=299 => body.ok_or_else(|| Delivery::Unanswered {
            again: false,
            reason: "the collector's answer broke off".to_owned(),
        }),
        // Only these four may be tried again.
        429 | 502 | 503 | 504 => Err(Delivery::Retry { after: retry_after(headers), reason: reason() }),
        _ => Err(Delivery::Refused { reason: reason() }),
    }
}

/// Seconds, or a date of HTTP.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(status: u16, retry_after: Option<&str>) -> Result<Bytes, Delivery> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        read(StatusCode::from_u16(status).unwrap(), &headers, Some(Bytes::from_static(b"body")))
    }

    #[test]
    fn only_four_statuses_are_tried_again() {
        for status in 300..=599 {
            let again = matches!(of(status, None), Err(Delivery::Retry { after: None, .. }));
            assert_eq!(again, [429, 502, 503, 504].contains(&status), "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text: &str| match of(503, Some(text)) {
            Err(Delivery::Retry { after, .. }) => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("0"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(after(&date).is_some_and(|wait| (90..=100).contains(&wait.as_secs())));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn the_body_of_a_success_is_the_signals_to_read() {
        assert_eq!(of(200, None), Ok(Bytes::from_static(b"body")));
        assert_eq!(of(202, None), Ok(Bytes::from_static(b"body")));
    }

    #[test]
    fn an_answer_that_breaks_off_confirms_nothing() {
        let answer = read(StatusCode::OK, &HeaderMap::new(), None);
        assert!(matches!(answer, Err(Delivery::Unanswered { again: false, .. })));
    }
}

//! Owns what a collector's answer means, by the OTLP specification.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::spans::Delivery;

/// What an answer says of the batch.
pub(super) fn delivery(status: StatusCode, headers: &HeaderMap, body: Option<Bytes>) -> Delivery {
    let reason = || format!("the collector answered {status}");
    match status.as_u16() {
        200..=299 => match body {
            Some(body) => accepted(&body),
            None => {
                Delivery::Unanswered { again: false, reason: "the collector's answer broke off".to_owned() }
            }
        },
        // Only these four may be tried again.
        429 | 502 | 503 | 504 => Delivery::Retry { after: retry_after(headers), reason: reason() },
        _ => Delivery::Refused { reason: reason() },
    }
}

/// A body that cannot be read says nothing, but the status did: the batch was taken.
fn accepted(body: &[u8]) -> Delivery {
    let partial = ExportTraceServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
    let partial = partial.unwrap_or_default();
    Delivery::Accepted {
        rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: Some(partial.error_message).filter(|message| !message.is_empty()),
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
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    fn of(status: u16, retry_after: Option<&str>, body: &[u8]) -> Delivery {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        delivery(StatusCode::from_u16(status).unwrap(), &headers, Some(Bytes::copy_from_slice(body)))
    }

    #[test]
    fn only_four_statuses_are_tried_again() {
        for status in 300..=599 {
            let again = matches!(of(status, None, b""), Delivery::Retry { after: None, .. });
            assert_eq!(again, [429, 502, 503, 504].contains(&status), "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text: &str| match of(503, Some(text), b"") {
            Delivery::Retry { after, .. } => after,
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
    fn a_partial_success_is_read_and_a_strange_body_says_nothing() {
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".to_owned() };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(
            of(200, None, &body),
            Delivery::Accepted { rejected: 3, message: Some("too old".to_owned()) }
        );
        assert_eq!(of(200, None, b""), Delivery::Accepted { rejected: 0, message: None });
        assert_eq!(of(200, None, b"{}"), Delivery::Accepted { rejected: 0, message: None });
    }

    #[test]
    fn an_answer_that_breaks_off_confirms_nothing() {
        let answer = delivery(StatusCode::OK, &HeaderMap::new(), None);
        assert!(matches!(answer, Delivery::Unanswered { again: false, .. }));
    }
}

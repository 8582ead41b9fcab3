//! What both ways out have in common: one request, held back while the receiver's rate limit lasts.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::limits::Limits;
use crate::export::{Answer, Delivery, HttpClient, Payload, Sent, confirmed, in_short, retry_after};

/// How many reports were left out on purpose, before any queue.
pub(super) trait LeftOutCounts: Send + Sync {
    fn sampled(&self) -> u64;
    fn limited(&self) -> u64;
}

/// Posts a report, unless a limit forbids it.
pub(super) async fn post(
    http: Arc<HttpClient>,
    headers: HeaderMap,
    limits: Arc<Limits>,
    payload: Payload,
    timeout: Duration,
    sent: Sent,
) -> Delivery {
    if let Some(left) = limits.left() {
        limits.discard(payload.records);
        let reason = format!("its rate limit lasts for another {} s", left.as_secs() + 1);
        return Delivery::Refused { reason };
    }
    match http.post(headers, payload.body, timeout, sent).await {
        Err(delivery) => delivery,
        Ok(answer) => {
            limits.read(&answer);
            let delivery = read(&answer);
            if answer.status.as_u16() == 429 {
                limits.discard(payload.records);
            }
            delivery
        }
    }
}

/// What an answer says. Who is limited is not to ask again; a server that is down is.
fn read(answer: &Answer) -> Delivery {
    match answer.status.as_u16() {
        200..=299 => taken(answer).unwrap_or_else(std::convert::identity),
        502..=504 => Delivery::Retry { after: retry_after(&answer.headers), reason: said(answer) },
        _ => Delivery::Refused { reason: said(answer) },
    }
}

/// What a success means: both answer in JSON, and some servers of Sentry's protocol nothing. Any web server may answer 200
/// with a page.
fn taken(answer: &Answer) -> Result<Delivery, Delivery> {
    let body = confirmed(answer, false)?;
    let is_object = || matches!(serde_json::from_slice(&body), Ok(serde_json::Value::Object(_)));
    if body.is_empty() || is_object() {
        return Ok(Delivery::Accepted { rejected: 0, message: None });
    }
    let reason = format!("what answers there takes no error reports ({})", in_short(answer));
    Err(Delivery::Unanswered { again: false, reason })
}

fn said(answer: &Answer) -> String {
    format!("the server answered {}", in_short(answer))
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderValue, StatusCode};

    use super::*;
    use crate::export::Body;

    fn answered(kind: &'static str, body: Body) -> Delivery {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        read(&Answer { status: StatusCode::OK, headers, body, trailers: None })
    }

    #[test]
    fn a_success_that_is_no_receivers_confirms_nothing_and_says_what_it_looked_like() {
        let taken = Delivery::Accepted { rejected: 0, message: None };
        for (kind, body) in [
            ("application/json", r#"{"id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#),
            ("application/json", r#"{"err":0,"result":{"uuid":"d4c7acef"}}"#),
            ("application/json", "{}"),
            ("text/html; charset=utf-8", ""),
        ] {
            assert_eq!(answered(kind, Body::Whole(body.into())), taken, "{kind} {body}");
        }
        for (kind, body) in
            [("text/html", "<h1>Sign in</h1>"), ("text/plain", "OK"), ("application/json", "[]")]
        {
            match answered(kind, Body::Whole(body.into())) {
                Delivery::Unanswered { again: false, reason } => {
                    let begin = "what answers there takes no error reports (200 OK with ";
                    assert!(reason.starts_with(begin) && reason.contains(body), "{reason}");
                }
                other => panic!("{kind} {body}: {other:?}"),
            }
        }
        let broken = answered("application/json", Body::BrokenOff);
        assert!(matches!(broken, Delivery::Unanswered { again: false, .. }), "{broken:?}");
    }
}

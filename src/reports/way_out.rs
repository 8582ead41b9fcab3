//! What both ways out have in common: one request, held back while the receiver's rate limit lasts.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::limits::Limits;
use crate::export::{Answer, Delivery, HttpClient, Payload, Sent, in_short, retry_after};

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
        200..=299 => Delivery::Accepted { rejected: 0, message: None },
        502..=504 => Delivery::Retry { after: retry_after(&answer.headers), reason: said(answer) },
        _ => Delivery::Refused { reason: said(answer) },
    }
}

fn said(answer: &Answer) -> String {
    format!("the server answered {}", in_short(answer))
}

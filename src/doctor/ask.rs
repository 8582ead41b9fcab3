//! Questions over HTTP: to receivers, to the admin listener, to the stores. One GET, within a bounded time.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::export::{Answer, Delivery, Endpoint, HttpClient, in_short};

/// The answer of this URL.
///
/// # Errors
///
/// There is none; says why, without a secret.
pub(super) async fn answer(endpoint: &Endpoint, timeout: Duration) -> Result<Answer, String> {
    let client = HttpClient::new(endpoint)?;
    client.ask(timeout).await.map_err(reason)
}

/// The JSON of a good answer to this question of an API.
///
/// # Errors
///
/// There is none; says why.
pub(super) async fn json(
    base: &str,
    path: &str,
    parameters: &[(&str, &str)],
    timeout: Duration,
) -> Result<Value, String> {
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    let pairs: Vec<_> = pairs.collect();
    let behind = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    let url = format!("{}{path}{behind}", base.trim_end_matches('/'));
    let answer = answer(&Endpoint::plain(&url), timeout).await?;
    let parsed = serde_json::from_slice(answer.body.bytes()).ok();
    parsed
        .filter(|_| answer.status.is_success())
        .ok_or_else(|| format!("{path} was answered by {}", in_short(&answer)))
}

/// Why there was no answer. It need not be a collector.
fn reason(delivery: Delivery) -> String {
    let reason = match delivery {
        Delivery::Accepted { message, .. } => message.unwrap_or_default(),
        Delivery::Refused { reason }
        | Delivery::Retry { reason, .. }
        | Delivery::Unreachable { reason }
        | Delivery::Unanswered { reason, .. } => reason,
    };
    reason.replace("the collector", "the server")
}

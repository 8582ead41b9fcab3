//! How a number is read from a variable, and how it is shown again.

use std::time::Duration;

use crate::variable::Refusal;

pub(crate) fn whole(text: &str, at_least: usize) -> Result<usize, Refusal> {
    let value = text.trim().parse().ok().filter(|value| *value >= at_least);
    value.ok_or_else(|| Refusal::Expected(format!("a whole number from {at_least}")))
}

pub(crate) fn millis(text: &str) -> Result<Duration, Refusal> {
    let millis = text.trim().parse().map_err(|_| Refusal::Expected("a number of milliseconds".to_owned()))?;
    Ok(Duration::from_millis(millis))
}

pub(crate) fn shown_millis(time: Duration) -> String {
    time.as_millis().to_string()
}

pub(crate) fn shown_limit(limit: Option<usize>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}

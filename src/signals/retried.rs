//! A call that is tried again and must not be: the layer sees it, or a policy says it.

use super::Signals;
use crate::current::request;
use crate::metrics::Count;
use crate::names::attribute;
use crate::record::{Hop, Interned};

/// Counts it, says it in a line, and notes it on the request, and on the attempt itself if that is known.
#[cold]
pub(crate) fn not_retryable(signals: &Signals, retry: Interned, why: &str, attempt: Option<&Hop>) {
    signals.red.count(retry, Count::NotRetryable, 1);
    let said = [(attribute::RETRY, "not_retryable"), (attribute::RETRY_REASON, why)];
    for (key, value) in said {
        request::add(key, value.to_owned());
        if let Some(attempt) = attempt {
            attempt.add(key, value);
        }
    }
    let retry = retry.as_str();
    tracing::warn!(target: "tower_observability::retry", retry, why, "a call that must not be retried");
}

//! Retries as a policy reports them.

use super::count;
use crate::current::request;
use crate::metrics::Count;
use crate::names::attribute;
use crate::record::Interned;
use crate::signals::{global, not_retryable};

/// The retries of one kind of call. It only reports: what is tried again is decided by the service's own policy.
///
/// Each decision is counted in `retries_total{retry, result}`. Where it ends in a failure, the request or work has the fields
/// `observability.retry` and `observability.retry_attempts`, and there is a log line of level WARN.
///
/// ```
/// let provider = tower_observability::retries("provider");
/// for attempt in 1.. {
///     if attempt < 3 {
///         provider.retried();
///     } else {
///         provider.gave_up(attempt);
///         break;
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "report what it does"]
pub struct Retries {
    name: Interned,
}

/// The retries of this name. It becomes a metric label, so keep the names few.
pub fn retries(name: &str) -> Retries {
    let retries = Retries { name: Interned::of(name) };
    count(retries.name, Count::Retried, 0);
    retries
}

impl Retries {
    /// A call that failed is tried again.
    pub fn retried(self) {
        count(self.name, Count::Retried, 1);
    }

    /// The last of so many attempts failed.
    pub fn gave_up(self, attempts: u32) {
        self.ended(Count::GaveUp, "gave_up");
        request::add(attribute::RETRY_ATTEMPTS, attempts);
        let retry = self.name.as_str();
        tracing::warn!(target: "tower_observability::retry", retry, attempts, "gave up after the last attempt");
    }

    /// A call is not tried again, because too many were of late: the retry budget is used up.
    pub fn out_of_budget(self) {
        self.ended(Count::OutOfBudget, "out_of_budget");
        let retry = self.name.as_str();
        tracing::warn!(target: "tower_observability::retry", retry, "no further attempt: the retry budget is used up");
    }

    /// A call was tried again, or would have been, that must not be: it is not idempotent and has no key, or its answer was
    /// 400, 401, 403 or 404.
    ///
    /// Inside of an [`AttemptsLayer`](crate::AttemptsLayer), and of [`attempts`](crate::attempts()), calls of HTTP tell it by
    /// themselves, by the name of their host.
    pub fn not_retryable(self, why: &str) {
        if let Some(signals) = global() {
            not_retryable(signals, self.name, why, None);
        }
    }

    fn ended(self, result: Count, word: &'static str) {
        count(self.name, result, 1);
        request::add(attribute::RETRY, word);
    }
}

//! A circuit breaker as the service's own code, or a library's, reports it.

use super::count;
use crate::current::request;
use crate::metrics::Count;
use crate::names::attribute;
use crate::record::Interned;
use crate::signals::global;

/// A circuit breaker of the service. It only reports: what opens and closes it is the service's own code, or a library's.
///
/// Its state is `breaker_state{breaker, state}`, its changes are `breaker_transitions_total`, what it did not let through is
/// `breaker_rejected_total`. A change is a log line as well, WARN where it opens, and a request that is rejected has the
/// field `observability.breaker_open`.
///
/// ```
/// let provider = tower_observability::breaker("provider");
/// provider.opened();
/// provider.rejected(); // a call that was not made
/// provider.half_opened();
/// provider.closed();
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "report what it does"]
pub struct Breaker {
    name: Interned,
}

const STATES: [&str; 3] = ["closed", "open", "half_open"];

/// The circuit breaker of this name. It becomes a metric label, so keep the names few. It is closed until it is reported to
/// have opened.
pub fn breaker(name: &str) -> Breaker {
    let breaker = Breaker { name: Interned::of(name) };
    // Its series begin at zero, so that the first opening is seen.
    if count(breaker.name, Count::BreakerOpen, 0) {
        breaker.is_now("closed");
    }
    breaker
}

impl Breaker {
    /// It opened: calls are rejected from now on.
    pub fn opened(self) {
        self.changed("open", Count::BreakerOpen);
        tracing::warn!(target: "tower_observability::breaker", breaker = self.name.as_str(), "circuit breaker opened");
    }

    /// It lets some calls through, to see whether they succeed.
    pub fn half_opened(self) {
        self.changed("half_open", Count::BreakerHalfOpen);
        let breaker = self.name.as_str();
        tracing::info!(target: "tower_observability::breaker", breaker, "circuit breaker half open");
    }

    /// It closed: calls are made again.
    pub fn closed(self) {
        self.changed("closed", Count::BreakerClosed);
        tracing::info!(target: "tower_observability::breaker", breaker = self.name.as_str(), "circuit breaker closed");
    }

    /// It did not let a call through.
    pub fn rejected(self) {
        count(self.name, Count::BreakerRejected, 1);
        request::add(attribute::BREAKER_OPEN, self.name.as_str());
    }

    fn changed(self, state: &'static str, to: Count) {
        count(self.name, to, 1);
        self.is_now(state);
    }

    fn is_now(self, state: &'static str) {
        if let Some(signals) = global() {
            signals.red.breaker(self.name, state, STATES);
        }
    }
}

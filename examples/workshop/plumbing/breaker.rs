//! The circuit breaker: after too many failures in a row, no call is made for a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A circuit to one other side.
pub(crate) struct Breaker {
    most_failures: u32,
    rest: Duration,
    state: Mutex<State>,
    /// It tells metrics, lines and the request.
    told: tower_observability::Breaker,
}

#[derive(Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Opens after so many failures in a row, and rests so long.
    pub(crate) fn new(name: &str, most_failures: u32, rest: Duration) -> Self {
        Self { most_failures, rest, state: Mutex::default(), told: tower_observability::breaker(name) }
    }

    /// May we ask? After the rest one call may, and its answer decides.
    pub(crate) fn admits(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if Instant::now() < until => {
                self.told.rejected();
                false
            }
            Some(_) => {
                self.told.half_opened();
                state.open_until = Some(Instant::now() + self.rest);
                true
            }
            None => true,
        }
    }

    /// Takes note of an answer.
    pub(crate) fn heard(&self, went_well: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if went_well {
            if std::mem::take(&mut *state).open_until.is_some() {
                self.told.closed();
            }
            return;
        }
        state.failures += 1;
        if state.failures >= self.most_failures {
            self.told.opened();
            state.open_until = Some(Instant::now() + self.rest);
        }
    }
}

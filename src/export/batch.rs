//! How records are gathered into batches, and how long each may take.

use std::time::Duration;

use crate::variable::{Refusal, milliseconds};

/// A queue and its batches, as code and environment chose them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    /// `None`: the signal's default, which a terminal changes.
    pub(crate) delay: Option<Duration>,
    pub(crate) timeout: Duration,
    pub(crate) queue: usize,
    pub(crate) batch: usize,
    /// In bytes, before compression; `None` is what receivers of the protocol take by default.
    pub(crate) request: Option<usize>,
}

/// How batches leave, with the bounds already applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchLimits {
    pub(crate) batch_size: usize,
    pub(crate) delay: Duration,
    /// One attempt's time.
    pub(crate) attempt: Duration,
    /// One batch's time, over all its attempts.
    pub(crate) batch: Duration,
}

/// What an infinite timeout is: an hour, so that a batch still ends some day.
const NEVER: Duration = Duration::from_secs(3_600);

const TERMINAL_DELAY: Duration = Duration::from_millis(500);

impl Default for Batching {
    /// The specification's defaults, but for the delay, which each signal has its own of.
    fn default() -> Self {
        Self { delay: None, timeout: Duration::from_secs(30), queue: 2_048, batch: 512, request: None }
    }
}

impl Batching {
    /// A person watches: records are to be seen soon, unless a delay was chosen.
    pub(crate) fn on_terminal(&mut self) {
        self.delay.get_or_insert(TERMINAL_DELAY);
    }

    /// With the bounds applied; `attempt` is what one attempt may take.
    pub(crate) fn limits(&self, default_delay: Duration, attempt: Duration) -> BatchLimits {
        let bounded = |timeout: Duration| if timeout.is_zero() { NEVER } else { timeout.min(NEVER) };
        BatchLimits {
            batch_size: self.batch.min(self.queue),
            delay: self.delay.unwrap_or(default_delay),
            attempt: bounded(attempt),
            batch: bounded(self.timeout),
        }
    }
}

pub(crate) fn whole(text: &str, at_least: usize) -> Result<usize, Refusal> {
    let value = text.trim().parse().ok().filter(|value| *value >= at_least);
    value.ok_or_else(|| Refusal::Expected(format!("a whole number from {at_least}")))
}

/// Reads milliseconds into what is there.
pub(crate) fn set_milliseconds(place: &mut Duration, text: &str) -> Result<(), Refusal> {
    *place = milliseconds(text)?;
    Ok(())
}

pub(crate) fn shown_milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}

pub(crate) fn shown_limit(limit: Option<usize>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}

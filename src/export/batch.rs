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
    /// `None`: [`BATCH`], and up to [`LARGEST_BATCH`] where more waits than requests may be sent.
    pub(crate) batch: Option<usize>,
    /// In bytes, before compression; `None` is what receivers of the protocol take by default.
    pub(crate) request: Option<usize>,
}

/// How batches leave, with the bounds already applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchLimits {
    /// So many records leave without delay.
    pub(crate) batch_size: usize,
    /// The most that leave together: what gathered while as many requests as may be were under way.
    pub(crate) largest_batch: usize,
    pub(crate) delay: Duration,
    /// One attempt's time.
    pub(crate) attempt: Duration,
    /// One batch's time, over all its attempts.
    pub(crate) batch: Duration,
}

/// What an infinite timeout is: an hour, so that a batch still ends some day.
const NEVER: Duration = Duration::from_secs(3_600);

/// No delay is longer: at an instant that no clock reaches nothing would leave, and to compute it would panic.
const LONGEST_DELAY: Duration = Duration::from_secs(365 * 86_400);

/// The specification's default.
const BATCH: usize = 512;

/// Eight of them under way at once are 80,000 records a second of a receiver that is 200 ms away; of [`BATCH`], 20,000.
const LARGEST_BATCH: usize = 2_048;

/// Sixteen times the specification's default. What is under way counts towards it, and of a receiver that is 200 ms away
/// 50,000 records a second are 10,000 under way, while as many gather.
const QUEUE: usize = 32_768;

const TERMINAL_DELAY: Duration = Duration::from_millis(500);

impl Default for Batching {
    fn default() -> Self {
        Self { delay: None, timeout: Duration::from_secs(30), queue: QUEUE, batch: None, request: None }
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
            batch_size: self.batch.unwrap_or(BATCH).min(self.queue),
            largest_batch: self.batch.unwrap_or(LARGEST_BATCH).min(self.queue),
            delay: self.delay.unwrap_or(default_delay).min(LONGEST_DELAY),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_without_end_is_one_that_can_be_waited_for() {
        let batching = Batching { delay: Some(Duration::MAX), ..Batching::default() };
        let delay = batching.limits(Duration::ZERO, Duration::MAX).delay;
        assert!(delay >= Duration::from_secs(30 * 86_400));
        assert!(tokio::time::Instant::now().checked_add(delay).is_some());
    }
}

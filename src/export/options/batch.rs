//! How records are gathered into batches, and how long each may take.

use std::time::Duration;

use super::read::{millis, shown_millis, whole};
use crate::variable::Refusal;

/// A queue and its batches, as somebody chose them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    /// `None`: the signal's default, which a terminal changes.
    pub(crate) delay: Option<Duration>,
    pub(crate) timeout: Duration,
    pub(crate) queue: usize,
    pub(crate) batch: usize,
    default_delay: Duration,
}

/// How batches leave, with the bounds already applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
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

impl Batching {
    /// The specification's defaults, but for the delay, which each signal has its own of.
    pub(crate) const fn new(default_delay: Duration) -> Self {
        Self { delay: None, timeout: Duration::from_secs(30), queue: 2_048, batch: 512, default_delay }
    }

    /// A person watches: records shall be seen soon, unless somebody chose a delay.
    pub(crate) fn on_terminal(&mut self) {
        self.delay.get_or_insert(TERMINAL_DELAY);
    }

    /// With the bounds applied; `attempt` is what one attempt may take.
    pub(crate) fn pace(&self, attempt: Duration) -> Pace {
        let bounded = |timeout: Duration| if timeout.is_zero() { NEVER } else { timeout.min(NEVER) };
        Pace {
            batch_size: self.batch.min(self.queue),
            delay: self.delay(),
            attempt: bounded(attempt),
            batch: bounded(self.timeout),
        }
    }

    pub(crate) fn take_delay(&mut self, text: &str) -> Result<(), Refusal> {
        millis(text).map(|delay| self.delay = Some(delay))
    }

    pub(crate) fn take_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        millis(text).map(|timeout| self.timeout = timeout)
    }

    pub(crate) fn take_queue(&mut self, text: &str) -> Result<(), Refusal> {
        whole(text, 1).map(|records| self.queue = records)
    }

    pub(crate) fn take_batch(&mut self, text: &str) -> Result<(), Refusal> {
        whole(text, 1).map(|records| self.batch = records)
    }

    pub(crate) fn show_delay(&self) -> String {
        shown_millis(self.delay())
    }

    pub(crate) fn show_timeout(&self) -> String {
        shown_millis(self.timeout)
    }

    pub(crate) fn show_batch(&self) -> String {
        self.batch.min(self.queue).to_string()
    }

    fn delay(&self) -> Duration {
        self.delay.unwrap_or(self.default_delay)
    }
}

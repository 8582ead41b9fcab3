//! Lines that are written when the call that made them returns: those of a panic, and ERROR events outside of any request.
//! The process may end right behind them (`std::process::exit`), and then nothing else writes them.
//!
//! No request waits: its ERROR line wakes the writer, and the request goes on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::sink::Sink;
use crate::threads::is_suppressed;

/// How long a thread waits at most.
const PATIENCE: Duration = Duration::from_millis(100);

/// So many ERROR events in a second wait. Of more nobody can say that the process ends behind them.
const MOST: u32 = 10;

/// How long none waits after one has waited in vain: a reader that is slow must not slow the thread as well.
const PAUSE: Duration = Duration::from_secs(60);

/// One more than the lines delivered when a thread last waited in vain: until one more leaves, none waits again.
static STUCK_AT: AtomicU64 = AtomicU64::new(0);

static ERRORS: Mutex<Errors> = Mutex::new(Errors { since: None, count: 0, in_vain: None });

/// The ERROR events that waited.
struct Errors {
    /// When the second began in which they are counted.
    since: Option<Instant>,
    count: u32,
    /// When one last waited in vain.
    in_vain: Option<Instant>,
}

/// Waits until what was made so far is written; false if that took too long.
pub(super) fn wait_until_written(sink: &Sink) -> bool {
    let delivered = || sink.report().delivered + 1;
    // A thread of ours must not wait for the other one.
    if is_suppressed() || STUCK_AT.load(Ordering::Relaxed) == delivered() {
        return true;
    }
    let is_written = sink.flush(PATIENCE);
    if !is_written {
        STUCK_AT.store(delivered(), Ordering::Relaxed);
    }
    is_written
}

/// Waits until an ERROR event is written, unless there are many, or the reader is slow.
#[cold]
pub(super) fn wait_for_error(sink: &Sink) {
    let errors = || ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    if errors().may_wait(Instant::now()) && !wait_until_written(sink) {
        errors().in_vain = Some(Instant::now());
    }
}

impl Errors {
    fn may_wait(&mut self, now: Instant) -> bool {
        if self.in_vain.is_some_and(|at| now.duration_since(at) < PAUSE) {
            return false;
        }
        if self.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
            (self.since, self.count) = (Some(now), 0);
        }
        self.count += 1;
        self.count <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_errors_a_second_wait_and_none_behind_one_that_waited_in_vain() {
        let mut errors = Errors { since: None, count: 0, in_vain: None };
        let start = Instant::now();
        let waiting = |errors: &mut Errors, at| (0..100).filter(|_| errors.may_wait(start + at)).count();
        assert_eq!(waiting(&mut errors, Duration::ZERO), MOST as usize);
        assert_eq!(waiting(&mut errors, Duration::from_millis(999)), 0);
        assert_eq!(waiting(&mut errors, Duration::from_secs(1)), MOST as usize);
        errors.in_vain = Some(start + Duration::from_secs(2));
        assert_eq!(waiting(&mut errors, Duration::from_secs(61)), 0);
        assert_eq!(waiting(&mut errors, Duration::from_secs(62)), MOST as usize);
    }
}

//! Writes our own troubles to stderr, at most one a second, never into the pipeline.
//!
//! A thread of its own writes, and lives only while there is something to say: whoever reads stderr slowly, or
//! not at all, holds up no request.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::suppression::suppress_telemetry;

const PAUSE: Duration = Duration::from_secs(1);
/// How many messages may wait for their second; the further ones are counted.
const MOST: usize = 8;

/// Something that is said once in a process's life.
#[derive(Debug, Default)]
pub(crate) struct Once(AtomicBool);

struct Stderr {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: VecDeque<String>,
    unsaid: u64,
    // Is there a thread that speaks?
    speaking: bool,
    // The process ends: no pauses any more.
    hurried: bool,
}

static STDERR: Stderr = Stderr { state: Mutex::new(State::new()), changed: Condvar::new() };

/// Has one line written to stderr, a second after the last one at the earliest. Never waits for it, unless there can be no
/// thread that does.
pub(crate) fn complain(message: fmt::Arguments<'_>) {
    let starts = STDERR.state().take(message);
    let thread = || std::thread::Builder::new().name("observe-stderr".to_owned());
    let speaks = || {
        suppress_telemetry();
        STDERR.speak(PAUSE, usize::MAX);
    };
    if starts && thread().spawn(speaks).is_err() {
        // Where there can be no further thread, it is said here: that may be what it is about. No more than may wait, since others
        // go on.
        STDERR.speak(Duration::ZERO, MOST);
    }
}

/// Waits until everything is said, without pauses, but no longer than this.
pub(crate) fn finish_complaining(timeout: Duration) {
    let mut state = STDERR.state();
    state.hurried = true;
    STDERR.changed.notify_all();
    let waited = STDERR.changed.wait_timeout_while(state, timeout, |state| state.speaking);
    waited.unwrap_or_else(PoisonError::into_inner).0.hurried = false;
}

/// Says when a signal begins to lose what it was given, and when that has ended.
///
/// It is asked about once a second, and says at most one line for each that [`QUIET_LOOKS`] looks found no loss.
#[derive(Debug)]
pub(crate) struct LossNotice {
    what: &'static str,
    state: Mutex<Loss>,
}

#[derive(Debug, Default)]
struct Loss {
    /// What was lost when the loss began, and when it was last looked at.
    before: u64,
    seen: u64,
    /// How many looks found no further loss; `None`: no loss is going on.
    quiet: Option<u32>,
}

/// A loss has ended when so many looks, one after the other, found none.
const QUIET_LOOKS: u32 = 5;

impl LossNotice {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, state: Mutex::new(Loss { before: 0, seen: 0, quiet: None }) }
    }

    /// Looks at what was dropped so far, by reason; true while a loss goes on, whose end is still to be said.
    pub(crate) fn look(&self, dropped: impl Iterator<Item = (&'static str, u64)>) -> bool {
        if let Some(message) = self.message(&dropped.collect::<Vec<_>>()) {
            complain(format_args!("{message}"));
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).quiet.is_some()
    }

    fn message(&self, dropped: &[(&'static str, u64)]) -> Option<String> {
        let total: u64 = dropped.iter().map(|(_, count)| count).sum();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let grew = total > state.seen;
        let what = self.what;
        match state.quiet {
            None if grew => {
                let reasons: Vec<_> =
                    dropped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
                let lost = total - state.seen;
                *state = Loss { before: state.seen, seen: total, quiet: Some(0) };
                let reasons = reasons.join(", ");
                Some(format!("{what} are being lost: {lost} within about a second (so far: {reasons})"))
            }
            Some(_) if grew => {
                (state.seen, state.quiet) = (total, Some(0));
                None
            }
            Some(looks) if looks + 1 < QUIET_LOOKS => {
                state.quiet = Some(looks + 1);
                None
            }
            Some(_) => {
                state.quiet = None;
                Some(format!("{what} are no longer lost; {} were", total - state.before))
            }
            None => None,
        }
    }
}

impl State {
    const fn new() -> Self {
        Self { waiting: VecDeque::new(), unsaid: 0, speaking: false, hurried: false }
    }

    /// Takes a message, or counts it where too many wait. Is there no thread that speaks? The caller starts it then: also
    /// where too many wait, because none could be started for them.
    fn take(&mut self, message: fmt::Arguments<'_>) -> bool {
        if self.waiting.len() < MOST {
            self.waiting.push_back(message.to_string());
        } else {
            self.unsaid += 1;
        }
        !std::mem::replace(&mut self.speaking, true)
    }
}

impl Stderr {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn speak(&self, pause: Duration, most: usize) {
        let mut state = self.state();
        for _ in 0..most {
            let Some(message) = state.waiting.pop_front() else { break };
            let more = match std::mem::take(&mut state.unsaid) {
                0 => String::new(),
                unsaid => format!(" ({unsaid} messages before this one were not written)"),
            };
            drop(state);
            // stderr is closed: there is nowhere to report this.
            let _ = writeln!(std::io::stderr(), "tower-observability: {message}{more}");
            let paused = self.changed.wait_timeout_while(self.state(), pause, |state| !state.hurried);
            state = paused.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.speaking = false;
        self.changed.notify_all();
    }
}

impl Once {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// True for the first caller only.
    pub(crate) fn first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_asked_for_again_also_when_no_more_may_wait() {
        let mut state = State::new();
        for n in 0..MOST + 2 {
            assert!(state.take(format_args!("{n}")), "{n}");
            // It could not be started.
            state.speaking = false;
        }
        assert_eq!((state.waiting.len(), state.unsaid), (MOST, 2));
        assert!(state.take(format_args!("one more")));
        assert!(!state.take(format_args!("it speaks")));
    }

    #[test]
    fn a_loss_is_said_when_it_begins_and_when_it_has_ended() {
        let notice = LossNotice::new("log lines");
        let look = |count| notice.message(&[("queue_full", count)]);
        assert_eq!(look(0), None);
        let begun = "log lines are being lost: 7 within about a second (so far: queue_full 7)";
        assert_eq!(look(7).as_deref(), Some(begun));
        assert_eq!([look(9), look(9), look(12)], [None, None, None]);
        let looks: Vec<_> = (0..QUIET_LOOKS).map(|_| look(12)).collect();
        let ended = "log lines are no longer lost; 12 were";
        assert_eq!(looks.iter().flatten().map(String::as_str).collect::<Vec<_>>(), [ended]);
        assert_eq!(looks.last().map(Option::is_some), Some(true));
        assert_eq!(look(12), None);
        assert!(look(13).is_some_and(|message| message.starts_with("log lines are being lost: 1 ")));
    }
}

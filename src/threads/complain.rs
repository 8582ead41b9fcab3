//! Our own voice: trouble goes to stderr, at most once a second, never into the pipeline.
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

struct Voice {
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

static VOICE: Voice = Voice {
    state: Mutex::new(State { waiting: VecDeque::new(), unsaid: 0, speaking: false, hurried: false }),
    changed: Condvar::new(),
};

/// Has one line written to stderr, a second after the last one at the earliest. Never waits for it.
pub(crate) fn complain(message: fmt::Arguments<'_>) {
    let starts = {
        let mut state = VOICE.state();
        if state.waiting.len() >= MOST {
            state.unsaid += 1;
            return;
        }
        state.waiting.push_back(message.to_string());
        !std::mem::replace(&mut state.speaking, true)
    };
    let voice = || std::thread::Builder::new().name("observe-voice".to_owned());
    if starts && voice().spawn(|| VOICE.speak()).is_err() {
        VOICE.state().speaking = false;
    }
}

/// Waits until everything is said, without pauses, but no longer than this.
pub(crate) fn finish_complaining(timeout: Duration) {
    let mut state = VOICE.state();
    state.hurried = true;
    VOICE.changed.notify_all();
    let waited = VOICE.changed.wait_timeout_while(state, timeout, |state| state.speaking);
    waited.unwrap_or_else(PoisonError::into_inner).0.hurried = false;
}

impl Voice {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn speak(&self) {
        suppress_telemetry();
        let mut state = self.state();
        while let Some(message) = state.waiting.pop_front() {
            let more = match std::mem::take(&mut state.unsaid) {
                0 => String::new(),
                unsaid => format!(" ({unsaid} messages before this one were not written)"),
            };
            drop(state);
            // Whoever closed stderr does not want to know.
            let _ = writeln!(std::io::stderr(), "tower-observability: {message}{more}");
            let pause = self.changed.wait_timeout_while(self.state(), PAUSE, |state| !state.hurried);
            state = pause.unwrap_or_else(PoisonError::into_inner).0;
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

//! What the exporter has to say: the first delivery, the first failure, the recovery, what was rejected.
//!
//! It never prints: whoever builds the exporter turns each [`Notice`] into a log line.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::export::shown;
use crate::threads::unsuppressed;

/// Who turns a notice into a line.
pub(crate) type Tell = Box<dyn Fn(Notice) + Send>;

/// The same thing is not said again within this time.
const PAUSE: Duration = Duration::from_secs(60);

/// What is exported, in the words of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal {
    /// `traces`.
    pub(crate) name: &'static str,
    /// What a batch is made of: `spans`.
    pub(crate) items: &'static str,
}

/// Something worth a line; `Display` is the line's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    signal: Signal,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// The first batch was stored.
    Delivering { url: String },
    /// Attempts fail from now on; what is lost is counted.
    Failing { url: String, reason: String },
    /// Batches are stored again.
    Recovered { url: String, lost: u64 },
    /// The receiver took a batch and threw some of it away, or has something to say.
    Rejected { url: String, count: u64, message: String },
    /// Nothing can be exported at all.
    Unusable { reason: String },
}

/// Says each thing once.
pub(super) struct Voice {
    signal: Signal,
    url: String,
    tell: Tell,
    state: State,
    said_failing: Option<Instant>,
    said_rejected: Option<Instant>,
    lost_before: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Untried,
    Good,
    Failing { said: bool },
}

impl Notice {
    /// Nothing of this signal can be exported at all.
    pub(crate) fn unusable(signal: Signal, reason: String) -> Self {
        Self { signal, what: What::Unusable { reason } }
    }

    /// Where nothing can be exported, what would change that: it may have been said already, beside another name.
    pub(crate) fn remedy(&self) -> Option<&str> {
        let What::Unusable { reason } = &self.what else { return None };
        Some(reason.split_once(": ").map_or(reason, |(_, remedy)| remedy))
    }

    /// The signal's name, such as `traces`.
    pub(crate) fn signal(&self) -> &'static str {
        self.signal.name
    }

    /// Does it tell of this signal?
    pub(crate) fn is_of(&self, signal: Signal) -> bool {
        self.signal == signal
    }

    /// Does it tell of a loss or a failure? Then its line is a warning.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(self.what, What::Failing { .. } | What::Unusable { .. } | What::Rejected { .. })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signal { name, items } = self.signal;
        match &self.what {
            What::Delivering { url } => write!(f, "{name} are delivered to {url}"),
            What::Failing { url, reason } => write!(f, "{name} cannot be delivered to {url}: {reason}"),
            What::Recovered { url, lost } => write!(
                f,
                "{name} are delivered to {url} again; {lost} {items} were lost or not confirmed meanwhile"
            ),
            What::Rejected { url, count: 0, message } => {
                write!(f, "{url} took the {name} and says: {message}")
            }
            What::Rejected { url, count, message } => write!(f, "{url} rejected {count} {items}: {message}"),
            What::Unusable { reason } => write!(f, "{name} are not exported: {reason}"),
        }
    }
}

impl Voice {
    pub(super) fn new(signal: Signal, url: &str, tell: Tell) -> Self {
        Self {
            signal,
            url: shown(url),
            tell,
            state: State::Untried,
            said_failing: None,
            said_rejected: None,
            lost_before: 0,
        }
    }

    /// A batch was stored; so many records were lost since the start.
    pub(super) fn delivered(&mut self, lost: u64) {
        let before = std::mem::replace(&mut self.state, State::Good);
        let url = || self.url.clone();
        match before {
            State::Untried => self.say(What::Delivering { url: url() }),
            State::Failing { said: true } => {
                self.say(What::Recovered { url: url(), lost: lost.saturating_sub(self.lost_before) });
            }
            State::Good | State::Failing { said: false } => {}
        }
        self.lost_before = lost;
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, reason: &str) {
        if self.state == (State::Failing { said: true }) {
            return;
        }
        let said = due(&mut self.said_failing);
        self.state = State::Failing { said };
        if said {
            self.say(What::Failing { url: self.url.clone(), reason: reason.to_owned() });
        }
    }

    /// The receiver rejected so many of a batch, or has something to say.
    pub(super) fn rejected(&mut self, count: u64, message: String) {
        if due(&mut self.said_rejected) {
            self.say(What::Rejected { url: self.url.clone(), count, message });
        }
    }

    fn say(&self, what: What) {
        unsuppressed(|| (self.tell)(Notice { signal: self.signal, what }));
    }
}

fn due(last: &mut Option<Instant>) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= PAUSE);
    if due {
        *last = Some(Instant::now());
    }
    due
}

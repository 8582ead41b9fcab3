//! The exporter's notices: first delivery, first failure, recovery, rejected records.
//!
//! It never prints: `init` turns each [`Notice`] into a log line.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::export::{Destination, masked_url};
use crate::threads::unsuppressed;

/// Turns a notice into a line.
pub(crate) type Tell = Box<dyn Fn(Notice) + Send>;

/// A notice is not repeated within this time.
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
    /// Records were larger than a request may be: so many had texts shortened, so many were dropped.
    Oversized { shortened: u64, dropped: u64 },
    /// Nothing can be exported at all.
    Unusable { reason: String },
}

/// Makes notices, each once.
pub(super) struct Notices {
    signal: Signal,
    url: String,
    tell: Tell,
    state: State,
    said_failing: Option<Instant>,
    said_rejected: Option<Instant>,
    said_oversized: Option<Instant>,
    /// What was not said yet of records that were too large.
    oversized: (u64, u64),
    /// How many rejected records were not said yet.
    rejected: u64,
    lost_before: u64,
    /// What was lost in failures of which nothing was said.
    unsaid: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Untried,
    Good,
    Failing { said: bool },
}

impl Signal {
    /// The URL that the signal leaves for, and what `transport` makes of it; none where it leaves for no URL, or where it
    /// cannot, which a notice says.
    pub(crate) fn open<T>(
        self,
        destination: Destination,
        tell: &Tell,
        transport: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<(String, T)> {
        let opened = match destination {
            Destination::Off | Destination::None | Destination::Console => return None,
            Destination::Refused(reason) => Err(reason),
            Destination::Url(url) => transport(&url).map(|transport| (url, transport)),
        };
        opened.map_err(|reason| tell(Notice::unusable(self, reason))).ok()
    }
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

    /// Is it about this signal?
    pub(crate) fn is_of(&self, signal: Signal) -> bool {
        self.signal == signal
    }

    /// Is it about a loss or a failure? Then its line is a warning.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(
            self.what,
            What::Failing { .. } | What::Unusable { .. } | What::Rejected { .. } | What::Oversized { .. }
        )
    }
}

#[cfg(feature = "cli")]
impl Notice {
    /// Was everything taken, and did the receiver add something to it?
    pub(crate) fn is_remark(&self) -> bool {
        matches!(self.what, What::Rejected { count: 0, .. })
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
            What::Rejected { url, count, message } if message.is_empty() => {
                write!(f, "{url} rejected {count} {items} and does not say why")
            }
            What::Rejected { url, count, message } => write!(f, "{url} rejected {count} {items}: {message}"),
            What::Oversized { shortened, dropped } => write!(
                f,
                "{items} were larger than a request may be: {shortened} had their texts shortened, {dropped} were \
                 dropped"
            ),
            What::Unusable { reason } => write!(f, "{name} are not exported: {reason}"),
        }
    }
}

impl Notices {
    pub(super) fn new(signal: Signal, url: &str, tell: Tell) -> Self {
        Self {
            signal,
            url: masked_url(url).into_owned(),
            tell,
            state: State::Untried,
            said_failing: None,
            said_rejected: None,
            said_oversized: None,
            oversized: (0, 0),
            rejected: 0,
            lost_before: 0,
            unsaid: 0,
        }
    }

    /// A batch was taken, and if the receiver did not reject all of it, stored; so many records were lost since the start.
    pub(super) fn answered(&mut self, lost: u64, is_stored: bool) {
        if !is_stored {
            if !matches!(self.state, State::Failing { .. }) {
                self.lost_before = lost;
            }
            return;
        }
        let before = std::mem::replace(&mut self.state, State::Good);
        let meanwhile = lost.saturating_sub(self.lost_before);
        let url = || self.url.clone();
        match before {
            State::Untried => self.say(What::Delivering { url: url() }),
            State::Failing { said: true } => {
                let lost = meanwhile + std::mem::take(&mut self.unsaid);
                self.say(What::Recovered { url: url(), lost });
            }
            State::Failing { said: false } => self.unsaid += meanwhile,
            State::Good => {}
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
        self.rejected += count;
        if due(&mut self.said_rejected) {
            let count = std::mem::take(&mut self.rejected);
            self.say(What::Rejected { url: self.url.clone(), count, message });
        }
    }

    /// So many records were shortened to fit into a request, and so many dropped because they do not.
    pub(super) fn oversized(&mut self, shortened: u64, dropped: u64) {
        let (before_shortened, before_dropped) = self.oversized;
        self.oversized = (before_shortened + shortened, before_dropped + dropped);
        if self.oversized != (0, 0) && due(&mut self.said_oversized) {
            let (shortened, dropped) = std::mem::take(&mut self.oversized);
            self.say(What::Oversized { shortened, dropped });
        }
    }

    /// Did the receiver store the last batch that it answered?
    pub(super) fn is_delivering(&self) -> bool {
        self.state == State::Good
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

//! The last lines and calls of a hop, for its report.

use std::collections::VecDeque;

use crate::record::{Severity, Snapshot, prefix};

/// At most so many of the last lines and calls are kept.
const MOST: usize = 30;
/// At most so many bytes of them are kept, all together.
const MOST_BYTES: usize = 32 * 1024;
/// A line that is longer is kept as its message, cut to this.
const LONGEST: usize = 2 * 1024;
/// At most so many bytes of its target are kept then.
const LONGEST_TARGET: usize = 128;

/// What a hop keeps until it has ended.
#[derive(Debug, Default)]
pub(super) struct Crumbs {
    /// The last lines and calls, oldest first.
    pub(super) lines: VecDeque<Snapshot>,
    bytes: usize,
    /// The last ERROR event, wherever it stands among the others.
    pub(super) error: Option<Snapshot>,
    /// The panic, if there was one.
    pub(super) panic: Option<Snapshot>,
}

impl Crumbs {
    /// Keeps a line or a call, and discards the oldest for it.
    pub(super) fn add(&mut self, said: &Snapshot) {
        let kept = kept(said);
        if kept.info.severity == Severity::Error {
            self.error = Some(kept.clone());
        }
        self.bytes += kept.bytes().len();
        self.lines.push_back(kept);
        while self.lines.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes().len());
        }
    }

    /// Keeps the panic; the first one is the cause of what follows.
    pub(super) fn add_panic(&mut self, said: &Snapshot) {
        self.panic.get_or_insert_with(|| said.without_hop());
    }

    pub(super) fn text_length(&self) -> usize {
        let whole = self.error.iter().chain(&self.panic).map(|said| said.bytes().len());
        self.bytes + whole.sum::<usize>()
    }
}

/// A copy of what was said that holds no hop, which would hold the copy in turn.
fn kept(said: &Snapshot) -> Snapshot {
    if said.bytes().len() <= LONGEST {
        return said.without_hop();
    }
    let event = said.event();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let message = text(event.message());
    let mut short = Snapshot::new(said.info.severity, "", prefix(&message, LONGEST));
    (short.info.at, short.info.trace) = (said.info.at, said.info.trace);
    short.set_target(prefix(&text(event.target()), LONGEST_TARGET));
    if let Some((file, line)) = event.origin() {
        short.set_origin(prefix(&text(file), LONGEST), line);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(severity: Severity, message: &str) -> Snapshot {
        Snapshot::new(severity, "shop", message)
    }

    #[test]
    fn the_last_lines_are_kept_and_their_bytes_are_bounded() {
        let mut crumbs = Crumbs::default();
        crumbs.add(&said(Severity::Error, "first"));
        (0..100).for_each(|number| crumbs.add(&said(Severity::Info, &format!("line {number}"))));
        assert_eq!(crumbs.lines.len(), MOST);
        assert_eq!(crumbs.lines.back().unwrap().event().message(), b"line 99");
        assert_eq!(crumbs.error.as_ref().unwrap().event().message(), b"first", "the error is kept");
        (0..100).for_each(|_| crumbs.add(&said(Severity::Info, &"x".repeat(100_000))));
        assert!(crumbs.text_length() <= MOST_BYTES + LONGEST, "{}", crumbs.text_length());
        let held: usize = crumbs.lines.iter().map(|crumb| crumb.bytes().len()).sum();
        assert_eq!(held, crumbs.bytes);
    }
}

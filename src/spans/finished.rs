//! Owns a finished span in plain words: what every transport sends and what tests read.
//!
//! It is built behind the queue, out of a [`Record`](super::Record); no request pays for it.

use std::borrow::Cow;

use crate::clock::Moment;
use crate::context::{SpanId, TraceContext, Tracestate};
use crate::export::free_name;
use crate::scope::{Fields, Kind, Value};

/// One finished span, with its limits applied.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Kind,
    pub(crate) trace: TraceContext,
    pub(crate) tracestate: Tracestate,
    pub(crate) parent: Option<SpanId>,
    pub(crate) parent_is_remote: bool,
    pub(crate) attributes: Vec<(Cow<'static, str>, Value)>,
    pub(crate) attributes_dropped: u32,
    pub(crate) status: Status,
    pub(crate) links: Vec<TraceContext>,
    pub(crate) links_dropped: u32,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
}

/// A span's status. `Ok` is the user's alone to say, so it does not exist here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Unset,
    /// With a description, empty where the attributes say it all.
    Error(Cow<'static, str>),
}

/// How much one span may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) attributes: usize,
    /// In characters; `None` is no limit.
    pub(crate) value_length: Option<usize>,
    pub(crate) links: usize,
}

/// Attributes under their limits: each name once, the first of a name wins.
#[derive(Debug)]
pub(super) struct Attributes {
    list: Vec<(Cow<'static, str>, Value)>,
    dropped: u32,
    limits: Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attributes: 128, value_length: None, links: 128 }
    }
}

impl Attributes {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { list: Vec::with_capacity(16.min(limits.attributes)), dropped: 0, limits: *limits }
    }

    /// Adds one of ours.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.push(Cow::Borrowed(name), value.into());
    }

    /// Adds one of ours if its text is not empty.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.set(name, text.to_owned());
        }
    }

    /// Adds the user's; a name that we have written moves aside, as on the log line.
    pub(super) fn fields(&mut self, fields: &Fields) {
        for (name, value) in fields.iter() {
            let name = free_name(name, |name| self.list.iter().any(|(known, _)| known == name));
            self.push(Cow::Owned(name.into_owned()), value.clone());
        }
    }

    fn push(&mut self, name: Cow<'static, str>, mut value: Value) {
        if self.list.len() >= self.limits.attributes {
            self.dropped += 1;
            return;
        }
        if let Some(most) = self.limits.value_length {
            value.limit(most);
        }
        self.list.push((name, value));
    }

    /// The attributes, and how many were dropped here and before.
    pub(super) fn done(self, dropped_before: u32) -> (Vec<(Cow<'static, str>, Value)>, u32) {
        (self.list, self.dropped.saturating_add(dropped_before))
    }
}

/// The first of these links, and how many were dropped.
pub(super) fn within(links: &[TraceContext], most: usize) -> (Vec<TraceContext>, u32) {
    let kept = links.len().min(most);
    (links.iter().take(kept).copied().collect(), u32::try_from(links.len() - kept).unwrap_or(u32::MAX))
}

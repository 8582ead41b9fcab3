//! A report on its way: what failed, and what makes it one issue with others.

use std::sync::Arc;

use super::crumbs::Crumbs;
use crate::clock::Moment;
use crate::export::Weigh;
use crate::record::{Event, Hop, Severity, Snapshot, Trail};

/// A report that waits to be sent. Each way out has the same one.
#[derive(Clone, Debug)]
pub(crate) struct Filed(pub(super) Arc<Report>);

#[derive(Debug)]
pub(super) struct Report {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) what: What,
    pub(super) cause: Cause,
    /// How many reports of the same fingerprint were left out before it.
    pub(super) left_out: u64,
}

#[derive(Debug)]
pub(super) enum What {
    /// A request, a message or a job that failed.
    Hop(Arc<Hop>, Box<Trail>, Box<Crumbs>),
    /// An error, or a panic, outside of all of them.
    Event(Box<Snapshot>),
}

/// What makes reports one issue.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cause {
    /// The type of the error, or the nearest to it that is known.
    pub(super) kind: String,
    /// The place in the code.
    pub(super) place: Option<(String, u32)>,
    /// The route, or the name of the job.
    pub(super) route: String,
    /// What the service chose instead of all of these.
    pub(super) chosen: Option<String>,
}

impl What {
    /// The panic, if it was one.
    pub(super) fn panic(&self) -> Option<Event<'_>> {
        match self {
            Self::Hop(_, _, crumbs) => crumbs.panic.as_ref().map(Snapshot::event),
            Self::Event(said) => (said.info.severity == Severity::Fatal).then(|| said.event()),
        }
    }
}

impl Cause {
    /// The texts that servers group by.
    pub(super) fn fingerprint(&self) -> Vec<String> {
        if let Some(chosen) = &self.chosen {
            return vec![chosen.clone()];
        }
        let place = self.place.as_ref().map(|(file, line)| format!("{file}:{line}"));
        [Some(&self.kind), place.as_ref(), Some(&self.route).filter(|route| !route.is_empty())]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

impl Weigh for Filed {
    fn text_length(&self) -> usize {
        match &self.0.what {
            What::Hop(hop, _, crumbs) => hop.text_length() + crumbs.text_length(),
            What::Event(said) => said.bytes().len(),
        }
    }
}

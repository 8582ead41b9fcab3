//! What a fault is made of: what breaks, who asks meanwhile, and what whoever is on call sees of it.

use super::super::evidence::{Line, Span};
use super::cause::Cause;

/// One entry of the table.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// A sentence: what is broken, and how.
    pub(super) story: &'static str,
    pub(super) cause: Cause,
    /// Options that the eight are started with: of a service, or of all where its name is empty.
    pub(super) variables: &'static [(&'static str, &'static str, &'static str)],
    pub(super) traffic: Mix,
    pub(super) alerts: &'static [Alert],
    pub(super) metric: Metric,
    pub(super) trace: Sight<Span>,
    pub(super) line: Sight<Line>,
    /// Do customers notice? If they do not, none of their requests may fail.
    pub(super) is_felt: bool,
}

impl Fault {
    /// Does it need a file system that may be full?
    pub(super) fn needs_disk(&self) -> bool {
        matches!(self.cause, Cause::DiskFull)
    }
}

/// What customers ask for, one after the other, and how often in a second: on time, whether the last one was answered or not.
#[derive(Clone, Copy)]
pub(super) struct Mix {
    pub(super) asks: &'static [Ask],
    pub(super) rate: u32,
}

#[derive(Clone, Copy)]
pub(super) enum Ask {
    Book,
    ChangePhone,
    LookAtVehicle,
    /// A stranger who tries names of 16 KiB.
    Probe,
}

/// A rule of `examples/stack/prometheus/rules`.
pub(super) struct Alert {
    pub(super) name: &'static str,
    pub(super) job: &'static str,
    /// None if the whole rule must be pending or firing. Else the condition of it that must be true; what else it asks for
    /// needs more time than a rehearsal has.
    pub(super) part: Option<Part>,
}

pub(super) struct Part {
    pub(super) condition: &'static str,
    pub(super) rest: &'static str,
}

/// A series of `/metrics`; several are added.
pub(super) struct Metric {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) labels: &'static [(&'static str, &'static str)],
    pub(super) seen: Seen,
}

/// When a metric shows the fault.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    /// It has grown by so much. It is calm while it does not grow by a tenth of that in half a second.
    Grows(f64),
    /// It is at least the one; calm, when it is at most the other.
    Reaches(f64, f64),
    /// It has had so many values.
    Changes(usize),
}

/// A span or a line.
pub(super) enum Sight<T: 'static> {
    /// One like this has come.
    Shows(fn(&T) -> bool),
    /// None of this service comes any more (of none, if it is empty).
    Missing(&'static str),
}

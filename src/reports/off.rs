//! Without the feature there are no error reports: nothing is asked, and the compiler leaves all of it out.

use std::convert::Infallible;
use std::sync::Arc;

use crate::account::FlowReport;
use crate::export::{Exporter, Tell, Weigh};
use crate::logs::Lines;
use crate::record::{End, Hop, Snapshot};
use crate::resource::Resource;
use crate::variable::Variable;

/// No options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports;

/// No report.
#[derive(Debug)]
pub(crate) struct Filed(Infallible);

/// The handle that does nothing.
#[derive(Debug, Default)]
pub(crate) struct Reporter {}

/// One way out; there is none.
pub(crate) struct Way(Infallible);

impl Reports {
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &[];

    pub(crate) fn in_force(&self) -> Option<String> {
        None
    }

    pub(crate) fn complaint(&self) -> Option<String> {
        None
    }
}

impl Weigh for Filed {
    fn text_length(&self) -> usize {
        match self.0 {}
    }
}

impl Way {
    pub(crate) fn exporter(&self) -> &'static str {
        match self.0 {}
    }

    pub(crate) fn capacity(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn report(&self) -> FlowReport {
        match self.0 {}
    }

    pub(crate) fn shortened(&self) -> u64 {
        match self.0 {}
    }
}

impl Reporter {
    pub(crate) fn new(_: &Reports, _: &Resource, _: impl Fn() -> Tell) -> (Self, Vec<Exporter<Filed>>) {
        (Self {}, Vec::new())
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        false
    }

    #[inline]
    pub(crate) fn follow(&self, _: &mut Hop, _: Option<&Arc<Hop>>) {}

    #[inline]
    pub(crate) fn event(&self, _: &Snapshot) {}

    pub(crate) fn panic(&self, _: &Snapshot) {}

    #[inline]
    pub(crate) fn end(&self, _: &Arc<Hop>, _: &End) {}

    pub(crate) fn report_left_out(&self, _: &Lines) -> bool {
        false
    }

    pub(crate) fn report(&self) -> Option<FlowReport> {
        None
    }

    pub(crate) fn ways(&'static self) -> impl Iterator<Item = &'static Way> {
        std::iter::empty()
    }

    pub(crate) async fn flush(&self) {}
}

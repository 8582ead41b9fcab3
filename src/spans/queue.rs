//! Owns the bounded queue of finished spans.

use super::Record;
use crate::pipeline::{Flow, FlowReport, Stripes, stripe_count};

/// Where finished spans wait for the exporter.
#[derive(Debug)]
pub(crate) struct Queue {
    records: Stripes<Vec<Record>>,
    pub(crate) flow: Flow,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { records: Stripes::new(capacity, stripe_count()), flow: Flow::default() }
    }

    pub(crate) fn push(&self, record: Record) {
        let _ = self.records.push(1, |records| records.push(record));
    }

    pub(crate) fn drain(&self) -> Vec<Record> {
        (0..self.records.count()).flat_map(|stripe| self.records.swap(stripe, Vec::new())).collect()
    }

    pub(crate) fn report(&self) -> FlowReport {
        let (created, refused) = self.records.counted();
        self.flow.report(created, refused)
    }
}

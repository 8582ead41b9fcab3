//! Log records, in the order in which they came; the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::model::{Line, Resource, TraceId};

/// What the entry of a trace in the table of counts takes, with room to grow.
const OF_A_TRACE: usize = 2 * (size_of::<TraceId>() + size_of::<u32>());

#[derive(Debug, Default)]
pub(crate) struct Lines {
    all: VecDeque<Line>,
    of_trace: HashMap<TraceId, u32>,
    pub(super) bytes: usize,
}

impl Lines {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.all.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many belong to this trace.
    pub(crate) fn of_trace(&self, trace: TraceId) -> u32 {
        self.of_trace.get(&trace).copied().unwrap_or_default()
    }

    /// Returns how many older ones had to go; `None` if this one is larger than the limit, and was not taken.
    pub(super) fn add(&mut self, line: Line, limit: usize) -> Option<u64> {
        if line.bytes() + OF_A_TRACE > limit {
            return None;
        }
        self.bytes += line.bytes() + OF_A_TRACE;
        if !line.trace.is_none() {
            *self.of_trace.entry(line.trace).or_default() += 1;
        }
        self.all.push_back(line);
        let mut gone = 0;
        while self.bytes > limit {
            let Some(oldest) = self.all.pop_front() else { break };
            self.bytes -= oldest.bytes() + OF_A_TRACE;
            self.forget(oldest.trace);
            gone += 1;
        }
        Some(gone)
    }

    /// Drops the lines of these resources. Returns how many.
    pub(super) fn forget_those(&mut self, is_gone: impl Fn(&Arc<Resource>) -> bool) -> u64 {
        let before = self.all.len();
        for line in std::mem::take(&mut self.all) {
            if is_gone(&line.resource) {
                self.bytes -= line.bytes() + OF_A_TRACE;
                self.forget(line.trace);
            } else {
                self.all.push_back(line);
            }
        }
        (before - self.all.len()) as u64
    }

    fn forget(&mut self, trace: TraceId) {
        if let Some(count) = self.of_trace.get_mut(&trace) {
            *count -= 1;
            if *count == 0 {
                self.of_trace.remove(&trace);
            }
        }
    }
}

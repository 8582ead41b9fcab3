//! Whether log records leave, where to, how many may wait, and what one may hold.

use std::time::Duration;

use super::fit::Limits;
use crate::export::{Batching, Destination, LOGS, Link, Pace, Shared, Way};
use crate::variable::Refusal;

/// Whether records leave, where to, how many may wait, what one may hold.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) on: bool,
    pub(super) way: Way,
    pub(super) batching: Batching,
    /// What code chose, and what the records' own variables say.
    pub(super) attributes: usize,
    pub(super) value_length: Option<usize>,
    pub(super) own_attributes: Option<usize>,
    pub(super) own_value_length: Option<usize>,
}

const SCHEDULE_DELAY: Duration = Duration::from_secs(1);

impl Default for Export {
    fn default() -> Self {
        Self {
            on: false,
            way: Way::new(&LOGS),
            batching: Batching::new(SCHEDULE_DELAY),
            attributes: 128,
            value_length: None,
            own_attributes: None,
            own_value_length: None,
        }
    }
}

impl Export {
    /// What the general variables say.
    pub(crate) fn inherit(&mut self, general: &Shared) {
        self.way.general = general.clone();
    }

    pub(crate) fn on_terminal(&mut self) {
        self.batching.on_terminal();
    }

    /// Where records go. An endpoint alone switches nothing on: lines are what a service writes.
    pub(crate) fn destination(&self) -> Destination {
        if self.on { self.way.destination().unwrap_or_else(|| self.way.local()) } else { Destination::Off }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.way.is_grpc()
    }

    /// What of the way to the collector will not work, or most likely not.
    pub(crate) fn doubts(&self) -> Vec<(String, String, Refusal)> {
        if self.on { self.way.doubts() } else { Vec::new() }
    }

    pub(super) fn link(&self, url: &str) -> Link {
        self.way.link(url)
    }

    pub(super) fn limits(&self) -> Limits {
        let general = &self.way.general;
        Limits {
            attributes: self.own_attributes.or(general.attributes).unwrap_or(self.attributes),
            value_length: self.own_value_length.or(general.value_length).or(self.value_length),
        }
    }

    pub(super) fn queue_capacity(&self) -> usize {
        self.batching.queue
    }

    pub(super) fn pace(&self) -> Pace {
        self.batching.pace(self.way.timeout())
    }
}

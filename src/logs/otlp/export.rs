//! Whether log records leave, where to, how many may wait, and what one may hold.

use crate::export::{BatchLimits, Destination};
use crate::otlp::{LOGS, OtlpConfig, Shared};
use crate::variable::Refusal;

/// Whether records leave, where to, how many may wait, what one may hold.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) on: bool,
    pub(in crate::logs) otlp: OtlpConfig,
    /// What code chose, and what the records' own variables say.
    pub(in crate::logs) attributes: usize,
    pub(in crate::logs) value_length: Option<usize>,
    pub(super) own_attributes: Option<usize>,
    pub(super) own_value_length: Option<usize>,
}

/// How much one record may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) attributes: usize,
    /// In characters; `None` is no limit.
    pub(super) value_length: Option<usize>,
    /// In bytes.
    pub(super) body: usize,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            on: false,
            otlp: OtlpConfig::new(&LOGS),
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
        self.otlp.general = general.clone();
    }

    pub(crate) fn on_terminal(&mut self) {
        self.otlp.batching.on_terminal();
    }

    /// Where records go. An endpoint alone switches nothing on: lines are what a service writes.
    pub(crate) fn destination(&self) -> Destination {
        if self.on { self.otlp.destination_or_local() } else { Destination::Off }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.otlp.is_grpc()
    }

    /// What of the export will not work, or most likely not.
    pub(crate) fn advice(&self) -> Vec<(String, String, Refusal)> {
        if self.on { self.otlp.advice() } else { Vec::new() }
    }

    pub(super) fn limits(&self) -> Limits {
        let general = &self.otlp.general;
        Limits {
            attributes: self.own_attributes.or(general.attributes).unwrap_or(self.attributes),
            value_length: self.own_value_length.or(general.value_length).or(self.value_length),
            body: usize::MAX,
        }
    }

    pub(super) fn queue_capacity(&self) -> usize {
        self.otlp.batching.queue
    }

    pub(super) fn batch_limits(&self) -> BatchLimits {
        self.otlp.batch_limits(self.otlp.timeout())
    }
}

#[cfg(feature = "otlp")]
impl Limits {
    /// Writes it with texts of at most this many characters.
    pub(super) fn with_texts_of(self, most: Option<usize>) -> Self {
        let Some(most) = most else { return self };
        let value_length = self.value_length.map_or(most, |limit| limit.min(most));
        Self { value_length: Some(value_length), body: most, ..self }
    }
}

//! Whether metrics are sent, where to, how often, and how their counts are told.

use std::time::Duration;

#[cfg(feature = "cli")]
use crate::export::Endpoint;
use crate::export::{BatchLimits, Destination};
use crate::otlp::{METRICS, OtlpConfig, Shared};
use crate::variable::Refusal;

/// More often than this nothing is collected.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);

/// Whether metrics are sent, where to, how often, and how.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(in crate::metrics) on: bool,
    pub(in crate::metrics) otlp: OtlpConfig,
    pub(in crate::metrics) temporality: Temporality,
}

/// What a count is told from: the start, or the collection before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::metrics) enum Temporality {
    #[default]
    Cumulative,
    /// Counters and histograms.
    Delta,
    /// Of these those that are recorded, not those that are asked: for them nothing would have to be remembered.
    LowMemory,
}

impl Default for Export {
    fn default() -> Self {
        Self { on: false, otlp: OtlpConfig::new(&METRICS), temporality: Temporality::default() }
    }
}

impl Temporality {
    pub(in crate::metrics) const ALL: [Self; 3] = [Self::Cumulative, Self::Delta, Self::LowMemory];

    pub(in crate::metrics) const fn as_str(self) -> &'static str {
        match self {
            Self::Cumulative => "cumulative",
            Self::Delta => "delta",
            Self::LowMemory => "lowmemory",
        }
    }
}

impl Export {
    /// What the general variables say.
    pub(in crate::metrics) fn inherit(&mut self, general: &Shared) {
        self.otlp.general = general.clone();
    }

    /// Where metrics go. An endpoint alone switches nothing on: the page has them all.
    pub(crate) fn destination(&self) -> Destination {
        if self.on { self.otlp.destination_or_local() } else { Destination::Off }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.otlp.is_grpc()
    }

    /// How a client reaches this URL.
    #[cfg(feature = "cli")]
    pub(crate) fn endpoint(&self, url: &str) -> Endpoint {
        self.otlp.endpoint(url)
    }

    /// What of the export will not work, or most likely not.
    pub(crate) fn advice(&self) -> Vec<(String, String, Refusal)> {
        if self.on { self.otlp.advice() } else { Vec::new() }
    }

    /// The delay is the time between two collections.
    pub(super) fn batch_limits(&self) -> BatchLimits {
        let limits = self.otlp.batch_limits(self.otlp.timeout());
        BatchLimits { delay: limits.delay.max(SHORTEST), ..limits }
    }
}

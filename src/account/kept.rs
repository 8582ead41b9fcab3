//! What became of traces that the sampler left out.

/// The counts at one moment.
#[derive(Clone, Debug)]
pub(crate) struct KeepCounts {
    /// Traces that were kept, by reason.
    pub(crate) kept: Vec<(&'static str, u64)>,
    /// Spans that were discarded, by reason.
    pub(crate) discarded: Vec<(&'static str, u64)>,
    /// Spans that are held.
    pub(crate) spans: usize,
    /// How many bytes they take.
    pub(crate) bytes: usize,
    /// How many bytes they may take.
    pub(crate) capacity: usize,
    /// Messages about kept traces; `None` where no other service is told.
    pub(crate) peers: Option<PeerCounts>,
}

/// Messages to and from other services, by direction.
#[derive(Clone, Debug)]
pub(crate) struct PeerCounts {
    pub(crate) messages: [(&'static str, u64); 4],
    pub(crate) bytes: [(&'static str, u64); 2],
}

//! What waits in the queue of log records: a finished hop, or the snapshot of an event.

use std::sync::Arc;

use crate::export::Weigh;
use crate::record::{Hop, Snapshot};

/// One record, compact: attributes are built behind the queue.
#[derive(Debug)]
pub(crate) enum Record {
    Hop(Arc<Hop>),
    Event(Snapshot),
}

impl Weigh for Record {
    fn text_length(&self) -> usize {
        match self {
            Self::Hop(hop) => hop.text_length(),
            Self::Event(event) => event.weight(),
        }
    }
}

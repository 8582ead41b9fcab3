//! The phases of a process's life, as our threads see them.

use std::time::Instant;

/// What the exporter thread and the log writer shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Batches leave when they are full or due.
    Running,
    /// A termination signal came: queues flush every second, however long the drain takes.
    Draining,
    /// Empty the queues and stop, at the latest at this instant.
    Closing(Instant),
}

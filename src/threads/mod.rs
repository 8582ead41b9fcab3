//! Our own threads: how they share the processor, that they emit no telemetry, their messages on standard error, and
//! the phase of the process's life that they follow.

mod aside;
mod complain;
mod suppression;
mod yielding;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub(crate) use aside::{Asides, aside};
pub(crate) use complain::{LossNotice, Once, complain, finish_complaining};
pub(crate) use suppression::{is_suppressed, suppress_telemetry, unsuppressed};
pub(crate) use yielding::{begin_run, empties, rest_after_long_step, rest_if_due, share_processor};

/// What the exporter thread and the log writer shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// A termination signal came: queues flush every second, however long the drain takes.
    Draining,
    /// Empty the queues and stop, at the latest at this instant.
    Closing(Instant),
}

/// Locks. Nothing of ours panics while it holds a lock, and if it did, what is inside is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The one place where the signals meet: a hop begins, and ends exactly once with one outcome.

mod assembled;
mod listening;
mod observation;
mod order;
mod retried;

pub(crate) use assembled::{OfThread, Signals, global, set_global, set_of_thread, started};
pub(crate) use listening::Listening;
pub(crate) use observation::Observation;
pub(crate) use order::{Order, Verdict};
pub(crate) use retried::not_retryable;

//! The one place where the signals meet: a hop begins, and ends exactly once with one outcome.

mod assembled;
mod listening;
mod observation;

pub(crate) use assembled::{Signals, global, set_global};
pub(crate) use listening::Listening;
pub(crate) use observation::Observation;

//! Owns the one place where the signals meet: a hop begins, and ends exactly once with one outcome.

mod core;
mod listening;
mod observation;
mod origin;

pub(crate) use self::core::{Core, global, set_global};
pub(crate) use listening::Listening;
pub(crate) use observation::Observation;

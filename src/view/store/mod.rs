//! What is held, in bounded memory: the oldest goes first, and is counted.

mod held;
mod lines;
mod metrics;
mod resources;
mod traces;

pub(super) use held::{Change, Dropped, Held, Store};
pub(super) use metrics::Series;
pub(super) use traces::Trace;

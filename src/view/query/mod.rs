//! What the page asks, and the answers.

mod durations;
mod lines;
mod map;
mod metrics;
mod parameters;
mod red;
mod rows;
mod state;
mod trace;
mod traces;
mod window;

pub(super) use lines::lines;
pub(super) use map::map;
pub(super) use metrics::metrics;
pub(super) use parameters::Parameters;
pub(super) use red::red;
pub(super) use state::state;
pub(super) use trace::trace;
pub(super) use traces::traces;

//! What the page asks, and the answers.

mod lines;
mod parameters;
mod rows;
mod state;
mod trace;
mod traces;

pub(super) use lines::lines;
pub(super) use parameters::Parameters;
pub(super) use state::state;
pub(super) use trace::trace;
pub(super) use traces::traces;

//! What is held, in bounded memory: the oldest goes first, and is counted.

mod held;
mod lines;
mod resources;
mod traces;

pub(super) use held::{Change, Dropped, Held, Store};
pub(super) use traces::Trace;

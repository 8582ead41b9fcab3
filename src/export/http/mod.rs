//! Owns export over HTTP: one POST, and what its answer means.

mod answer;
mod wire;

pub(crate) use wire::Wire;

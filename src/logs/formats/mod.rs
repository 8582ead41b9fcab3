//! The formats of a line that machines read: what each says differently from the others.
//!
//! What stands on a line, and in which order, is the same in all of them (see `laid`). Under which names is the table
//! `names::FORMATS`, joined to bytes in `members`. The rest is here, a file for each format.

mod ecs;
mod gelf;
mod json;
mod laid;
mod layout;
mod logstash;
mod otel;
#[cfg(test)]
mod tests;

pub(super) use laid::{Happened, Laid, Lay};

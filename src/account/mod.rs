//! The account of our own losses: what was created, delivered, dropped and why; and what many threads count and look up
//! at once.
//!
//! For each signal, at every moment: created = delivered + unconfirmed + dropped + left out + queued.

mod flow;
mod kept;
mod stripes;
mod table;
mod tally;

pub(crate) use flow::Flow;
pub use flow::{DropReason, FlowReport, LeftOut};
pub(crate) use kept::{KeepCounts, PeerCounts};
pub(crate) use stripes::{Counted, Stripes, stripe_count, stripe_of_thread};
pub(crate) use table::Table;
pub(crate) use tally::Tally;

//! The account of our own losses: what was created, delivered, dropped and why; and what many threads count and look up
//! at once.
//!
//! For each signal, at every moment: created = delivered + unconfirmed + dropped + left out + queued.

mod flow;
mod stripes;
mod table;
mod tally;

pub use flow::FlowReport;
pub(crate) use flow::{DropReason, Flow, LeftOut};
pub(crate) use stripes::{Counted, Stripes, stripe_count, stripe_of_thread};
pub(crate) use table::Table;
pub(crate) use tally::Tally;

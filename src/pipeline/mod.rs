//! Owns the account of our own losses: what was created, delivered, dropped and why.
//!
//! For each signal, at every moment: created = delivered + unconfirmed + dropped + left out + queued.

mod breath;
mod complain;
mod flow;
mod phase;
mod quiet;
mod stripes;
mod tally;

pub(crate) use breath::{begin_piece, breathe, empties, step, work_in_pieces};
pub(crate) use complain::{Once, complain, finish_complaining};
pub use flow::FlowReport;
pub(crate) use flow::{DropReason, Flow, LeftOut};
pub(crate) use phase::Phase;
pub(crate) use quiet::{aloud, is_quiet, quiet_thread};
pub(crate) use stripes::{Counted, Stripes, stripe_count, stripe_of_thread};
pub(crate) use tally::Tally;

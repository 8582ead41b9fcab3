//! Our own threads: how they share the processor, that they emit no telemetry, and their messages on standard error.

mod breath;
mod complain;
mod phase;
mod quiet;

pub(crate) use breath::{begin_piece, breathe, empties, step, work_in_pieces};
pub(crate) use complain::{LossNotice, Once, complain, finish_complaining};
pub(crate) use phase::Phase;
pub(crate) use quiet::{aloud, is_quiet, quiet_thread};

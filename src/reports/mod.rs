//! Error reports: what failed, as one issue for each cause, at a server that speaks Sentry's protocol or at Rollbar.
//!
//! A hop keeps its last lines and calls on its [`Trail`](crate::record::Trail). When it has failed, the [`Reporter`] puts it
//! into the queue of each way out. On the exporter's thread its `Content` is made of the same line that the log has, and
//! written as the receiver wants it.

mod budget;
mod content;
mod crumbs;
mod dsn;
mod event;
mod filed;
mod frames;
mod limits;
mod options;
mod reporter;
mod rollbar;
mod sentry;
mod way;
mod way_out;

pub use options::Reports;

pub(crate) use filed::Filed;
pub(crate) use reporter::Reporter;

use crate::export::Signal;

/// What the exporter calls it.
const SIGNAL: Signal = Signal { name: "error reports", items: "error reports" };

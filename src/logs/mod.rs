//! The log lines, and what decides which of them are written; and the log records over OTLP, which say the same.
//!
//! An event is passed in one direction. The bridge takes a snapshot of it (`record::Snapshot`), [`Lines`] hands that to
//! the writer's queue, and on the writer's thread its line is made (`formats`) and written. A finished hop goes the same
//! way as it is. Where records are on, they go to the exporter's queue as well, or instead.

#[cfg(feature = "reports")]
mod facts;
mod formats;
mod hop_line;
mod level;
mod lines;
mod log_crate;
mod options;
#[cfg_attr(not(feature = "otlp"), allow(dead_code))]
mod otlp;
mod panic;
mod pump;
mod queue;
mod rate_limit;
mod sampling;
mod sink;
#[cfg(test)]
mod test_pipe;
mod urgent;
mod writer;

pub use options::Logs;

#[cfg(feature = "reports")]
pub(crate) use facts::{Facts, crumb, timestamp};
pub(crate) use lines::Lines;
pub(crate) use otlp::{Record as LogRecord, Records, SIGNAL as LOGS};
pub(crate) use panic::write_panics;
pub(crate) use sink::MemoryLines;

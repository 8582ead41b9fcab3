//! The log lines: their shape, their level, and the writer that never blocks a request; and the log records
//! over OTLP, which say the same.
//!
//! The bridge hands events in and every hop its end. On the request's thread what an event told is copied (see
//! `told`); the line is made of it on the writer's thread. Where records are on, what a line says goes to the
//! exporter's thread as well, or instead.

mod buffer;
mod cut;
mod escape;
mod fewer;
mod fields;
mod formats;
mod json;
mod level;
mod line;
mod lines;
mod members;
mod number;
mod options;
#[cfg_attr(not(feature = "otlp"), allow(dead_code))]
mod otlp;
mod panic;
#[cfg(test)]
mod pipe;
mod place;
mod pretty;
mod pump;
mod records;
mod shape;
mod sink;
mod time;
mod told;
mod users;
mod variables;
mod writer;

pub use options::Logs;

pub(crate) use lines::Lines;
pub(crate) use otlp::{Record as LogRecord, Records, SIGNAL as LOGS};
pub(crate) use panic::write_panics;
pub(crate) use place::Place;
pub(crate) use sink::MemoryLines;

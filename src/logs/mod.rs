//! Owns the log lines: their shape, their level, and the writer that never blocks a request.
//!
//! The bridge hands events in and every hop its end; each becomes one line on the request's thread, in a buffer
//! that the thread keeps, and goes as bytes to the writer's thread.

mod buffer;
mod cut;
mod escape;
mod fields;
mod formats;
mod json;
mod level;
mod line;
mod lines;
mod members;
mod options;
mod panic;
mod place;
mod pretty;
mod pump;
mod records;
mod shape;
mod sink;
mod time;
mod users;
mod writer;

pub use options::Logs;

pub(crate) use lines::Lines;
pub(crate) use panic::write_panics;
pub(crate) use place::Place;
pub(crate) use sink::MemoryLines;

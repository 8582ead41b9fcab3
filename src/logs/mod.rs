//! Owns the log lines: their shape, their level, and the writer that never blocks a request.
//!
//! The bridge hands events in and every hop its end; each becomes one line on the request's thread, in a buffer
//! that the thread keeps, and goes as bytes to the writer's thread.

mod cut;
mod escape;
mod fields;
mod json;
mod level;
mod line;
mod options;
mod panic;
mod pretty;
mod shape;
mod sink;
mod time;
mod writer;

pub use options::Logs;

pub(crate) use panic::write_panics;
pub(crate) use sink::MemoryLines;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};

use self::level::{Directives, Gate};
use self::shape::Shape;
use self::sink::Sink;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::pipeline::FlowReport;
use crate::resource::Resource;
use crate::scope::{Fields, Hop, Value};
use crate::variable::Refusal;

/// The handle that the request's thread uses: a line is formatted there and written behind.
#[derive(Debug)]
pub(crate) struct Lines {
    sink: Sink,
    shape: Shape,
    gate: Gate,
    /// What we say of ourselves is written from this level on, whatever the service's own level is.
    own: LevelFilter,
    shortened: AtomicU64,
}

/// Where and when a `tracing` event happened.
pub(crate) struct Place<'a> {
    pub(crate) at: Moment,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) hop: Option<&'a Hop>,
    /// Shows the fields of the enclosing `tracing` spans, innermost first. Called once, after the event's own
    /// fields: those are formatted by the user's code, which must find no span locked.
    pub(crate) spans: &'a dyn Fn(&mut dyn FnMut(&Fields)),
}

impl Default for Lines {
    fn default() -> Self {
        Self::off()
    }
}

impl Lines {
    /// Lines on standard output, or none if the options say so.
    ///
    /// # Errors
    ///
    /// Standard output cannot be duplicated, or the thread cannot be started.
    pub(crate) fn new(logs: &Logs, resource: &Resource) -> std::io::Result<Self> {
        if !logs.is_on() {
            return Ok(Self { own: logs.own_level, ..Self::off() });
        }
        let shape = Shape::new(logs, resource);
        let sink = Sink::stdout(shape.keeps_order())?;
        Ok(Self::with(sink, shape, logs))
    }

    /// No lines, and nothing to write them.
    pub(crate) fn off() -> Self {
        let logs = Logs::new().json();
        Self::with(Sink::Off, Shape::new(&logs, &Resource::default()), &logs)
    }

    /// Lines in the format `json` of every level, kept in memory.
    pub(crate) fn in_memory() -> (Self, MemoryLines) {
        Self::in_memory_of(&Logs::new().json().level("trace"), &Resource::default())
    }

    /// Lines kept in memory, as these options shape them.
    pub(crate) fn in_memory_of(logs: &Logs, resource: &Resource) -> (Self, MemoryLines) {
        let seen = MemoryLines::default();
        (Self::with(Sink::Memory(seen.clone()), Shape::new(logs, resource), logs), seen)
    }

    fn with(sink: Sink, shape: Shape, logs: &Logs) -> Self {
        let gate = Gate::new(logs.level.clone());
        Self { sink, shape, gate, own: logs.own_level, shortened: AtomicU64::new(0) }
    }

    /// Are lines written at all?
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.sink, Sink::Off)
    }

    /// Is a line of this place in the code written?
    pub(crate) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.is_on() && self.gate.lets_pass(*metadata.level(), metadata.target())
    }

    /// The highest level of which any line is written.
    pub(crate) fn highest_level(&self) -> LevelFilter {
        if self.is_on() { self.gate.highest() } else { LevelFilter::OFF }
    }

    /// The directives in force.
    pub(crate) fn level(&self) -> String {
        self.gate.text()
    }

    /// Changes which lines are written, from now on.
    ///
    /// # Errors
    ///
    /// The directives cannot be read; nothing changed. The text says what would be right.
    pub(crate) fn set_level(&self, directives: &str) -> Result<(), String> {
        match Directives::parse(directives) {
            Ok(directives) => {
                self.gate.set(directives);
                self.level_changed();
                Ok(())
            }
            Err(Refusal::Expected(why) | Refusal::NotServed(why) | Refusal::Suspicious(why)) => Err(why),
        }
    }

    /// Goes back to the configured directives.
    pub(crate) fn reset_level(&self) {
        self.gate.reset();
        self.level_changed();
    }

    fn level_changed(&self) {
        // Each place in the code remembers whether anybody wants it, so that nobody's costs nothing.
        tracing::callsite::rebuild_interest_cache();
        panic::follow_level(self.highest_level());
    }

    /// Waits until every line made before is written; false if that took longer.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.sink.flush(timeout)
    }

    /// Takes no further line, writes what waits, and gives up after `timeout`.
    pub(crate) fn close(&self, timeout: Duration) -> FlowReport {
        self.sink.close(timeout)
    }

    /// What became of the lines.
    pub(crate) fn report(&self) -> FlowReport {
        self.sink.report()
    }

    /// How many lines had a value cut, because they were longer than receivers take.
    pub(crate) fn shortened(&self) -> u64 {
        self.shortened.load(Ordering::Relaxed)
    }

    /// How many bytes wait to be written, and how many may.
    pub(crate) fn fill(&self) -> (usize, usize) {
        self.sink.fill()
    }

    /// Writes a line of our own: the start-up, the first delivery, the first failure. `OTEL_LOG_LEVEL` decides
    /// whether it is written, not the service's own level.
    pub(crate) fn say(&self, level: Level, target: &'static str, message: &str, fields: &[(&str, Value)]) {
        if self.is_on() && self.own >= level {
            self.own_line(level.as_str(), target, message, fields);
        }
    }
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("at", &self.at).field("trace", &self.trace).finish_non_exhaustive()
    }
}

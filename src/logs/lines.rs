//! The handle to the lines: asked before a line is made, told what happened, closed at the end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata};

use super::buffer::{Render, Unmade};
use super::cut::Cuts;
use super::fewer::Fewer;
use super::json::Object;
use super::level::{Directives, Gate};
use super::line::{self, Origin, Own};
use super::options::Logs;
use super::otlp::{Event as Said, Records, Severity};
use super::place::Place;
use super::records;
use super::shape::Shape;
use super::sink::{Exit, MemoryLines, Sink};
use crate::account::FlowReport;
use crate::current::current;
use crate::names::{attribute, event};
use crate::record::{End, Hop, Kind, Value};
use crate::resource::Resource;
use crate::threads::complain;
use crate::variable::Refusal;

/// The handle that the request's thread uses: what happened is copied there; its line is made and written behind.
///
/// What is said here is said on a line, in a log record, or in both, as the options want it.
#[derive(Debug)]
pub(crate) struct Lines {
    exit: Exit,
    records: Option<Records>,
    /// Records instead of lines: what is bad about us is said on standard error as well.
    complains: bool,
    shape: Arc<Shape>,
    gate: Gate,
    fewer: Fewer,
    /// What we say of ourselves is written from this level on, whatever the service's own level is.
    own: LevelFilter,
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
            let complains = logs.export.on;
            let (gate, fewer) = (Gate::new(logs.level.clone()), Fewer::new(&logs.fewer));
            return Ok(Self { own: logs.own_level, gate, fewer, complains, ..Self::off() });
        }
        let (shape, cuts, render) = Self::shape(logs, resource);
        let sink = Sink::stdout(shape.keeps_order(), render)?;
        Ok(Self::with(Exit { sink, cuts }, shape, logs))
    }

    /// What makes the lines, also behind the requests.
    fn shape(logs: &Logs, resource: &Resource) -> (Arc<Shape>, Arc<Cuts>, Render) {
        let (shape, cuts) = (Arc::new(Shape::new(logs, resource)), Arc::<Cuts>::default());
        let (shape_too, cuts_too) = (Arc::clone(&shape), Arc::clone(&cuts));
        let render =
            Box::new(move |unmade: Unmade<'_>, out: &mut Object| shape_too.append(&unmade, &cuts_too, out));
        (shape, cuts, render)
    }

    /// Lines that a thread writes to `out`.
    #[cfg(test)]
    pub(super) fn written_to(
        out: impl std::io::Write + Send + 'static,
        logs: &Logs,
        resource: &Resource,
    ) -> Self {
        let (shape, cuts, render) = Self::shape(logs, resource);
        let writer = super::writer::Writer::start(out, render, super::writer::CAPACITY, 1).expect("a thread");
        Self::with(Exit { sink: Sink::Writer(writer), cuts }, shape, logs)
    }

    /// No lines, and nothing to write them.
    pub(crate) fn off() -> Self {
        let logs = Logs::new().json().limit(0);
        let shape = Arc::new(Shape::new(&logs, &Resource::default()));
        Self::with(Exit { sink: Sink::Off, cuts: Arc::default() }, shape, &logs)
    }

    /// All lines in the format `json` of every level, kept in memory.
    pub(crate) fn in_memory() -> (Self, MemoryLines) {
        Self::in_memory_of(&Logs::new().json().level("trace").limit(0), &Resource::default())
    }

    /// Lines kept in memory, as these options shape them.
    pub(crate) fn in_memory_of(logs: &Logs, resource: &Resource) -> (Self, MemoryLines) {
        let seen = MemoryLines::default();
        let exit = Exit { sink: Sink::Memory(seen.clone()), cuts: Arc::default() };
        (Self::with(exit, Arc::new(Shape::new(logs, resource)), logs), seen)
    }

    fn with(exit: Exit, shape: Arc<Shape>, logs: &Logs) -> Self {
        let (gate, fewer) = (Gate::new(logs.level.clone()), Fewer::new(&logs.fewer));
        Self { exit, records: None, complains: false, shape, gate, fewer, own: logs.own_level }
    }

    /// The same, with log records.
    pub(crate) fn with_records(self, records: Option<Records>) -> Self {
        Self { records, ..self }
    }

    /// Is anything done with what is said here?
    pub(crate) fn is_on(&self) -> bool {
        self.are_written() || self.records.is_some()
    }

    /// Are lines written?
    pub(crate) fn are_written(&self) -> bool {
        !matches!(self.exit.sink, Sink::Off)
    }

    /// The log records; `None` where none leave.
    pub(crate) fn records(&self) -> Option<&Records> {
        self.records.as_ref()
    }

    /// Is a line of this place in the code written?
    pub(crate) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.is_on() && self.gate.lets_pass(*metadata.level(), metadata.target())
    }

    /// Does the level let lines of INFO pass where no target is named?
    pub(crate) fn writes_info(&self) -> bool {
        self.is_on() && self.gate.lets_pass(Level::INFO, "tower_observability")
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
        match Directives::parse(directives).map(|read| (read.suspicion(), read)) {
            Ok((None, directives)) => {
                self.gate.set(directives);
                self.level_changed();
                Ok(())
            }
            Ok((Some(why), _)) => Err(format!("what writes the lines that are meant ({why})")),
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
        records::follow(self.highest_level());
    }

    /// Waits until every line made before is written; false if that took longer.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.exit.sink.flush(timeout)
    }

    /// Takes no further line, writes what waits and what is to be said of the account at its end, and gives up after
    /// `timeout`. Where there are no lines, that is said on standard error.
    pub(crate) fn close(
        &self,
        timeout: Duration,
        last: impl FnOnce(FlowReport) -> Option<(&'static str, String)>,
    ) -> FlowReport {
        self.tell_left_out();
        if !self.are_written() {
            if let Some((_, message)) =
                last(self.report()).filter(|_| self.complains && self.own >= Level::INFO)
            {
                complain(format_args!("{message}"));
            }
            return self.report();
        }
        self.exit.sink.close(timeout, |account| {
            let (target, message) = last(self.leaving_out(account)).filter(|_| self.own >= Level::INFO)?;
            let seen = MemoryLines::default();
            let exit = Exit { sink: Sink::Memory(seen.clone()), cuts: Arc::clone(&self.exit.cuts) };
            self.shape.own(&exit, &Own::new(Level::INFO.as_str(), target, &message));
            seen.all().pop().map(|line| (line + "\n").into_bytes())
        });
        self.report()
    }

    /// What became of the lines.
    pub(crate) fn report(&self) -> FlowReport {
        let report = self.exit.sink.report();
        if self.are_written() { self.leaving_out(report) } else { report }
    }

    fn leaving_out(&self, report: FlowReport) -> FlowReport {
        report.leaving_out(self.fewer.counts())
    }

    /// Has the log records that wait now sent.
    pub(crate) fn flush_records(&self) -> impl Future<Output = ()> + Send + use<> {
        let flushed = self.records.as_ref().map(Records::flush);
        async move {
            if let Some(flushed) = flushed {
                flushed.await;
            }
        }
    }

    /// What became of the log records; `None` where none leave.
    pub(crate) fn report_of_records(&self) -> Option<FlowReport> {
        self.records.as_ref().map(|records| records.report().leaving_out(self.fewer.counts()))
    }

    /// How many bytes wait to be written, and how many may.
    pub(crate) fn fill(&self) -> (usize, usize) {
        self.exit.sink.fill()
    }

    /// How many lines had a value cut, because they were longer than receivers take.
    pub(crate) fn shortened(&self) -> u64 {
        self.exit.cuts.count()
    }

    /// Turns records of the `log` crate into events, for the whole process; false if it has a logger already.
    pub(crate) fn take_log_records(&self) -> bool {
        records::take(self.highest_level())
    }

    /// Writes the line of an event. Whether it is wanted was asked before.
    pub(crate) fn event(&self, event: &Event<'_>, place: Place<'_>) {
        if let Some(records) = &self.records {
            records.event(event, &place);
        }
        if self.are_written() {
            self.shape.event(&self.exit, event, place);
        }
    }

    /// Is the line of an event left out, because its place in the code wrote enough? It is counted then.
    #[inline]
    pub(crate) fn leaves_out(&self, event: &Event<'_>) -> bool {
        self.fewer.leaves_out_event(event)
    }

    /// Has this finished hop its one line? A call that ended well has none.
    #[inline]
    pub(crate) fn tells(&self, hop: &Hop, end: &End) -> bool {
        if hop.kind == Kind::Client && end.outcome.is_good() {
            return false;
        }
        let (level, target) = (line::level(hop.kind, end.outcome), line::target(hop.kind));
        self.is_on() && self.gate.lets_pass(level, target) && !self.fewer.leaves_out_hop(hop, end)
    }

    /// Writes it.
    #[inline]
    pub(crate) fn tell(&self, hop: Arc<Hop>, end: &End) {
        if let Some(records) = &self.records {
            records.hop(&hop);
        }
        if self.are_written() {
            self.shape.hop(&self.exit, hop, end);
        }
    }

    /// Writes it if it has one.
    #[cfg(test)]
    pub(crate) fn hop(&self, hop: &Arc<Hop>, end: &End) {
        if self.tells(hop, end) {
            self.tell(Arc::clone(hop), end);
        }
    }

    /// Writes the line of a call whose response's body failed after its head.
    pub(crate) fn body_failed(&self, hop: &Arc<Hop>) {
        if !self.is_on() || !self.gate.lets_pass(Level::WARN, line::CLIENT) {
            return;
        }
        let mut message = String::new();
        let _ = line::subject(&mut message, hop);
        message.push_str(" response body failed");
        if self.are_written() {
            let own = Own::new("WARN", line::CLIENT, &message);
            self.shape.own(&self.exit, &Own { trace: Some(hop.trace), hop: Some(hop), ..own });
        }
        if let Some(records) = &self.records {
            let said = Said::saying(Level::WARN.into(), line::CLIENT, &message);
            records.push(Said { trace: Some(hop.trace), hop: Some(Arc::clone(hop)), ..said });
        }
    }

    /// Writes a line of our own: the start-up, the first delivery, the first failure. `OTEL_LOG_LEVEL` decides
    /// whether it is written, not the service's own level. Where there are no lines, trouble also goes to standard
    /// error.
    pub(crate) fn say(&self, level: Level, target: &'static str, message: &str, fields: &[(&str, Value)]) {
        if self.own < level {
            return;
        }
        if self.are_written() {
            self.shape.own(&self.exit, &Own { fields, ..Own::new(level.as_str(), target, message) });
        } else if self.complains && level <= Level::WARN {
            complain(format_args!("{message}"));
        }
        if let Some(records) = &self.records {
            let mut said = Said::saying(level.into(), target, message);
            fields.iter().for_each(|(name, value)| said.add(name, value));
            records.say(said);
        }
    }

    /// The same for what must be no record: what is said of the records themselves, and what comes after them.
    /// Where there are no lines, it goes to standard error.
    pub(crate) fn say_beside(&self, level: Level, target: &'static str, message: &str) {
        if self.own < level {
            return;
        }
        if self.are_written() {
            self.shape.own(&self.exit, &Own::new(level.as_str(), target, message));
        } else if self.complains {
            complain(format_args!("{message}"));
        }
    }

    /// Tells, of each place in the code whose lines were left out since this was last called, how many they were.
    /// Called about once a second, and at the end.
    pub(crate) fn tell_left_out(&self) {
        self.fewer.tell(|site, count, limit| {
            let message = format!(
                "suppressed {count} lines like this: one place in the code may write {limit} a second \
                 (OBSERVABILITY_LOG_LIMIT)"
            );
            let fields = [("suppressed", Value::from(count))];
            if self.are_written() {
                let own = Own::new(site.level.as_str(), &site.target, &message);
                let origin = site.origin.as_ref().map(|(file, line)| (&**file, *line));
                self.shape.own(&self.exit, &Own { fields: &fields, origin, ..own });
            }
            if let Some(records) = &self.records {
                let said = Said::saying(site.level.into(), "", &message);
                let mut said = Said { target: site.target.clone(), origin: site.origin.clone(), ..said };
                fields.iter().for_each(|(name, value)| said.add(name, value));
                records.push(said);
            }
        });
    }

    /// Writes the line of a panic of this thread.
    pub(super) fn fatal(&self, message: &str, thread: &str, origin: Origin<'_>) {
        let current = current();
        let hop = current.as_ref().and_then(|current| current.hop.as_ref());
        let trace = current.as_ref().map(|current| current.trace);
        if self.are_written() {
            let own = Own::new("FATAL", "panic", message);
            let hop = hop.map(AsRef::as_ref);
            self.shape.own(&self.exit, &Own { trace, hop, origin, thread: Some(thread), ..own });
        }
        if let Some(records) = &self.records {
            let mut said = Said::saying(Severity::FATAL, "panic", message);
            said.add(attribute::EXCEPTION_MESSAGE, &message.to_owned().into());
            said.add(attribute::THREAD_NAME, &thread.to_owned().into());
            let origin = origin.map(|(file, line)| (file.to_owned().into(), line));
            records.push(Said { name: event::PANIC, trace, hop: hop.cloned(), origin, ..said });
        }
    }
}

#[cfg(test)]
mod tests;

//! The handle to the lines: it is asked which are wanted, takes events and finished hops, and is closed at the end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata};

use super::formats::{Item, LineMaker, Object};
use super::hop_line;
use super::level::{Directives, Gate};
use super::log_crate;
use super::options::Logs;
use super::otlp::Records;
use super::sampling::Sampler;
use super::sink::{MemoryLines, Sink};
use super::urgent;
use crate::account::FlowReport;
use crate::names::key;
use crate::record::{Detailed, End, Hop, Kind, Severity, Snapshot, Value};
use crate::resource::Resource;
use crate::threads::{LossNotice, complain};
use crate::variable::Refusal;

/// Requests that are observed in detail have lines from this level on.
const IN_DETAIL: Level = Level::DEBUG;

/// The handle that the request's thread uses. What it takes becomes a line, a log record, or both, on threads of our own.
#[derive(Debug)]
pub(crate) struct Lines {
    sink: Sink,
    maker: Arc<LineMaker>,
    records: Option<Records>,
    /// No lines were asked for: warnings about this library go to standard error.
    complains: bool,
    gate: Gate,
    sampler: Sampler,
    /// What this library says of itself is written from this level on, whatever the service's own level is.
    own: LevelFilter,
    names_client: bool,
    names_request_size: bool,
    lost_lines: LossNotice,
    lost_records: LossNotice,
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
        let maker = Arc::new(logs.maker(resource));
        if logs.is_on() {
            return Ok(Self::with(Sink::stdout(Arc::clone(&maker))?, maker, logs));
        }
        Ok(Self { complains: true, ..Self::with(Sink::Off, maker, logs) })
    }

    /// Lines that a thread writes to `out`.
    #[cfg(test)]
    pub(super) fn written_to(
        out: impl std::io::Write + Send + 'static,
        logs: &Logs,
        resource: &Resource,
    ) -> Self {
        use super::{pump::CHUNK, writer};
        let maker = Arc::new(logs.maker(resource));
        let writer = writer::Writer::start(out, CHUNK, Arc::clone(&maker), writer::CAPACITY, 1);
        Self::with(Sink::Writer(writer.expect("a thread")), maker, logs)
    }

    /// No lines, and no thread to write them.
    pub(crate) fn off() -> Self {
        let logs = Logs::new().json().limit(0);
        Self::with(Sink::Off, Arc::new(logs.maker(&Resource::default())), &logs)
    }

    /// All lines in the format `json` of every level, kept in memory.
    pub(crate) fn in_memory() -> (Self, MemoryLines) {
        Self::in_memory_of(&Logs::new().json().level("trace").limit(0), &Resource::default())
    }

    /// Lines kept in memory, with these options.
    pub(crate) fn in_memory_of(logs: &Logs, resource: &Resource) -> (Self, MemoryLines) {
        let maker = Arc::new(logs.maker(resource));
        let seen = MemoryLines::new(Arc::clone(&maker));
        (Self::with(Sink::Memory(seen.clone()), maker, logs), seen)
    }

    fn with(sink: Sink, maker: Arc<LineMaker>, logs: &Logs) -> Self {
        Self {
            sink,
            maker,
            records: None,
            complains: false,
            gate: Gate::new(logs.level.clone()),
            sampler: Sampler::new(&logs.sampling),
            own: logs.own_level,
            names_client: logs.names_client,
            names_request_size: logs.names_request_size,
            lost_lines: LossNotice::new("log lines"),
            lost_records: LossNotice::new("log records"),
        }
    }

    /// Adds log records.
    pub(crate) fn with_records(self, records: Option<Records>) -> Self {
        Self { records, ..self }
    }

    /// Does a request's line say who asked?
    #[inline]
    pub(crate) fn name_the_client(&self) -> bool {
        self.names_client
    }

    /// Does a request's line say how long its body is?
    #[inline]
    pub(crate) fn names_request_size(&self) -> bool {
        self.names_request_size
    }

    /// Do lines or records leave?
    pub(crate) fn is_on(&self) -> bool {
        self.are_written() || self.records.is_some()
    }

    /// Are lines written?
    pub(crate) fn are_written(&self) -> bool {
        !matches!(self.sink, Sink::Off)
    }

    /// The log records; `None` where none leave.
    pub(crate) fn records(&self) -> Option<&Records> {
        self.records.as_ref()
    }

    /// Is a line of this call site written?
    pub(crate) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.is_on() && self.gate.lets_pass(*metadata.level(), metadata.target())
    }

    /// Does the level let lines of this level and target pass?
    pub(crate) fn lets_pass(&self, level: Level, target: &str) -> bool {
        self.is_on() && self.gate.lets_pass(level, target)
    }

    /// Does the level let lines of INFO pass where no target is named?
    pub(crate) fn writes_info(&self) -> bool {
        self.lets_pass(Level::INFO, "tower_observability")
    }

    /// The highest level of which any line is written.
    pub(crate) fn highest_level(&self) -> LevelFilter {
        let in_detail = if Detailed::now().is_some() { IN_DETAIL.into() } else { LevelFilter::OFF };
        if self.is_on() { self.gate.highest().max(in_detail) } else { LevelFilter::OFF }
    }

    /// The directives in force.
    pub(crate) fn level(&self) -> String {
        self.gate.text()
    }

    /// How to change which lines are written; `None` goes back to the configured directives.
    ///
    /// # Errors
    ///
    /// The directives cannot be read. The text says what would be right.
    pub(crate) fn change_level(
        &'static self,
        directives: Option<&str>,
    ) -> Result<Box<dyn FnOnce() + Send>, String> {
        let read = directives.map(Directives::parse).transpose();
        let read = read.map_err(|refusal| match refusal {
            Refusal::Expected(why) | Refusal::NotServed(why) | Refusal::Suspicious(why) => why,
        })?;
        if let Some(why) = read.as_ref().and_then(Directives::suspicion) {
            return Err(format!("what writes the lines that are meant ({why})"));
        }
        Ok(Box::new(move || {
            match read {
                Some(directives) => self.gate.set(directives),
                None => self.gate.reset(),
            }
            self.level_changed();
        }))
    }

    /// Keeps another share of the lines of what ended well from now on; `None` goes back to the configured one.
    pub(crate) fn set_ok_share(&self, share: Option<f64>) {
        self.sampler.set_ok_share(share);
    }

    /// Observes this in detail from now on, or nothing: in its requests events of DEBUG have lines as well.
    pub(crate) fn set_detailed(&self, detailed: Option<Detailed>) {
        Detailed::set(detailed);
        self.level_changed();
    }

    /// Would an event of this level have a line in a request that is observed in detail?
    pub(crate) fn wants_in_detail(&self, metadata: &Metadata<'_>) -> bool {
        let is_meant = || Detailed::now().is_some() && *metadata.level() <= IN_DETAIL && self.is_on();
        // A target that is off stays off: its lines may show what must not be seen.
        is_meant() && self.gate.lets_pass(Level::ERROR, metadata.target())
    }

    fn level_changed(&self) {
        // Each call site remembers whether it is wanted, so that what is not costs nothing.
        tracing::callsite::rebuild_interest_cache();
        log_crate::follow(self.highest_level());
    }

    /// Waits until every line made before is written; false if that took longer.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.sink.flush(timeout)
    }

    /// Waits until the line of a panic is written, but not for long.
    pub(super) fn wait_for_panic(&self) {
        urgent::wait_until_written(&self.sink);
    }

    /// Takes no further line, writes what waits and what is to be said of the account at its end, and gives up after
    /// `timeout`. Where there are no lines, that is said on standard error.
    pub(crate) fn close(
        &self,
        timeout: Duration,
        last: impl FnOnce(FlowReport) -> Option<(&'static str, String)>,
    ) -> FlowReport {
        self.report_left_out();
        if !self.are_written() {
            let is_said = self.complains && self.records.is_some() && self.own >= Level::INFO;
            if let Some((_, message)) = last(self.report()).filter(|_| is_said) {
                complain(format_args!("{message}"));
            }
            return self.report();
        }
        self.sink.close(timeout, |account| {
            let (target, message) = last(self.leaving_out(account)).filter(|_| self.own >= Level::INFO)?;
            let said = Snapshot::new(Severity::Info, target, &message);
            let mut line = Object::default();
            self.maker.append(&Item::Event(said.event()), &mut line).then_some(line.bytes)
        });
        self.report()
    }

    /// What became of the lines.
    pub(crate) fn report(&self) -> FlowReport {
        let report = self.sink.report();
        if self.are_written() { self.leaving_out(report) } else { report }
    }

    fn leaving_out(&self, report: FlowReport) -> FlowReport {
        report.leaving_out(self.sampler.counts())
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
        self.records.as_ref().map(|records| records.report().leaving_out(self.sampler.counts()))
    }

    /// How many bytes wait to be written, and how many may.
    pub(crate) fn fill(&self) -> (usize, usize) {
        self.sink.fill()
    }

    /// How many lines had a value cut, because they were longer than receivers take.
    pub(crate) fn shortened(&self) -> u64 {
        self.maker.shortened()
    }

    /// Turns records of the `log` crate into events, for the whole process; false if it has a logger already.
    pub(crate) fn take_log_records(&self) -> bool {
        log_crate::take(self.highest_level())
    }

    /// Takes an event. Whether it is wanted was asked before.
    #[inline]
    pub(crate) fn event(&self, event: &mut Snapshot) {
        if self.maker.names_thread()
            && let Some(name) = std::thread::current().name()
        {
            event.set_thread(name);
        }
        if let Some(records) = &self.records {
            records.event(event.clone());
        }
        let (is_error, is_outside) =
            (event.info.severity as u8 >= Severity::Error as u8, event.info.hop.is_none());
        self.sink.event(event, is_error);
        if is_error && is_outside {
            urgent::wait_for_error(&self.sink);
        }
    }

    /// Is the line of an event left out, because its call site wrote enough? It is counted then.
    #[inline]
    pub(crate) fn leaves_out(&self, event: &Event<'_>) -> bool {
        self.sampler.leaves_out_event(event)
    }

    /// Did this hop take as long as what is called slow ([`Logs::slow`])?
    pub(crate) fn is_slow(&self, hop: &Hop, end: &End) -> bool {
        end.at.since(hop.start) >= self.sampler.slow
    }

    /// Has this finished hop a line? A call that ended well has none, except for a slow query.
    #[inline]
    pub(crate) fn tells(&self, hop: &Hop, end: &End) -> bool {
        if hop.kind == Kind::Client
            && end.outcome.is_good()
            && !(hop.query().is_some() && self.is_slow(hop, end))
        {
            return false;
        }
        let (level, target) = (hop_line::level(hop.kind, end.outcome), hop_line::target(hop.kind));
        let has_level = self.gate.lets_pass(level, target)
            || hop.is_detailed() && self.gate.lets_pass(Level::ERROR, target);
        self.is_on() && has_level && !self.sampler.leaves_out_hop(hop, end)
    }

    /// Takes a finished hop that has a line.
    #[inline]
    pub(crate) fn tell(&self, hop: Arc<Hop>, end: &End) {
        if let Some(records) = &self.records {
            records.hop(&hop);
        }
        let hurries = hop_line::level(hop.kind, end.outcome) == Level::ERROR;
        self.sink.hop(hop, hurries);
    }

    /// Ends a hop, and writes its line if it has one.
    #[cfg(test)]
    pub(crate) fn hop(&self, hop: &Arc<Hop>, end: &End) {
        hop.finish(|_| *end);
        if self.tells(hop, end) {
            self.tell(Arc::clone(hop), end);
        }
    }

    /// Writes the line of a call whose response's body failed after its head, with the texts of its error and the causes.
    pub(crate) fn body_failed(&self, hop: &Arc<Hop>, error: Option<&[String]>) {
        if !self.is_on() || !self.gate.lets_pass(Level::WARN, hop_line::CLIENT) {
            return;
        }
        let mut message = String::new();
        let _ = hop_line::subject(&mut message, hop);
        message.push_str(" response body failed");
        let mut said = Snapshot::new(Severity::Warn, hop_line::CLIENT, &message);
        said.info.trace = Some(hop.trace_now());
        said.info.hop = Some(Arc::clone(hop));
        said.info.is_routed = hop.route.get().is_some();
        if let Some(error) = error {
            said.add(key::ERROR, &error.join(": ").into());
        }
        said.fields_of_request();
        self.take(said, |records, said| records.event(said));
    }

    /// Writes a line of our own: the start-up, the first delivery, the first failure. `OTEL_LOG_LEVEL` decides
    /// whether it is written, not the service's own level. Where there are no lines, trouble also goes to standard
    /// error.
    pub(crate) fn say(&self, level: Level, target: &'static str, message: &str, fields: &[(&str, Value)]) {
        if self.own < level {
            return;
        }
        if !self.are_written() && self.complains && level <= Level::WARN {
            complain(format_args!("{message}"));
        }
        let mut said = Snapshot::new(level.into(), target, message);
        fields.iter().for_each(|(name, value)| said.add(name, value));
        self.take(said, |records, said| records.say(said));
    }

    /// Writes a line of our own that must be no record: what is said of the records themselves, and what comes after
    /// them. Where there are no lines, it goes to standard error.
    pub(crate) fn say_beside(&self, level: Level, target: &'static str, message: &str) {
        if self.own < level {
            return;
        }
        if self.are_written() {
            self.sink.event(&mut Snapshot::new(level.into(), target, message), true);
        } else if self.complains {
            complain(format_args!("{message}"));
        }
    }

    /// Reports what was left out or lost since this was last called. Called about once a second, and at the end; true
    /// while a loss goes on, whose end is still to be reported.
    pub(crate) fn report_left_out(&self) -> bool {
        self.sampler.report_limited(|site, count, limit| {
            let message = format!(
                "suppressed {count} lines like this: one place in the code may write {limit} a second \
                 (OBSERVABILITY_LOG_LIMIT)"
            );
            let mut said = Snapshot::new(site.level.into(), "", &message);
            said.set_target(&site.target);
            if let Some((file, line)) = &site.origin {
                said.set_origin(file, *line);
            }
            said.add("suppressed", &count.into());
            self.take(said, |records, said| records.event(said));
        });
        let losing_lines = self.lost_lines.look(self.sink.report().reasons());
        let records = self.records.as_ref().map(Records::report);
        let losing_records = records.is_some_and(|report| self.lost_records.look(report.reasons()));
        losing_lines || losing_records
    }

    /// Writes the line of a panic.
    pub(super) fn fatal(&self, said: Snapshot) {
        self.take(said, |records, said| records.event(said));
    }

    /// Takes an event of our own for its line, and by `record` for its record.
    fn take(&self, mut said: Snapshot, record: impl FnOnce(&Records, Snapshot)) {
        if let Some(records) = &self.records {
            record(records, said.clone());
        }
        self.sink.event(&mut said, true);
    }
}

#[cfg(test)]
#[path = "lines/tests.rs"]
mod tests;

//! The snapshot of an event: when, how severe, where in a trace, and every field, copied once on the thread where the
//! event happened. Log lines and log records are made from it later, on threads of our own.
//!
//! A snapshot is one [`EventInfo`] of fixed size and one run of bytes, so that a queue keeps it without an allocation
//! for each field. What the user's own code formats is text from then on; everything else keeps its type.

use std::cell::Cell;
use std::sync::Arc;

use tracing::{Level, Metadata};
use tracing_log::NormalizeEvent as _;

use super::encoded::{Bounded, Encoded, FieldValue, LONGEST_VALUE, Longest, Tag, each_field};
use super::severity::Severity;
use super::visit::{Recorded, TakeField, Visitor};
use super::{Fields, Hop, Value, sources};
use crate::clock::Moment;
use crate::context::TraceContext;

/// At most this many bytes of all values of one event are kept.
const LONGEST: Longest = Longest { value: LONGEST_VALUE, all: 1024 * 1024 };

/// What is known of an event beside its fields.
#[derive(Clone, Debug)]
pub(crate) struct EventInfo {
    pub(crate) at: Moment,
    pub(crate) severity: Severity,
    /// Its name in OpenTelemetry's data model; empty if it has none.
    pub(crate) name: &'static str,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) hop: Option<Arc<Hop>>,
    /// Whether the hop's route was known when the event happened.
    pub(crate) is_routed: bool,
    target: Text,
    file: Text,
    line: u32,
    message: Text,
    thread: Text,
    backtrace: Text,
    /// How many bytes the event's own fields take; those of the spans around it follow.
    own: u32,
}

/// An event with its bytes, owned.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) info: EventInfo,
    fields: Encoded,
}

/// An event with its bytes, wherever they are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) info: &'a EventInfo,
    bytes: &'a [u8],
}

/// A text of the program, or a part of the snapshot's bytes.
#[derive(Clone, Copy, Debug)]
enum Text {
    Static(&'static str),
    Copied(u32, u32),
}

/// The fields of one event on their way into a snapshot.
struct Copying<'a> {
    snapshot: &'a mut Snapshot,
    /// It is a record of the `log` crate, whose metadata are among the fields.
    is_log: bool,
}

/// A buffer larger than this is not kept by its thread.
const KEPT: usize = 64 * 1024;

thread_local! {
    // Taken out while in use: user code that formats a field may log an event itself.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static LOG_FIELDS: Cell<Option<Fields>> = const { Cell::new(None) };
}

/// Runs what makes an event of a record of the `log` crate; these are the record's key-values, for which the event has no
/// fields.
pub(crate) fn with_log_fields(fields: Fields, run: impl FnOnce()) {
    let around = LOG_FIELDS.try_with(|kept| kept.replace(Some(fields))).ok().flatten();
    run();
    let _ = LOG_FIELDS.try_with(|kept| kept.set(around));
}

/// Is this event a record of the `log` crate? Those come with the metadata of a bridge; their own are in their fields.
#[inline]
pub(crate) fn is_log_record(event: &tracing::Event<'_>) -> bool {
    event.metadata().target() == "log" && event.is_log()
}

impl Snapshot {
    /// Copies an event into a buffer of this thread, and lends it to `then`.
    ///
    /// `spans` shows the fields of the enclosing spans, innermost first. It is called after the event's own fields are
    /// copied: those are formatted by the user's code, which must find no span locked.
    #[inline]
    pub(crate) fn lend(
        event: &tracing::Event<'_>,
        at: Moment,
        place: (Option<TraceContext>, Option<Arc<Hop>>),
        spans: impl FnOnce(&mut dyn FnMut(&Fields)),
        then: impl FnOnce(&mut Self),
    ) {
        let metadata = event.metadata();
        let mut fields = Encoded { bytes: BUFFER.try_with(Cell::take).unwrap_or_default() };
        fields.bytes.clear();
        let mut snapshot = Self { info: EventInfo::of(metadata, at, place), fields };
        let is_log = is_log_record(event);
        // Before its message is formatted, whose code may log as well.
        let log_fields = if is_log { LOG_FIELDS.try_with(Cell::take).ok().flatten() } else { None };
        event.record(&mut Visitor(&mut Copying { snapshot: &mut snapshot, is_log }));
        if let Some(fields) = log_fields {
            snapshot.values(&fields);
        }
        snapshot.own_fields_end();
        spans(&mut |fields| snapshot.values(fields));
        snapshot.fields_of_request();
        then(&mut snapshot);
        if snapshot.fields.bytes.capacity() <= KEPT {
            let _ = BUFFER.try_with(|buffer| buffer.set(snapshot.fields.bytes));
        }
    }

    /// Adds the fields that stand on every line of the request.
    #[inline]
    pub(crate) fn fields_of_request(&mut self) {
        if let Some(hop) = self.info.hop.as_ref().filter(|hop| hop.has_on_lines()) {
            self.copy_fields_of(Arc::clone(hop));
        }
    }

    #[cold]
    fn copy_fields_of(&mut self, hop: Arc<Hop>) {
        if let Some(fields) = hop.on_lines() {
            self.values(&fields);
        }
    }

    /// An event of our own, now, outside of any trace.
    pub(crate) fn new(severity: Severity, target: &'static str, message: &str) -> Self {
        let info = EventInfo {
            at: Moment::now(),
            severity,
            name: "",
            trace: None,
            hop: None,
            is_routed: false,
            target: Text::Static(target),
            file: Text::Static(""),
            line: 0,
            message: Text::Static(""),
            thread: Text::Static(""),
            backtrace: Text::Static(""),
            own: 0,
        };
        let mut snapshot = Self { info, fields: Encoded::default() };
        snapshot.info.message = snapshot.part(|out| out.text(message));
        snapshot
    }

    /// A copy of the snapshot that holds no hop, which would hold the copy in turn.
    #[allow(dead_code)] // reports are a feature
    pub(crate) fn without_hop(&self) -> Self {
        Self { info: EventInfo { hop: None, ..self.info.clone() }, fields: self.fields.clone() }
    }

    pub(crate) fn event(&self) -> Event<'_> {
        Event { info: &self.info, bytes: self.bytes() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.fields.bytes
    }

    /// About how many bytes it keeps in memory while it waits, beyond its fixed size.
    #[inline]
    pub(crate) fn weight(&self) -> usize {
        self.bytes().len() + self.info.hop.as_ref().map_or(0, |hop| hop.excess())
    }

    /// Adds a field of the event itself.
    pub(crate) fn add(&mut self, name: &str, value: &Value) {
        self.fields.value(LONGEST, name.as_bytes(), value.into());
        self.own_fields_end();
    }

    /// Says who speaks, where that is no text of the program.
    pub(crate) fn set_target(&mut self, target: &str) {
        self.info.target = self.part(|out| out.text(target));
        self.own_fields_end();
    }

    /// Says where in the code it happened.
    pub(crate) fn set_origin(&mut self, file: &str, line: u32) {
        self.info.file = self.part(|out| out.text(file));
        self.info.line = line;
        self.own_fields_end();
    }

    /// Says on which thread it happened.
    pub(crate) fn set_thread(&mut self, name: &str) {
        // A part is skipped wherever it stands.
        self.info.thread = self.part(|out| out.text(name));
    }

    /// Says where a panic came from.
    pub(crate) fn set_backtrace(&mut self, backtrace: &str) {
        self.info.backtrace = self.part(|out| out.text(backtrace));
        self.own_fields_end();
    }

    /// The info, to be kept with the bytes elsewhere; the hop goes with it.
    pub(crate) fn take_info(&mut self) -> EventInfo {
        let hop = self.info.hop.take();
        EventInfo { hop, ..self.info.clone() }
    }

    /// Adds what was kept as fields.
    fn values(&mut self, fields: &Fields) {
        fields.each(|name, value| self.fields.value(LONGEST, name, value));
    }

    fn own_fields_end(&mut self) {
        self.info.own = self.bytes().len() as u32;
    }

    /// Writes a text that is no field; says where. The fields leave room for it.
    fn part(&mut self, write: impl FnOnce(&mut Bounded<'_>)) -> Text {
        let (start, end) = self.fields.part(LONGEST_VALUE, write);
        Text::Copied(start, end)
    }
}

impl EventInfo {
    #[inline]
    fn of(
        metadata: &'static Metadata<'static>,
        at: Moment,
        (trace, hop): (Option<TraceContext>, Option<Arc<Hop>>),
    ) -> Self {
        // Only errors say where in the code they are.
        let origin = (*metadata.level() == Level::ERROR).then(|| metadata.file().zip(metadata.line()));
        let (file, line) = origin.flatten().unwrap_or_default();
        Self {
            at,
            severity: (*metadata.level()).into(),
            name: "",
            trace,
            is_routed: hop.as_ref().is_some_and(|hop| hop.route.get().is_some()),
            hop,
            target: Text::Static(metadata.target()),
            file: Text::Static(file),
            line,
            message: Text::Static(""),
            thread: Text::Static(""),
            backtrace: Text::Static(""),
            own: 0,
        }
    }

    /// The event whose bytes these are.
    pub(crate) fn with<'a>(&'a self, bytes: &'a [u8]) -> Event<'a> {
        Event { info: self, bytes }
    }
}

impl<'a> Event<'a> {
    /// The message. `#[instrument(err)]` writes an error without one, which then stands for it; else it is empty.
    #[inline]
    pub(crate) fn message(self) -> &'a [u8] {
        match self.text(self.info.message) {
            b"" => self.error(),
            message => message,
        }
    }

    fn error(self) -> &'a [u8] {
        let mut error: &[u8] = b"";
        self.all_fields(|name, value| match value {
            FieldValue::Text(text) | FieldValue::Error(text, _) if name == b"error" => error = text,
            _ => {}
        });
        error
    }

    /// The module, or whatever the user named instead.
    #[inline]
    pub(crate) fn target(self) -> &'a [u8] {
        self.text(self.info.target)
    }

    /// The module, where that is a text of the program.
    #[inline]
    pub(crate) fn fixed_target(self) -> Option<&'static str> {
        match self.info.target {
            Text::Static(target) => Some(target),
            Text::Copied(..) => None,
        }
    }

    /// The module as text.
    #[cfg(feature = "otlp")]
    pub(crate) fn target_text(self) -> &'a str {
        match self.info.target {
            Text::Static(target) => target,
            copied => std::str::from_utf8(self.text(copied)).unwrap_or_default(),
        }
    }

    /// File and line of an error.
    #[inline]
    pub(crate) fn origin(self) -> Option<(&'a [u8], u32)> {
        let file = self.text(self.info.file);
        (!file.is_empty()).then_some((file, self.info.line))
    }

    /// The name of the thread, where it was asked for and has one.
    #[inline]
    pub(crate) fn thread(self) -> Option<&'a [u8]> {
        Some(self.text(self.info.thread)).filter(|name| !name.is_empty())
    }

    /// Where a panic came from, if that was captured.
    #[inline]
    pub(crate) fn backtrace(self) -> Option<&'a [u8]> {
        Some(self.text(self.info.backtrace)).filter(|text| !text.is_empty())
    }

    /// Hands out the event's own fields, the message excepted, in the order in which they were recorded.
    #[cfg(any(test, feature = "reports"))]
    pub(crate) fn fields(self, take: impl FnMut(&'a [u8], FieldValue<'a>)) {
        each_field(self.bytes.get(..self.info.own as usize).unwrap_or_default(), take);
    }

    /// Hands out its own fields, and behind them those of the spans around it.
    #[inline]
    pub(crate) fn all_fields(self, take: impl FnMut(&'a [u8], FieldValue<'a>)) {
        each_field(self.bytes, take);
    }

    /// Hands out the fields of the spans around it, innermost first.
    #[cfg(test)]
    pub(crate) fn span_fields(self, take: impl FnMut(&'a [u8], FieldValue<'a>)) {
        each_field(self.bytes.get(self.info.own as usize..).unwrap_or_default(), take);
    }

    #[inline]
    fn text(self, text: Text) -> &'a [u8] {
        match text {
            Text::Static(text) => text.as_bytes(),
            Text::Copied(start, end) => self.bytes.get(start as usize..end as usize).unwrap_or_default(),
        }
    }
}

impl TakeField for Copying<'_> {
    #[inline]
    fn take(&mut self, name: &'static str, value: Recorded<'_>) {
        let Self { snapshot, is_log } = self;
        if name == "message" && matches!(snapshot.info.message, Text::Static(_)) {
            snapshot.info.message = snapshot.part(|out| out.recorded(value));
            return;
        }
        if *is_log && snapshot.take_log_metadata(name, value) {
            return;
        }
        let (fields, name) = (&mut snapshot.fields, name.as_bytes());
        match value {
            Recorded::Bool(value) => fields.number(Tag::Bool, name, u64::from(value)),
            Recorded::I64(value) => fields.number(Tag::I64, name, value.cast_unsigned()),
            Recorded::U64(value) => fields.number(Tag::U64, name, value),
            Recorded::F64(value) => fields.number(Tag::F64, name, value.to_bits()),
            Recorded::Error(error) => {
                let start = fields.open(Tag::Error, name);
                fields.item(LONGEST, |out| out.recorded(value));
                sources(error).for_each(|cause| fields.item(LONGEST, |out| out.error(cause)));
                fields.close(name, start);
            }
            Recorded::Str(text) => fields.value(LONGEST, name, text.into()),
            Recorded::Debug(_) => fields.text(LONGEST, name, |out| out.recorded(value)),
        }
    }
}

impl Snapshot {
    /// Takes what `tracing-log` says of a record of the `log` crate; false if it is a field as any other.
    fn take_log_metadata(&mut self, name: &str, value: Recorded<'_>) -> bool {
        let is_error = self.info.severity == Severity::Error;
        match (name, value) {
            ("log.target", value) => self.info.target = self.part(|out| out.recorded(value)),
            ("log.file", value) if is_error => self.info.file = self.part(|out| out.recorded(value)),
            ("log.line", Recorded::U64(line)) => self.info.line = u32::try_from(line).unwrap_or_default(),
            ("log.file" | "log.module_path" | "log.line", _) => {}
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
#[path = "event/tests.rs"]
mod tests;

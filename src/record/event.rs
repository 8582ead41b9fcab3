//! The snapshot of an event: when, how severe, where in a trace, and every field, copied once on the thread where the
//! event happened. Log lines and log records are made from it later, on threads of our own.
//!
//! A snapshot is one [`EventInfo`] of fixed size and one run of bytes, so that a queue keeps it without an allocation
//! for each field. What the user's own code formats is text from then on; everything else keeps its type.

use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::{Level, Metadata};
use tracing_log::NormalizeEvent as _;

use super::severity::Severity;
use super::visit::{Recorded, TakeField, Visitor};
use super::{Fields, Hop, PANICKED, Value, causes, guarded, prefix};
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::error::masked_urls;

/// At most this many bytes of one value are kept.
pub(crate) const LONGEST_VALUE: usize = 256 * 1024;

/// At most this many bytes of all values of one event are kept.
const LONGEST_EVENT: usize = 1024 * 1024;

/// Ends a value that was cut.
pub(crate) const CUT_MARK: &str = "…[truncated]";

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
    bytes: Vec<u8>,
}

/// An event with its bytes, wherever they are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) info: &'a EventInfo,
    bytes: &'a [u8],
}

/// The value of a field, borrowed from a snapshot or from a [`Value`]. Texts are UTF-8.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldValue<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Text(&'a [u8]),
    List(Texts<'a>),
    /// An error, and the texts of its sources, outermost first.
    Error(&'a [u8], Texts<'a>),
}

/// Several texts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texts<'a> {
    /// Each behind its length.
    Copied(&'a [u8]),
    Values(&'a [Cow<'static, str>]),
}

/// A text of the program, or a part of the snapshot's bytes.
#[derive(Clone, Copy, Debug)]
enum Text {
    Static(&'static str),
    Copied(u32, u32),
}

/// What follows a field's name in the bytes of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Bool,
    I64,
    U64,
    F64,
    Text,
    List,
    Error,
    /// No field: a text that the snapshot's info points to.
    Part,
}

/// Bytes that end where a value, or all values of an event, are long enough.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
    cut: bool,
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
    let _ = LOG_FIELDS.try_with(|kept| kept.set(Some(fields)));
    run();
    let _ = LOG_FIELDS.try_with(Cell::take);
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
        let mut bytes = BUFFER.try_with(Cell::take).unwrap_or_default();
        bytes.clear();
        let (trace, hop) = place;
        let info = EventInfo { trace, hop, ..EventInfo::of(metadata, at) };
        let mut snapshot = Self { info, bytes };
        let hop = snapshot.info.hop.as_ref();
        snapshot.info.is_routed = hop.is_some_and(|hop| hop.route.get().is_some());
        let is_log = is_log_record(event);
        event.record(&mut Visitor(&mut Copying { snapshot: &mut snapshot, is_log }));
        if is_log && let Some(fields) = LOG_FIELDS.try_with(Cell::take).ok().flatten() {
            snapshot.values(&fields);
        }
        snapshot.own_fields_end();
        spans(&mut |fields| snapshot.values(fields));
        snapshot.fields_of_request();
        then(&mut snapshot);
        if snapshot.bytes.capacity() <= KEPT {
            let _ = BUFFER.try_with(|buffer| buffer.set(snapshot.bytes));
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
        let mut snapshot = Self { info, bytes: Vec::new() };
        snapshot.info.message = snapshot.part(|out| out.text(message));
        snapshot
    }

    /// A copy of the snapshot in a buffer of the exact size.
    pub(crate) fn compact(&self) -> Self {
        Self { info: self.info.clone(), bytes: self.bytes.as_slice().into() }
    }

    /// A copy of the snapshot that holds no hop, which would hold the copy in turn.
    #[allow(dead_code)] // reports are a feature
    pub(crate) fn without_hop(&self) -> Self {
        Self { info: EventInfo { hop: None, ..self.info.clone() }, bytes: self.bytes.as_slice().into() }
    }

    pub(crate) fn event(&self) -> Event<'_> {
        Event { info: &self.info, bytes: &self.bytes }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds a field of the event itself.
    pub(crate) fn add(&mut self, name: &str, value: &Value) {
        self.value(name, value);
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
        fields.iter().for_each(|(name, value)| self.value(name, value));
    }

    fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Bool(value) => self.number(Tag::Bool, name, u64::from(*value)),
            Value::I64(value) => self.number(Tag::I64, name, *value as u64),
            Value::U64(value) => self.number(Tag::U64, name, *value),
            Value::F64(value) => self.number(Tag::F64, name, value.to_bits()),
            Value::Str(text) => {
                self.field(Tag::Text, name, |out| out.text(text));
            }
            Value::List(texts) => self.texts(Tag::List, name, texts),
        }
    }

    fn own_fields_end(&mut self) {
        self.info.own = self.bytes.len() as u32;
    }

    #[inline]
    fn number(&mut self, tag: Tag, name: &str, bits: u64) {
        self.name(tag, name);
        self.bytes.extend_from_slice(&bits.to_le_bytes());
    }

    #[inline]
    fn field(&mut self, tag: Tag, name: &str, write: impl FnOnce(&mut Bounded<'_>)) -> (usize, usize) {
        self.name(tag, name);
        self.counted(write)
    }

    fn texts<'t>(&mut self, tag: Tag, name: &str, texts: impl IntoIterator<Item = &'t Cow<'static, str>>) {
        self.name(tag, name);
        self.list(texts.into_iter(), |out, text| out.text(text));
    }

    /// Writes texts, each behind its length, behind the length of all.
    fn list<T>(&mut self, items: impl Iterator<Item = T>, write: impl Fn(&mut Bounded<'_>, T)) {
        let start = self.begin_count();
        for item in items {
            self.counted(|out| write(out, item));
        }
        self.end_count(start);
    }

    /// Writes a text that is no field; says where. The fields leave room for it.
    fn part(&mut self, write: impl FnOnce(&mut Bounded<'_>)) -> Text {
        self.name(Tag::Part, "");
        let start = self.begin_count();
        write(&mut Bounded { out: &mut self.bytes, left: LONGEST_VALUE, cut: false });
        self.end_count(start);
        Text::Copied(start as u32, self.bytes.len() as u32)
    }

    #[inline]
    fn name(&mut self, tag: Tag, name: &str) {
        let mut head = [tag as u8; 5];
        head[1..].copy_from_slice(&(name.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(name.as_bytes());
    }

    /// Writes a text behind its length; says where it is.
    #[inline]
    fn counted(&mut self, write: impl FnOnce(&mut Bounded<'_>)) -> (usize, usize) {
        let start = self.begin_count();
        let left = LONGEST_EVENT.saturating_sub(self.bytes.len()).min(LONGEST_VALUE);
        write(&mut Bounded { out: &mut self.bytes, left, cut: false });
        self.end_count(start);
        (start, self.bytes.len())
    }

    #[inline]
    fn begin_count(&mut self) -> usize {
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.len()
    }

    #[inline]
    fn end_count(&mut self, start: usize) {
        let length = (self.bytes.len() - start) as u32;
        if let Some(count) = self.bytes.get_mut(start - 4..start) {
            count.copy_from_slice(&length.to_le_bytes());
        }
    }
}

impl EventInfo {
    #[inline]
    fn of(metadata: &'static Metadata<'static>, at: Moment) -> Self {
        // Only errors say where in the code they are.
        let origin = (*metadata.level() == Level::ERROR).then(|| metadata.file().zip(metadata.line()));
        let (file, line) = origin.flatten().unwrap_or_default();
        Self {
            at,
            severity: (*metadata.level()).into(),
            name: "",
            trace: None,
            hop: None,
            is_routed: false,
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
    /// The message; empty if there is none.
    #[inline]
    pub(crate) fn message(self) -> &'a [u8] {
        self.text(self.info.message)
    }

    /// The module, or whatever the user named instead.
    #[inline]
    pub(crate) fn target(self) -> &'a [u8] {
        self.text(self.info.target)
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
    #[inline]
    pub(crate) fn fields(self, take: impl FnMut(&'a [u8], FieldValue<'a>)) {
        each(self.bytes.get(..self.info.own as usize).unwrap_or_default(), take);
    }

    /// Hands out the fields of the spans around it, innermost first.
    #[inline]
    pub(crate) fn span_fields(self, take: impl FnMut(&'a [u8], FieldValue<'a>)) {
        each(self.bytes.get(self.info.own as usize..).unwrap_or_default(), take);
    }

    #[inline]
    fn text(self, text: Text) -> &'a [u8] {
        match text {
            Text::Static(text) => text.as_bytes(),
            Text::Copied(start, end) => self.bytes.get(start as usize..end as usize).unwrap_or_default(),
        }
    }
}

#[inline]
fn each<'a>(mut bytes: &'a [u8], mut take: impl FnMut(&'a [u8], FieldValue<'a>)) {
    while let Some(tag) = bytes.split_off_first() {
        let name = counted(&mut bytes);
        let value = match *tag {
            0 => FieldValue::Bool(number(&mut bytes) != 0),
            1 => FieldValue::I64(number(&mut bytes) as i64),
            2 => FieldValue::U64(number(&mut bytes)),
            3 => FieldValue::F64(f64::from_bits(number(&mut bytes))),
            4 => FieldValue::Text(counted(&mut bytes)),
            5 => FieldValue::List(Texts::Copied(counted(&mut bytes))),
            6 => {
                let text = counted(&mut bytes);
                FieldValue::Error(text, Texts::Copied(counted(&mut bytes)))
            }
            _ => {
                counted(&mut bytes);
                continue;
            }
        };
        take(name, value);
    }
}

/// Splits off a text behind its length.
#[inline]
fn counted<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (length, rest) = bytes.split_first_chunk().unwrap_or((&[0; 4], &[]));
    let length = u32::from_le_bytes(*length) as usize;
    let (text, rest) = rest.split_at_checked(length).unwrap_or_default();
    *bytes = rest;
    text
}

#[inline]
fn number(bytes: &mut &[u8]) -> u64 {
    let (number, rest) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
    *bytes = rest;
    u64::from_le_bytes(*number)
}

impl<'a> Texts<'a> {
    pub(crate) fn is_empty(self) -> bool {
        match self {
            Self::Copied(bytes) => bytes.is_empty(),
            Self::Values(texts) => texts.is_empty(),
        }
    }
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Copied([]) => None,
            Self::Copied(bytes) => Some(counted(bytes)),
            Self::Values(texts) => texts.split_off_first().map(|text| text.as_bytes()),
        }
    }
}

impl<'a> From<&'a Value> for FieldValue<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::I64(value) => Self::I64(*value),
            Value::U64(value) => Self::U64(*value),
            Value::F64(value) => Self::F64(*value),
            Value::Str(text) => Self::Text(text.as_bytes()),
            Value::List(texts) => Self::List(Texts::Values(texts)),
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
        match value {
            Recorded::Bool(value) => snapshot.number(Tag::Bool, name, u64::from(value)),
            Recorded::I64(value) => snapshot.number(Tag::I64, name, value as u64),
            Recorded::U64(value) => snapshot.number(Tag::U64, name, value),
            Recorded::F64(value) => snapshot.number(Tag::F64, name, value.to_bits()),
            Recorded::Error(error) => {
                snapshot.field(Tag::Error, name, |out| out.recorded(value));
                let sources = guarded(|| causes(error.source(), |error| error.source()));
                snapshot.list(sources.into_iter().flatten(), |out, cause| out.error(cause));
            }
            Recorded::Str(_) | Recorded::Debug(_) => {
                snapshot.field(Tag::Text, name, |out| out.recorded(value));
            }
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

impl Bounded<'_> {
    #[inline]
    fn text(&mut self, text: &str) {
        let _ = self.write_str(text);
    }

    /// Writes a value as text.
    fn recorded(&mut self, value: Recorded<'_>) {
        match value {
            Recorded::Str(text) => self.text(text),
            Recorded::Debug(value) => self.format(value),
            Recorded::Error(error) => self.error(error),
            Recorded::Bool(value) => self.format(&value),
            Recorded::I64(value) => self.format(&value),
            Recorded::U64(value) => self.format(&value),
            Recorded::F64(value) => self.format(&value),
        }
    }

    /// Writes what an error says, without what a URL in it may have as a secret.
    fn error(&mut self, error: &dyn Error) {
        let start = self.out.len();
        self.format(&format_args!("{error}"));
        let written = self.out.get(start..).and_then(|written| str::from_utf8(written).ok());
        if let Some(Cow::Owned(masked)) = written.map(masked_urls) {
            self.out.truncate(start);
            self.out.extend_from_slice(masked.as_bytes());
        }
    }

    /// Formats by the user's own code. If that panics, the value is `<panicked>`; if it fails, what was written before
    /// stands, and `<failed>` behind it.
    fn format(&mut self, value: &dyn fmt::Debug) {
        let start = self.out.len();
        match guarded(|| write!(self, "{value:?}").is_err()) {
            Some(true) if !self.cut => self.out.extend_from_slice(b"<failed>"),
            Some(_) => {}
            None => {
                self.out.truncate(start);
                self.out.extend_from_slice(PANICKED.as_bytes());
            }
        }
    }
}

impl fmt::Write for Bounded<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left {
            self.left -= text.len();
            self.out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        if !std::mem::replace(&mut self.cut, true) {
            self.out.extend_from_slice(prefix(text, self.left).as_bytes());
            self.out.extend_from_slice(CUT_MARK.as_bytes());
            self.left = 0;
        }
        Err(fmt::Error)
    }
}

#[cfg(test)]
#[path = "event/tests.rs"]
mod tests;

//! Builds one JSON line, key by key.

use std::sync::Arc;

use super::escape::escape;
use super::number::{float, float_text, integer, small};
use super::time::Calendar;
use super::user_fields::UserFields;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::record::{CUT_MARK, FieldValue, Hop, LONGEST_VALUE, Severity, prefix};

/// The bytes of one line, behind those of others, and what is known of them. Used again for the lines that follow.
#[derive(Debug, Default)]
pub(in crate::logs) struct Object {
    pub(in crate::logs) bytes: Vec<u8>,
    /// Where the line begins.
    start: usize,
    /// Where the texts are that may have to be cut, in the order of the line. Only of a line that is too long: it is made
    /// once more for that.
    texts: Option<Vec<Text>>,
    pub(super) users: UserFields,
    /// Where the object with the attributes begins, in a format that has one.
    pub(super) opened: usize,
    heads: [Part<(Severity, &'static str)>; HEADS],
    ids: Part<TraceContext>,
    request: Part<(Arc<Hop>, bool)>,
    pub(super) scratch: String,
    calendar: Calendar,
}

/// How many heads are kept: a power of two, above that of the modules that write most lines.
const HEADS: usize = 16;

/// An escaped text, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A part of a line that is the same on many: most lines follow another one of their request, their span, their module.
#[derive(Debug)]
struct Part<T> {
    /// Of what it was written last.
    of: Option<T>,
    bytes: Vec<u8>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { of: None, bytes: Vec::new() }
    }
}

impl<T> Part<T> {
    #[inline]
    fn keep(&mut self, of: T, bytes: Option<&[u8]>) {
        self.of = Some(of);
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes.unwrap_or_default());
    }
}

impl Object {
    /// Begins a line behind the bytes that are there.
    #[inline]
    pub(in crate::logs) fn begin(&mut self) {
        self.start = self.bytes.len();
        self.users.begin();
        self.opened = 0;
    }

    /// Takes back the line, and has it made once more by `write`, this time with a note of where its texts are.
    pub(super) fn again(&mut self, write: impl FnOnce(&mut Self)) {
        self.forget();
        self.texts = Some(Vec::new());
        write(self);
    }

    /// The texts of the line that was made once more, which may be cut, in the order of the line.
    pub(super) fn take_texts(&mut self) -> Vec<Text> {
        self.texts.take().unwrap_or_default()
    }

    /// Writes a text that may have to be cut, as it is.
    pub(super) fn cuttable(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.note_text(start);
    }

    #[inline]
    fn note_text(&mut self, start: usize) {
        if let Some(texts) = &mut self.texts {
            texts.push(Text { start: start as u32, end: self.bytes.len() as u32 });
        }
    }

    /// The line as far as it is written.
    #[inline]
    pub(in crate::logs) fn line(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Writes a point in time.
    #[inline]
    pub(in crate::logs) fn time(&mut self, at: Moment) {
        self.bytes.extend_from_slice(self.calendar.rfc3339(at));
    }

    /// Takes back all of the line.
    pub(in crate::logs) fn forget(&mut self) {
        self.bytes.truncate(self.start);
    }

    /// Lets go of the request whose lines were written last.
    pub(in crate::logs) fn forget_request(&mut self) {
        self.request.of = None;
    }

    /// Writes bytes that were encoded before: whole key-value pairs, with their commas.
    #[inline]
    pub(in crate::logs) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes one of our keys with a string that needs no escaping.
    #[inline]
    pub(super) fn plain(&mut self, member: &'static [u8], text: &[u8]) {
        self.bytes.extend_from_slice(member);
        self.bytes.extend_from_slice(text);
        self.bytes.push(b'"');
    }

    /// Writes one of our keys with a string.
    #[inline]
    pub(super) fn text(&mut self, member: &'static [u8], text: &[u8]) {
        self.bytes.extend_from_slice(member);
        self.between_quotes(|bytes| escape(bytes, text));
    }

    /// Writes one of our keys with a string made of several parts.
    pub(super) fn joined<'t>(
        &mut self,
        member: &'static [u8],
        texts: impl Iterator<Item = &'t [u8]>,
        between: &[u8],
    ) {
        self.bytes.extend_from_slice(member);
        self.between_quotes(|bytes| join(bytes, texts, between));
    }

    /// Writes one of our keys with a number.
    #[inline]
    pub(super) fn number(&mut self, member: &'static [u8], number: impl itoa::Integer) {
        self.bytes.extend_from_slice(member);
        integer(&mut self.bytes, number);
    }

    /// Ends a user's key, and writes its value, as text if that is wanted.
    // As with the others that are always inlined here, what it is called for is shorter than the call.
    #[inline(always)]
    pub(super) fn value(&mut self, value: FieldValue<'_>, as_text: bool) {
        match value {
            FieldValue::U64(value) if !as_text => {
                self.bytes.extend_from_slice(b"\":");
                small(&mut self.bytes, value);
            }
            FieldValue::Text(text) => {
                self.bytes.extend_from_slice(b"\":\"");
                self.between_quotes(|bytes| bounded(bytes, text));
            }
            value => self.other_value(value, as_text),
        }
    }

    fn other_value(&mut self, value: FieldValue<'_>, as_text: bool) {
        self.bytes.extend_from_slice(b"\":");
        match value {
            FieldValue::Bool(value) if !as_text => self.raw(if value { b"true" } else { b"false" }),
            FieldValue::I64(value) if !as_text => integer(&mut self.bytes, value),
            FieldValue::F64(value) if !as_text => float(&mut self.bytes, value),
            value => {
                self.bytes.push(b'"');
                self.between_quotes(|bytes| write_text(bytes, value));
            }
        }
    }

    /// Writes what stands between the time and the message, made by `write` unless a line of this level and module was
    /// made before.
    #[inline]
    pub(super) fn head(&mut self, severity: Severity, target: &'static str, write: impl FnOnce(&mut Self)) {
        let place = (target.as_ptr().addr() / 8 + severity as usize) % HEADS;
        let same = |of: &(Severity, &str)| of.0 == severity && std::ptr::eq(of.1, target);
        let head = &self.heads[place];
        if head.of.as_ref().is_some_and(same) && self.texts.is_none() {
            self.bytes.extend_from_slice(&head.bytes);
            return;
        }
        let start = self.bytes.len();
        write(self);
        self.heads[place].keep((severity, target), self.bytes.get(start..));
    }

    /// Writes where in a trace the line belongs, made by `write` unless the last line belongs there, too.
    #[inline(always)]
    pub(super) fn ids(&mut self, of: &TraceContext, write: impl FnOnce(&mut Self)) {
        if self.ids.of.as_ref() == Some(of) {
            self.bytes.extend_from_slice(&self.ids.bytes);
        } else {
            self.new_ids(*of, write);
        }
    }

    fn new_ids(&mut self, of: TraceContext, write: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        write(self);
        self.ids.keep(of, self.bytes.get(start..));
    }

    /// Writes what all lines of a request say of it, made by `write` unless the last line was of the same request; and
    /// keeps it for the next one.
    #[inline]
    pub(super) fn request(
        &mut self,
        hop: &Arc<Hop>,
        is_routed: bool,
        keep: bool,
        write: impl FnOnce(&mut Self),
    ) {
        let same = |of: &(Arc<Hop>, bool)| Arc::ptr_eq(&of.0, hop) && of.1 == is_routed;
        if self.request.of.as_ref().is_some_and(same) && self.texts.is_none() {
            self.bytes.extend_from_slice(&self.request.bytes);
            return;
        }
        let start = self.bytes.len();
        write(self);
        if keep {
            self.request.keep((Arc::clone(hop), is_routed), self.bytes.get(start..));
        }
    }

    /// Writes an escaped text behind its opening quote, and the closing quote.
    #[inline(always)]
    fn between_quotes(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.note_text(start);
        self.bytes.push(b'"');
    }
}

/// Writes a value as text, escaped.
fn write_text(out: &mut Vec<u8>, value: FieldValue<'_>) {
    match value {
        FieldValue::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        FieldValue::I64(value) => integer(out, value),
        FieldValue::U64(value) => integer(out, value),
        FieldValue::F64(value) => float_text(out, value),
        FieldValue::Text(text) | FieldValue::Error(text, _) => bounded(out, text),
        FieldValue::List(texts) => join(out, texts, b", "),
    }
}

/// Writes a text, cut where it is longer than one value may be.
#[inline]
fn bounded(out: &mut Vec<u8>, text: &[u8]) {
    // What was cut before brings its mark.
    if text.len() <= LONGEST_VALUE + CUT_MARK.len() {
        return escape(out, text);
    }
    let text = std::str::from_utf8(text).unwrap_or_default();
    escape(out, prefix(text, LONGEST_VALUE).as_bytes());
    escape(out, CUT_MARK.as_bytes());
}

fn join<'t>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'t [u8]>, between: &[u8]) {
    for (place, text) in texts.enumerate() {
        if place > 0 {
            out.extend_from_slice(between);
        }
        bounded(out, text);
    }
}

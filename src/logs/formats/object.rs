//! Builds one JSON line, key by key.

use std::sync::Arc;

use super::escape::escape;
use super::number::{float, float_text, integer};
use super::time::Calendar;
use super::user_fields::UserFields;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::record::{CUT_MARK, FieldValue, Hop, LONGEST_VALUE, prefix};

/// The bytes of one line, behind those of others, and what is known of them. Used again for the lines that follow.
#[derive(Debug, Default)]
pub(in crate::logs) struct Object {
    pub(in crate::logs) bytes: Vec<u8>,
    /// Where the line begins.
    start: usize,
    /// Where the texts are that may have to be cut, in the order of the line.
    texts: Vec<Text>,
    pub(super) users: UserFields,
    /// Where the object with the attributes begins, in a format that has one.
    pub(super) opened: usize,
    pub(super) request: RequestPart,
    ids: Ids,
    pub(super) scratch: String,
    calendar: Calendar,
}

/// A text that is no longer is never cut.
pub(super) const SHORT: u32 = 2 * CUT_MARK.len() as u32;

/// An escaped text, between its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What all lines of one request say of it, as it was written on the last of them: most lines follow another one of
/// their request.
#[derive(Debug, Default)]
pub(super) struct RequestPart {
    hop: Option<(Arc<Hop>, bool)>,
    bytes: Vec<u8>,
    /// Where its texts are that may have to be cut.
    texts: Vec<Text>,
}

/// Where in a trace the last line belongs, as it was written on it: the next one often belongs there as well.
#[derive(Debug, Default)]
struct Ids {
    of: Option<TraceContext>,
    bytes: Vec<u8>,
}

impl Object {
    /// Begins a line behind the bytes that are there.
    #[inline]
    pub(in crate::logs) fn begin(&mut self) {
        self.begin_with(b"{");
        self.users.begin();
        self.opened = 0;
    }

    /// Begins a line that is no object, and is ended by who writes it.
    pub(in crate::logs) fn begin_with(&mut self, head: &[u8]) {
        self.start = self.bytes.len();
        self.texts.clear();
        self.bytes.extend_from_slice(head);
    }

    /// Writes a text that may have to be cut, as it is.
    pub(super) fn cuttable(&mut self, text: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text);
        self.texts.push(Text { start, end: self.bytes.len() as u32 });
    }

    /// The line as far as it is written.
    #[inline]
    pub(in crate::logs) fn line(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Writes a point in time.
    #[inline]
    pub(in crate::logs) fn time(&mut self, at: Moment) {
        let text = self.calendar.rfc3339(at);
        self.bytes.extend_from_slice(&text);
    }

    /// Takes back all of the line.
    pub(in crate::logs) fn forget(&mut self) {
        self.bytes.truncate(self.start);
    }

    /// Lets go of the request whose lines were written last.
    pub(in crate::logs) fn forget_request(&mut self) {
        self.request = RequestPart { hop: None, ..std::mem::take(&mut self.request) };
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

    /// Writes a user's value behind its key, as text if that is wanted.
    #[inline]
    pub(super) fn value(&mut self, value: FieldValue<'_>, as_text: bool) {
        match value {
            FieldValue::Bool(value) if !as_text => self.raw(if value { b"true" } else { b"false" }),
            FieldValue::I64(value) if !as_text => integer(&mut self.bytes, value),
            FieldValue::U64(value) if !as_text => integer(&mut self.bytes, value),
            FieldValue::F64(value) if !as_text => float(&mut self.bytes, value),
            value => {
                self.bytes.push(b'"');
                self.between_quotes(|bytes| write_text(bytes, value));
            }
        }
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
        let start = self.bytes.len() as u32;
        let known = self.request.hop.as_ref();
        if known.is_some_and(|(known, routed)| Arc::ptr_eq(known, hop) && *routed == is_routed) {
            self.bytes.extend_from_slice(&self.request.bytes);
            let moved = |text: &Text| Text { start: text.start + start, end: text.end + start };
            self.texts.extend(self.request.texts.iter().map(moved));
            return;
        }
        let texts = self.texts.len();
        write(self);
        if !keep {
            return;
        }
        let Self { bytes, request, .. } = self;
        request.hop = Some((Arc::clone(hop), is_routed));
        request.bytes.clear();
        request.bytes.extend_from_slice(bytes.get(start as usize..).unwrap_or_default());
        request.texts.clear();
        let moved = |text: &Text| Text { start: text.start - start, end: text.end - start };
        request.texts.extend(self.texts.iter().skip(texts).map(moved));
    }

    /// Writes where in a trace the line belongs, made by `write` unless the last line belongs there, too.
    #[inline]
    pub(super) fn ids(&mut self, of: TraceContext, write: impl FnOnce(&mut Self)) {
        if self.ids.of == Some(of) {
            self.bytes.extend_from_slice(&self.ids.bytes);
            return;
        }
        let start = self.bytes.len();
        write(self);
        self.ids.of = Some(of);
        self.ids.bytes.clear();
        self.ids.bytes.extend_from_slice(self.bytes.get(start..).unwrap_or_default());
    }

    /// The texts that may be cut, in the order of the line.
    pub(super) fn texts_mut(&mut self) -> (&mut Vec<u8>, &mut [Text]) {
        (&mut self.bytes, &mut self.texts)
    }

    /// Writes an escaped text behind its opening quote, and the closing quote.
    #[inline]
    fn between_quotes(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len() as u32;
        write(&mut self.bytes);
        let end = self.bytes.len() as u32;
        if end - start > SHORT {
            self.texts.push(Text { start, end });
        }
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

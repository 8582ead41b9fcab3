//! One line while it grows, member by member, and where the format `json` puts a user's field: never a key
//! twice.

use std::fmt::{self, Write as _};

use super::escape::{CUT_MARK, Checked, Escaping, LONGEST_VALUE, bytes_of, id_and_quote, text_of};
use super::fields::Borrowed;
use super::members::{Json, Members as _};
use super::number::{float, integer};
use super::users::Users;
use crate::names::key;
use crate::record::{Joined, PANICKED, guarded, prefix};

/// The bytes of one line, behind those of others, and what is known of them. Kept per thread and used again.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    /// Where the line begins.
    start: usize,
    entries: Vec<Entry>,
    has_message: bool,
    /// What the other formats remember of the user's fields; `json` never looks at it.
    pub(super) users: Users,
}

/// A key that may meet another one, or whose value may have to be cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    key_start: u32,
    key_end: u32,
    /// Where the text between the value's quotes is; empty if the value is no text.
    pub(super) text_start: u32,
    pub(super) text_end: u32,
    origin: Origin,
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Ours,
    /// The user's, with so many prefixes before his own name.
    User(u8),
}

/// For each length, which first letters a reserved key of that length has: most names are told apart by these.
const RESERVED_LETTERS: [u32; 32] = {
    let mut letters = [0; 32];
    let mut place = 0;
    while place < key::RESERVED.len() {
        let name = key::RESERVED[place].as_bytes();
        letters[name.len()] |= 1 << (name[0] & 31);
        place += 1;
    }
    letters
};

/// May only we write this key?
fn is_reserved(name: &str) -> bool {
    let first = name.as_bytes().first().copied().unwrap_or_default();
    let letters = RESERVED_LETTERS.get(name.len()).copied().unwrap_or_default();
    letters & 1 << (first & 31) != 0 && key::RESERVED.contains(&name)
}

impl Object {
    /// Begins a line behind the bytes that are there.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.start = self.bytes.len();
        self.entries.clear();
        self.has_message = false;
        self.bytes.push(b'{');
    }

    /// Ends the line: a message is always there.
    #[inline]
    pub(super) fn end(&mut self) {
        self.message_if_none(Json::MESSAGE, b"");
        self.bytes.extend_from_slice(b"}\n");
    }

    /// The line as far as it is written.
    #[inline]
    pub(super) fn line(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Takes back all of the line.
    pub(super) fn forget(&mut self) {
        self.bytes.truncate(self.start);
    }

    /// Writes a message if there is none.
    #[inline]
    pub(super) fn message_if_none(&mut self, member: &'static [u8], text: &[u8]) {
        if !std::mem::replace(&mut self.has_message, true) {
            self.bytes.extend_from_slice(member);
            self.bytes.extend_from_slice(text);
            self.bytes.push(b'"');
        }
    }

    /// Writes bytes that were made before: whole members, with their commas.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes one of our members, made before up to its opening quote, with a text that needs no escape.
    #[inline]
    pub(super) fn plain(&mut self, member: &'static [u8], text: &str) {
        self.bytes.extend_from_slice(member);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'"');
    }

    /// Writes one of our members, made before up to its opening quote, with a text that is escaped.
    #[inline]
    pub(super) fn escaped(&mut self, member: &'static [u8], text: &[u8]) {
        self.bytes.extend_from_slice(member);
        bytes_of(&mut self.bytes, text);
        self.bytes.push(b'"');
    }

    /// The same with an id, which most often is a UUID.
    #[inline(always)]
    pub(super) fn id(&mut self, member: &'static [u8], text: &[u8]) {
        self.bytes.extend_from_slice(member);
        id_and_quote(&mut self.bytes, text);
    }

    /// The same with a text that was looked at before.
    #[inline]
    pub(super) fn checked(&mut self, member: &'static [u8], text: Checked<'_>) {
        self.bytes.extend_from_slice(member);
        text.write(&mut self.bytes);
        self.bytes.push(b'"');
    }

    /// Writes one of our members, made before up to its opening quote, with a text that may have to be cut.
    #[inline(always)]
    pub(super) fn cuttable(&mut self, member: &'static [u8], write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend_from_slice(member);
        self.cuttable_behind(member, write);
    }

    /// The same behind a member that is there.
    #[inline(always)]
    fn cuttable_behind(&mut self, member: &'static [u8], write: impl FnOnce(&mut Vec<u8>)) {
        let text_start = self.bytes.len();
        write(&mut self.bytes);
        // Before the key stand a comma and its quote, behind it its quote, the colon and the opening quote.
        let key = (text_start - member.len() + 2, text_start - 3);
        self.remember(key, (text_start, self.bytes.len()), Origin::Ours);
        self.bytes.push(b'"');
    }

    /// Writes the message of a line that has no other, as bytes that are escaped already. Its member, up to the opening
    /// quote, is there.
    #[inline(always)]
    pub(super) fn only_message(&mut self, member: &'static [u8], write: impl FnOnce(&mut Vec<u8>)) {
        self.has_message = true;
        self.cuttable_behind(member, write);
    }

    /// Writes one of our members with a text of any length that is formatted into it.
    pub(super) fn long_text(
        &mut self,
        member: &'static [u8],
        write: impl FnOnce(&mut Escaping<'_>) -> fmt::Result,
    ) {
        self.cuttable(member, |bytes| Escaping::new(bytes).all(write));
    }

    /// Writes one of our members with a number.
    #[inline]
    pub(super) fn number(&mut self, member: &'static [u8], number: impl itoa::Integer) {
        self.bytes.extend_from_slice(member);
        integer(&mut self.bytes, number);
    }

    /// Writes the message under its key, as text, so that the key has one type; false if there is one already.
    pub(super) fn message_as(&mut self, member: &'static [u8], value: Borrowed<'_>) -> bool {
        if self.has_message {
            return false;
        }
        self.has_message = true;
        self.text_as(member, value);
        true
    }

    /// Writes one of our members with a user's value, as text whatever it is.
    pub(super) fn text_as(&mut self, member: &'static [u8], value: Borrowed<'_>) {
        let key_start = self.bytes.len() + 2;
        // The value brings its own opening quote.
        self.bytes.extend_from_slice(member.split_last().map_or(member, |(_, member)| member));
        let key_end = self.bytes.len() - 2;
        let text = self.value_as_text(value);
        self.remember((key_start, key_end), text, Origin::Ours);
    }

    /// Writes a user's value under a key that is on the line, whose bytes these are.
    pub(super) fn placed(&mut self, key: (usize, usize), value: Borrowed<'_>, as_text: bool) {
        let text = if as_text { self.value_as_text(value) } else { self.value(value) };
        self.remember(key, text, Origin::Ours);
    }

    /// The text that was written last, escaped; it still ends the line.
    pub(super) fn last_text(&self) -> &[u8] {
        let place = self.entries.last().map(|entry| entry.text_start as usize..entry.text_end as usize);
        place.and_then(|place| self.bytes.get(place)).unwrap_or_default()
    }

    /// Writes another text in its place.
    pub(super) fn replace_last_text(&mut self, text: &[u8]) {
        let Some(entry) = self.entries.last_mut() else { return };
        self.bytes.truncate(entry.text_start as usize);
        self.bytes.extend_from_slice(text);
        entry.text_end = self.bytes.len() as u32;
        self.bytes.push(b'"');
    }

    /// The texts that may be cut, in the order of the line.
    pub(super) fn entries_mut(&mut self) -> (&mut Vec<u8>, &mut [Entry]) {
        (&mut self.bytes, &mut self.entries)
    }

    #[inline]
    fn remember(&mut self, key: (usize, usize), text: (usize, usize), origin: Origin) {
        self.entries.push(Entry {
            key_start: key.0 as u32,
            key_end: key.1 as u32,
            text_start: text.0 as u32,
            text_end: text.1 as u32,
            origin,
        });
    }

    fn key_of(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.key_start as usize..entry.key_end as usize).unwrap_or_default()
    }

    /// Writes a user's key; `None` if his field of that name is on the line already.
    fn user_key(&mut self, name: &str) -> Option<(usize, usize, Origin)> {
        let comma = self.bytes.len();
        self.bytes.extend_from_slice(b",\"");
        let start = self.bytes.len();
        let mut prefixes = u8::from(is_reserved(name));
        if prefixes == 1 {
            self.bytes.extend_from_slice(key::MOVED_PREFIX.as_bytes());
        }
        let own = self.bytes.len();
        text_of(&mut self.bytes, name);
        if self.is_shadowed(own) {
            self.bytes.truncate(comma);
            return None;
        }
        while self.is_taken(start) && prefixes < u8::MAX {
            self.insert_prefix(start);
            prefixes += 1;
        }
        let end = self.bytes.len();
        self.bytes.extend_from_slice(b"\":");
        Some((start, end, Origin::User(prefixes)))
    }

    /// Did the user put a field of this name before? `start` is where the name was written, at the very end.
    fn is_shadowed(&self, start: usize) -> bool {
        let name = self.bytes.get(start..).unwrap_or_default();
        self.entries.iter().any(|entry| {
            let Origin::User(prefixes) = entry.origin else { return false };
            let own = self.key_of(entry).get(usize::from(prefixes) * key::MOVED_PREFIX.len()..);
            own == Some(name)
        })
    }

    fn is_taken(&self, start: usize) -> bool {
        let name = self.bytes.get(start..).unwrap_or_default();
        self.entries.iter().any(|entry| self.key_of(entry) == name)
    }

    fn insert_prefix(&mut self, at: usize) {
        self.bytes.splice(at..at, key::MOVED_PREFIX.bytes());
    }

    fn value_as_text(&mut self, value: Borrowed<'_>) -> (usize, usize) {
        match value {
            Borrowed::Bool(value) => self.formatted(&value),
            Borrowed::I64(value) => self.formatted(&value),
            Borrowed::U64(value) => self.formatted(&value),
            Borrowed::F64(value) => self.formatted(&value),
            text => self.value(text),
        }
    }

    /// Writes a value; says between which bytes its text is.
    fn value(&mut self, value: Borrowed<'_>) -> (usize, usize) {
        match value {
            Borrowed::Bool(value) => self.raw(if value { b"true" } else { b"false" }),
            Borrowed::I64(value) => integer(&mut self.bytes, value),
            Borrowed::U64(value) => integer(&mut self.bytes, value),
            Borrowed::F64(value) => float(&mut self.bytes, value),
            Borrowed::Str(text) => return self.text(text),
            Borrowed::List(texts) => return self.text(&Joined(texts).to_string()),
            Borrowed::Told(text) | Borrowed::Error(text, _) => return self.told(text),
        }
        (0, 0)
    }

    fn text(&mut self, text: &str) -> (usize, usize) {
        self.bytes.push(b'"');
        let start = self.bytes.len();
        text_of(&mut self.bytes, prefix(text, LONGEST_VALUE));
        if text.len() > LONGEST_VALUE {
            text_of(&mut self.bytes, CUT_MARK);
        }
        let end = self.bytes.len();
        self.bytes.push(b'"');
        (start, end)
    }

    fn told(&mut self, text: &[u8]) -> (usize, usize) {
        self.bytes.push(b'"');
        let start = self.bytes.len();
        bytes_of(&mut self.bytes, text);
        let end = self.bytes.len();
        self.bytes.push(b'"');
        (start, end)
    }

    /// Writes what no text is as one.
    fn formatted(&mut self, value: &dyn fmt::Debug) -> (usize, usize) {
        self.bytes.push(b'"');
        let start = self.bytes.len();
        format_guarded(&mut self.bytes, value, true);
        let end = self.bytes.len();
        self.bytes.push(b'"');
        (start, end)
    }
}

/// Formats the user's value, escaped or as it is; a panic within leaves `<panicked>`.
pub(super) fn format_guarded(bytes: &mut Vec<u8>, value: &dyn fmt::Debug, escape: bool) {
    let start = bytes.len();
    // What the closure leaves half-done is truncated.
    let failed = guarded(|| {
        let mut escaping = if escape { Escaping::new(bytes) } else { Escaping::bounded(bytes) };
        let failed = write!(escaping, "{value:?}").is_err();
        failed && !escaping.was_cut()
    });
    match failed {
        Some(false) => {}
        // The user's impl returned an error; what it wrote before stands.
        Some(true) => bytes.extend_from_slice(b"<failed>"),
        None => {
            bytes.truncate(start);
            bytes.extend_from_slice(PANICKED.as_bytes());
        }
    }
}

/// The format `json`.
impl Object {
    /// Puts the event's message on the line.
    pub(super) fn message(&mut self, value: Borrowed<'_>) {
        if !self.message_as(Json::MESSAGE, value) {
            self.field(key::MESSAGE, value);
        }
    }

    /// Puts a user's field on the line; the first of a name wins.
    pub(super) fn field(&mut self, name: &str, value: Borrowed<'_>) {
        let Some((start, end, origin)) = self.user_key(name) else { return };
        let text = self.value(value);
        self.remember((start, end), text, origin);
        if let (Borrowed::Error(_, Some(chain)), key::ERROR) = (value, name)
            && !self.has(key::ERROR_CHAIN)
        {
            self.text_as(Json::ERROR_CHAIN, Borrowed::Told(chain));
        }
    }

    fn has(&self, key: &'static str) -> bool {
        self.entries.iter().any(|entry| self.key_of(entry) == key.as_bytes())
    }
}

#[cfg(test)]
#[path = "json/tests.rs"]
pub(super) mod tests;

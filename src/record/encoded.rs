//! Fields as bytes, one behind the other: what an event, a request or a span is given is copied once, read in order, and
//! freed at once.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};

use super::visit::Recorded;
use super::{PANICKED, Value, guarded, prefix};
use crate::error::masked_urls;

/// At most this many bytes of one value are kept.
pub(crate) const LONGEST_VALUE: usize = 256 * 1024;

/// Ends a value that was cut.
pub(crate) const CUT_MARK: &str = "…[truncated]";

/// Fields, and texts that are no fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
}

/// The value of a field, borrowed from what was copied or from a [`Value`]. Texts are UTF-8.
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
    Values(&'a [Cow<'a, str>]),
}

/// What stands before a field's name.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    Bool,
    I64,
    U64,
    F64,
    Text,
    List,
    Error,
    /// No field: a text that is found by its place.
    Part,
}

/// Bytes that end where a value, or all values of an event, are long enough.
pub(super) struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
    cut: bool,
}

/// How long a value, and all of them together, may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Longest {
    pub(super) value: usize,
    pub(super) all: usize,
}

/// The tag, and the lengths of the name and of the value, which follow.
pub(super) const HEAD: usize = 9;

impl Encoded {
    /// Adds a field.
    #[inline(always)]
    pub(super) fn value(&mut self, longest: Longest, name: &[u8], value: FieldValue<'_>) {
        match value {
            FieldValue::Bool(value) => self.number(Tag::Bool, name, u64::from(value)),
            FieldValue::I64(value) => self.number(Tag::I64, name, value.cast_unsigned()),
            FieldValue::U64(value) => self.number(Tag::U64, name, value),
            FieldValue::F64(value) => self.number(Tag::F64, name, value.to_bits()),
            FieldValue::Text(text) if text.len() <= self.left(longest) => self.push(Tag::Text, name, text),
            FieldValue::Text(text) => self.text(longest, name, |out| out.bytes(text)),
            FieldValue::List(texts) => self.texts(longest, Tag::List, name, texts),
            FieldValue::Error(text, causes) => {
                self.texts(longest, Tag::Error, name, std::iter::once(text).chain(causes));
            }
        }
    }

    /// Adds a text that is written by `write`.
    #[inline]
    pub(super) fn text(&mut self, longest: Longest, name: &[u8], write: impl FnOnce(&mut Bounded<'_>)) {
        let start = self.open(Tag::Text, name);
        self.write(longest, write);
        self.close(name, start);
    }

    /// Adds texts.
    #[cold]
    fn texts<'t>(&mut self, longest: Longest, tag: Tag, name: &[u8], texts: impl Iterator<Item = &'t [u8]>) {
        let start = self.open(tag, name);
        for text in texts {
            let has_room = text.len() < self.left(longest);
            self.item(longest, |out| out.bytes(text));
            // The one that was cut, or fills the room, is the last.
            if !has_room {
                break;
            }
        }
        self.close(name, start);
    }

    #[inline]
    pub(super) fn number(&mut self, tag: Tag, name: &[u8], bits: u64) {
        self.push(tag, name, &bits.to_le_bytes());
    }

    /// Writes a text that is no field; says where it is.
    pub(super) fn part(&mut self, longest: usize, write: impl FnOnce(&mut Bounded<'_>)) -> (u32, u32) {
        let start = self.open(Tag::Part, b"");
        self.write(Longest { value: longest, all: usize::MAX }, write);
        self.close(b"", start);
        (start as u32, self.bytes.len() as u32)
    }

    #[inline]
    fn push(&mut self, tag: Tag, name: &[u8], value: &[u8]) {
        let mut head = [tag as u8; HEAD];
        head[1..5].copy_from_slice(&(name.len() as u32).to_le_bytes());
        head[5..].copy_from_slice(&(value.len() as u32).to_le_bytes());
        self.bytes.reserve(HEAD + name.len() + value.len());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
    }

    /// Begins a field; says where its value begins.
    #[inline]
    pub(super) fn open(&mut self, tag: Tag, name: &[u8]) -> usize {
        self.push(tag, name, b"");
        self.bytes.len()
    }

    /// Ends the field whose value began there.
    #[inline]
    pub(super) fn close(&mut self, name: &[u8], start: usize) {
        self.count(start - name.len(), self.bytes.len() - start);
    }

    /// Adds a text to the value that was begun, behind its length.
    pub(super) fn item(&mut self, longest: Longest, write: impl FnOnce(&mut Bounded<'_>)) {
        self.bytes.extend_from_slice(&[0; 4]);
        let start = self.bytes.len();
        self.write(longest, write);
        self.count(start, self.bytes.len() - start);
    }

    #[inline]
    fn write(&mut self, longest: Longest, write: impl FnOnce(&mut Bounded<'_>)) {
        let left = self.left(longest);
        write(&mut Bounded { out: &mut self.bytes, left, cut: false });
    }

    #[inline]
    fn left(&self, longest: Longest) -> usize {
        longest.all.saturating_sub(self.bytes.len()).min(longest.value)
    }

    /// Sets the length that ends at this place.
    #[inline]
    fn count(&mut self, end: usize, length: usize) {
        if let Some(count) = self.bytes.get_mut(end - 4..end) {
            count.copy_from_slice(&(length as u32).to_le_bytes());
        }
    }
}

/// Splits off the next field; none behind the last.
// Where each field is handed out, neither its name nor its value is written to memory between the two.
#[inline(always)]
pub(super) fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], FieldValue<'a>)> {
    loop {
        let ([tag, lengths @ ..], rest) = bytes.split_first_chunk::<HEAD>()?;
        let [of_name, of_value] = [0, 4].map(|at| lengths.get(at..).and_then(<[u8]>::first_chunk));
        let length = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize);
        let (name, rest) = rest.split_at_checked(length(of_name))?;
        let (mut value, rest) = rest.split_at_checked(length(of_value))?;
        *bytes = rest;
        let value = match *tag {
            0 => FieldValue::Bool(number(value) != 0),
            1 => FieldValue::I64(number(value).cast_signed()),
            2 => FieldValue::U64(number(value)),
            3 => FieldValue::F64(f64::from_bits(number(value))),
            4 => FieldValue::Text(value),
            5 => FieldValue::List(Texts::Copied(value)),
            6 => FieldValue::Error(counted(&mut value), Texts::Copied(value)),
            _ => continue,
        };
        return Some((name, value));
    }
}

/// Hands out each field.
#[inline]
pub(super) fn each_field<'a>(mut bytes: &'a [u8], mut take: impl FnMut(&'a [u8], FieldValue<'a>)) {
    while let Some((name, value)) = next_field(&mut bytes) {
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
fn number(value: &[u8]) -> u64 {
    value.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
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

impl From<FieldValue<'_>> for Value {
    fn from(value: FieldValue<'_>) -> Self {
        let text = |bytes: &[u8]| Cow::Owned(String::from_utf8_lossy(bytes).into_owned());
        match value {
            FieldValue::Bool(value) => Self::Bool(value),
            FieldValue::I64(value) => Self::I64(value),
            FieldValue::U64(value) => Self::U64(value),
            FieldValue::F64(value) => Self::F64(value),
            FieldValue::Text(value) | FieldValue::Error(value, _) => Self::Str(text(value)),
            FieldValue::List(texts) => Self::List(texts.map(text).collect()),
        }
    }
}

impl<'a> From<&'a str> for FieldValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.as_bytes())
    }
}

impl Bounded<'_> {
    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        let _ = self.write_str(text);
    }

    /// Writes UTF-8 text.
    #[inline]
    fn bytes(&mut self, text: &[u8]) {
        if text.len() <= self.left {
            self.left -= text.len();
            self.out.extend_from_slice(text);
        } else {
            self.text(&String::from_utf8_lossy(text));
        }
    }

    /// Writes a value as text.
    pub(super) fn recorded(&mut self, value: Recorded<'_>) {
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
    pub(super) fn error(&mut self, error: &dyn Error) {
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

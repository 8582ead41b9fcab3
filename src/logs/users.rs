//! Where a user's field goes in the formats that keep a place of its own for it, and which names it met before.

use super::fields::Borrowed;

/// What stands before a user's field whose name is taken.
const MOVED: &[u8] = crate::names::key::MOVED_PREFIX.as_bytes();

/// The rules of one format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// What stands before the name of a text.
    pub(super) text: &'static str,
    /// What stands before the name of a number.
    pub(super) number: &'static str,
    /// Truth values are written as text.
    pub(super) bools_are_text: bool,
    /// Numbers that not every store keeps as numbers are written as text.
    pub(super) odd_numbers_are_text: bool,
    /// Writes a name with characters that the format takes.
    pub(super) write: fn(&mut Vec<u8>, &str),
    /// May only we write this name, as it was written?
    pub(super) is_ours: fn(&[u8]) -> bool,
}

/// The user's fields on one line.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// All names as the user gave them, one behind the other.
    names: Vec<u8>,
    fields: Vec<Known>,
    /// Where the object with the user's fields begins, in a format that has one.
    pub(super) opened: usize,
    /// We wrote what went wrong, so a user's field `error` is a field as any other.
    pub(super) has_our_error: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    name: (usize, usize),
    /// Where on the line its key is.
    key: (usize, usize),
}

impl Users {
    /// Begins a line.
    pub(super) fn begin(&mut self) {
        self.names.clear();
        self.fields.clear();
        self.opened = 0;
        self.has_our_error = false;
    }

    /// Did the user put a field of this name before?
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|known| self.names.get(known.name.0..known.name.1) == Some(name.as_bytes()))
    }

    /// Remembers a field, and where its key is on the line.
    pub(super) fn add(&mut self, name: &str, key: (usize, usize)) {
        let start = self.names.len();
        self.names.extend_from_slice(name.as_bytes());
        self.fields.push(Known { name: (start, self.names.len()), key });
    }

    /// Writes a key that nobody has on this line; says where.
    pub(super) fn write_key(
        &self,
        line: &mut Vec<u8>,
        names: &Names,
        name: &str,
        value: Borrowed<'_>,
    ) -> (usize, usize) {
        line.extend_from_slice(b",\"");
        let start = line.len();
        let place = if names.is_number(value) { names.number } else { names.text };
        line.extend_from_slice(place.as_bytes());
        let own = line.len();
        (names.write)(line, name);
        if line.get(own..).is_none_or(names.is_ours) {
            line.splice(own..own, MOVED.iter().copied());
        }
        while self.is_taken(line, start) {
            line.splice(own..own, MOVED.iter().copied());
        }
        let end = line.len();
        line.extend_from_slice(b"\":");
        (start, end)
    }

    fn is_taken(&self, line: &[u8], start: usize) -> bool {
        let key = line.get(start..);
        self.fields.iter().any(|known| line.get(known.key.0..known.key.1) == key)
    }
}

impl Names {
    /// Is this value a number, and written as one?
    pub(super) fn is_number(&self, value: Borrowed<'_>) -> bool {
        /// 2^63: what a store's integers end below.
        const END: f64 = 9_223_372_036_854_775_808.0;
        match value {
            Borrowed::I64(_) => true,
            Borrowed::U64(value) => !self.odd_numbers_are_text || i64::try_from(value).is_ok(),
            Borrowed::F64(value) if self.odd_numbers_are_text => value.abs() < END,
            Borrowed::F64(_) => true,
            _ => false,
        }
    }

    /// Is this value written as text though it is none?
    pub(super) fn is_made_text(&self, value: Borrowed<'_>) -> bool {
        match value {
            Borrowed::Bool(_) => self.bools_are_text,
            Borrowed::I64(_) | Borrowed::U64(_) | Borrowed::F64(_) => !self.is_number(value),
            _ => false,
        }
    }
}

/// Writes a name's letters, digits and `_`, and of the others those that the format allows; `_` for the rest.
pub(super) fn write_word(out: &mut Vec<u8>, name: &str, allows: impl Fn(char) -> bool) {
    for c in name.chars() {
        let c = if c == '_' || c.is_ascii_alphanumeric() || allows(c) { c } else { '_' };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    if name.is_empty() {
        out.push(b'_');
    }
}

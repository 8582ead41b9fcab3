//! The user's fields on a line: never a key twice, and none under a key that is ours.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::names::key;
use crate::record::{FieldValue, NameBit, UsedNames};
use crate::threads::complain;

/// Stands before a user's field whose name is taken.
const PREFIX: &[u8] = key::MOVED_PREFIX.as_bytes();

/// The rules of one format.
#[derive(Debug)]
pub(super) struct Names {
    /// Stands before the name of a text.
    pub(super) text: &'static str,
    /// Stands before the name of a number.
    pub(super) number: &'static str,
    /// Truth values are written as text.
    pub(super) bools_are_text: bool,
    /// Numbers that not every store keeps as numbers are written as text.
    pub(super) odd_numbers_are_text: bool,
    /// The field `error` is text, whatever its value is.
    pub(super) errors_are_text: bool,
    /// Writes a name with characters that the format takes.
    pub(super) write: fn(&mut Vec<u8>, &[u8]),
    /// The names that only we write, as `write` would write them.
    pub(super) ours: fn() -> Vec<&'static str>,
    /// Is this written name not the user's for another reason?
    pub(super) is_refused: fn(&[u8]) -> bool,
    /// A name that continues one of ours behind a dot is ours as well.
    pub(super) dots_are_ours: bool,
}

/// A format's rules, ready to be asked.
#[derive(Debug)]
pub(super) struct Rules {
    names: &'static Names,
    ours: Vec<&'static str>,
    filter: UsedNames,
}

/// The user's fields on one line.
#[derive(Debug, Default)]
pub(super) struct UserFields {
    /// All names as the user gave them, one behind the other.
    names: Vec<u8>,
    fields: Vec<Known>,
    /// Every name that is on the line or ours.
    filter: UsedNames,
    /// We wrote what went wrong, so a user's field `error` is a field as any other.
    pub(super) has_our_error: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    name: (usize, usize),
    /// Where on the line its key is.
    key: (usize, usize),
}

impl Rules {
    /// Is the field `error` text, whatever its value is?
    pub(super) fn errors_are_text(&self) -> bool {
        self.names.errors_are_text
    }

    /// Is this value written as text though it is none?
    pub(super) fn makes_text(&self, value: FieldValue<'_>) -> bool {
        self.names.is_made_text(value)
    }

    pub(super) fn new(names: &'static Names) -> Self {
        let mut filter = UsedNames::default();
        let ours = (names.ours)();
        ours.iter().for_each(|name| filter.add(*name));
        Self { names, ours, filter }
    }

    fn is_ours(&self, filter: &UsedNames, name: &[u8], bit: NameBit) -> bool {
        if (self.names.is_refused)(name) {
            return true;
        }
        let dot = if self.names.dots_are_ours { name.iter().position(|byte| *byte == b'.') } else { None };
        let (first, bit) = match dot.and_then(|dot| name.get(..dot)) {
            Some(first) => (first, first.into()),
            None => (name, bit),
        };
        filter.may_contain(bit) && self.ours.iter().any(|ours| ours.as_bytes() == first)
    }
}

impl UserFields {
    /// Begins a line.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.names.clear();
        self.fields.clear();
        self.has_our_error = false;
    }

    /// Writes a key that is not on this line yet, and not ours, up to its colon; false, and nothing, if the user put a
    /// field of this name before.
    pub(super) fn write_key(
        &mut self,
        line: &mut Vec<u8>,
        rules: &Rules,
        name: &[u8],
        value: FieldValue<'_>,
    ) -> bool {
        if self.fields.is_empty() {
            self.filter = rules.filter.clone();
        }
        let bit = NameBit::from(name);
        if self.filter.may_contain(bit) && self.has(name) {
            return false;
        }
        line.extend_from_slice(b",\"");
        let start = line.len();
        let place = if rules.names.is_number(value) { rules.names.number } else { rules.names.text };
        line.extend_from_slice(place.as_bytes());
        let own = line.len();
        (rules.names.write)(line, name);
        let written = line.get(own..).unwrap_or_default();
        let mut key_bit = if written == name { bit } else { written.into() };
        let is_ours = rules.is_ours(&self.filter, written, key_bit);
        if is_ours || self.filter.may_contain(key_bit) && self.is_taken(line, start) {
            line.splice(own..own, PREFIX.iter().copied());
            while self.is_taken(line, start) {
                line.splice(own..own, PREFIX.iter().copied());
            }
            key_bit = line.get(own..).unwrap_or_default().into();
            if is_ours {
                report_renamed(name, line.get(start..).unwrap_or_default());
            }
        }
        self.remember(name, (start, line.len()));
        self.filter.add(bit);
        self.filter.add(key_bit);
        line.extend_from_slice(b"\":");
        true
    }

    /// Takes the field `error` for the line's error; false if the line has one.
    pub(super) fn take_error(&mut self, rules: &Rules) -> bool {
        if std::mem::replace(&mut self.has_our_error, true) {
            return false;
        }
        if self.fields.is_empty() {
            self.filter = rules.filter.clone();
        }
        // A second field of that name is one that is there already.
        self.remember(key::ERROR.as_bytes(), (0, 0));
        self.filter.add(key::ERROR);
        true
    }

    fn remember(&mut self, name: &[u8], key: (usize, usize)) {
        let start = self.names.len();
        self.names.extend_from_slice(name);
        self.fields.push(Known { name: (start, self.names.len()), key });
    }

    fn has(&self, name: &[u8]) -> bool {
        self.fields.iter().any(|known| self.names.get(known.name.0..known.name.1) == Some(name))
    }

    fn is_taken(&self, line: &[u8], start: usize) -> bool {
        let key = line.get(start..);
        self.fields.iter().any(|known| line.get(known.key.0..known.key.1) == key)
    }
}

/// Reports a renamed field, once for each name.
#[cold]
fn report_renamed(name: &[u8], key: &[u8]) {
    static REPORTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    /// A program has few such names; what a caller chooses must not fill the memory.
    const MOST: usize = 32;
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    let name = &*String::from_utf8_lossy(name);
    if reported.len() < MOST && !reported.contains(name) {
        reported.insert(name.to_owned());
        complain(format_args!(
            "the field `{}` is written to log lines as `{}`, because that key is reserved; give the field another name, \
             such as `app_{0}`",
            name.escape_debug(),
            String::from_utf8_lossy(key)
        ));
    }
}

impl Names {
    /// Is this value a number, and written as one?
    fn is_number(&self, value: FieldValue<'_>) -> bool {
        /// 2^63: what a store's integers end below.
        const END: f64 = 9_223_372_036_854_775_808.0;
        match value {
            FieldValue::I64(_) => true,
            FieldValue::U64(value) => !self.odd_numbers_are_text || i64::try_from(value).is_ok(),
            FieldValue::F64(value) if self.odd_numbers_are_text => value.abs() < END,
            FieldValue::F64(_) => true,
            _ => false,
        }
    }

    /// Is this value written as text though it is none?
    fn is_made_text(&self, value: FieldValue<'_>) -> bool {
        match value {
            FieldValue::Bool(_) => self.bools_are_text,
            FieldValue::I64(_) | FieldValue::U64(_) | FieldValue::F64(_) => !self.is_number(value),
            _ => false,
        }
    }
}

/// Writes a name's letters, digits and `_`, and of the others those that the format allows; `_` for the rest.
pub(super) fn write_word(out: &mut Vec<u8>, name: &[u8], allows: impl Fn(char) -> bool) {
    for c in std::str::from_utf8(name).unwrap_or_default().chars() {
        let c = if c == '_' || c.is_ascii_alphanumeric() || allows(c) { c } else { '_' };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    if name.is_empty() {
        out.push(b'_');
    }
}

//! The user's fields on a line: never a key twice, and none under a key that is ours.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::names::key;
use crate::record::{FieldValue, NameHash, UsedNames};
use crate::threads::complain;

/// Stands before a user's field whose name is taken.
const PREFIX: &[u8] = key::MOVED_PREFIX.as_bytes();

/// The rules of one format.
pub(super) trait Naming {
    /// Stands before the name of a text.
    const TEXT: &'static str = "";
    /// Stands before the name of a number.
    const NUMBER: &'static str = "";
    /// Truth values are written as text.
    const BOOLS_ARE_TEXT: bool = false;
    /// Numbers that not every store keeps as numbers are written as text.
    const ODD_NUMBERS_ARE_TEXT: bool = false;
    /// The field `error` is text, whatever its value is.
    const ERRORS_ARE_TEXT: bool = true;
    /// A name that continues one of ours behind a dot is ours as well.
    const DOTS_ARE_OURS: bool = false;

    /// The names that only we write, as `write` would write them.
    fn ours() -> Vec<&'static str>;

    /// Writes a name with characters that the format takes.
    fn write(out: &mut Vec<u8>, name: &[u8]);

    /// Is this name surely written as it is, and the user's unless it is one of ours? Most are.
    fn is_plain(name: &[u8]) -> bool;

    /// Is this written name not the user's for another reason?
    fn is_refused(_: &[u8]) -> bool {
        false
    }

    /// Is this value a number, and written as one?
    #[inline]
    fn is_number(value: FieldValue<'_>) -> bool {
        /// 2^63: what a store's integers end below.
        const END: f64 = 9_223_372_036_854_775_808.0;
        match value {
            FieldValue::I64(_) => true,
            FieldValue::U64(value) => !Self::ODD_NUMBERS_ARE_TEXT || i64::try_from(value).is_ok(),
            FieldValue::F64(value) if Self::ODD_NUMBERS_ARE_TEXT => value.abs() < END,
            FieldValue::F64(_) => true,
            _ => false,
        }
    }

    /// Is this value written as text though it is none?
    #[inline]
    fn makes_text(value: FieldValue<'_>) -> bool {
        match value {
            FieldValue::Bool(_) => Self::BOOLS_ARE_TEXT,
            FieldValue::I64(_) | FieldValue::U64(_) | FieldValue::F64(_) => !Self::is_number(value),
            _ => false,
        }
    }

    /// What stands before the name of this value.
    #[inline]
    fn before(value: FieldValue<'_>) -> &'static [u8] {
        if Self::is_number(value) { Self::NUMBER.as_bytes() } else { Self::TEXT.as_bytes() }
    }
}

/// The names of a format that are ours.
#[derive(Debug)]
pub(super) struct Ours {
    names: Vec<&'static str>,
    filter: UsedNames,
}

/// The user's fields on one line.
#[derive(Debug, Default)]
pub(super) struct UserFields {
    /// The names that are not on the line as the user gave them, one behind the other.
    names: Vec<u8>,
    fields: Vec<Known>,
    /// Every name that is on the line or ours.
    filter: UsedNames,
    /// We wrote what went wrong, so a user's field `error` is a field as any other.
    pub(super) has_our_error: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    hash: NameHash,
    name: Name,
    /// Where on the line its key is.
    key: (u32, u32),
}

/// Where a name is.
#[derive(Clone, Copy, Debug)]
enum Name {
    /// Behind so many bytes of its key.
    InKey(u32),
    Apart(u32, u32),
}

impl Ours {
    pub(super) fn new<N: Naming>() -> Self {
        let mut filter = UsedNames::default();
        let names = N::ours();
        names.iter().for_each(|name| filter.add(*name));
        Self { names, filter }
    }

    fn contains<N: Naming>(&self, name: &[u8], hash: NameHash) -> bool {
        if N::is_refused(name) {
            return true;
        }
        let dot = if N::DOTS_ARE_OURS { name.iter().position(|byte| *byte == b'.') } else { None };
        let (first, hash) = match dot.and_then(|dot| name.get(..dot)) {
            Some(first) => (first, first.into()),
            None => (name, hash),
        };
        self.filter.may_contain(hash) && self.names.iter().any(|ours| ours.as_bytes() == first)
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

    /// Writes a key that is not on this line yet, and not ours, but for its end; false, and nothing, if the user put a
    /// field of this name before. `before` stands before the name.
    #[inline]
    pub(super) fn write_key<N: Naming>(
        &mut self,
        line: &mut Vec<u8>,
        ours: &Ours,
        before: &[u8],
        name: &[u8],
    ) -> bool {
        if self.fields.is_empty() {
            self.filter = ours.filter.clone();
        }
        let hash = NameHash::from(name);
        if self.filter.may_contain(hash) || !N::is_plain(name) {
            return self.write_other_key::<N>(line, ours, before, (name, hash));
        }
        self.filter.add(hash);
        line.extend_from_slice(b",\"");
        let start = line.len() as u32;
        line.extend_from_slice(before);
        line.extend_from_slice(name);
        let key = (start, line.len() as u32);
        self.fields.push(Known { hash, name: Name::InKey(before.len() as u32), key });
        true
    }

    /// The same where the name is perhaps on the line, or ours, or written in another way.
    #[cold]
    fn write_other_key<N: Naming>(
        &mut self,
        line: &mut Vec<u8>,
        ours: &Ours,
        before: &[u8],
        (name, hash): (&[u8], NameHash),
    ) -> bool {
        if self.has(line, name, hash) {
            return false;
        }
        line.extend_from_slice(b",\"");
        let start = line.len();
        line.extend_from_slice(before);
        let own = line.len();
        N::write(line, name);
        let written = line.get(own..).unwrap_or_default();
        let mut key_hash = if written == name { hash } else { written.into() };
        let is_ours = ours.contains::<N>(written, key_hash);
        if is_ours || self.filter.may_contain(key_hash) && self.is_taken(line, start) {
            line.splice(own..own, PREFIX.iter().copied());
            while self.is_taken(line, start) {
                line.splice(own..own, PREFIX.iter().copied());
            }
            key_hash = line.get(own..).unwrap_or_default().into();
            if is_ours {
                report_renamed(name, line.get(start..).unwrap_or_default());
            }
        }
        self.remember((name, hash), (start as u32, line.len() as u32));
        self.filter.add(key_hash);
        true
    }

    /// Takes the field `error` for the line's error; false if the line has one.
    pub(super) fn take_error(&mut self, ours: &Ours) -> bool {
        if std::mem::replace(&mut self.has_our_error, true) {
            return false;
        }
        if self.fields.is_empty() {
            self.filter = ours.filter.clone();
        }
        // A second field of that name is one that is there already.
        self.remember((key::ERROR.as_bytes(), key::ERROR.into()), (0, 0));
        true
    }

    fn remember(&mut self, (name, hash): (&[u8], NameHash), key: (u32, u32)) {
        let start = self.names.len() as u32;
        self.names.extend_from_slice(name);
        self.fields.push(Known { hash, name: Name::Apart(start, self.names.len() as u32), key });
        self.filter.add(hash);
    }

    fn has(&self, line: &[u8], name: &[u8], hash: NameHash) -> bool {
        let part = |bytes: &[u8], start, end| bytes.get(start as usize..end as usize) == Some(name);
        let is = |known: &Known| match known.name {
            Name::InKey(before) => part(line, known.key.0 + before, known.key.1),
            Name::Apart(start, end) => part(&self.names, start, end),
        };
        self.fields.iter().any(|known| known.hash == hash && is(known))
    }

    fn is_taken(&self, line: &[u8], start: usize) -> bool {
        let key = line.get(start..);
        self.fields.iter().any(|known| line.get(known.key.0 as usize..known.key.1 as usize) == key)
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

/// Is this a name of letters, digits, `_` and these?
pub(super) fn is_word(name: &[u8], more: &[u8]) -> bool {
    let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || more.contains(byte);
    !name.is_empty() && name.iter().all(is_in_word)
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

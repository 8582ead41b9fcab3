//! A log record of which something may be cut, or has to move aside: all of it at hand before it is written.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::describe::{Outline, Said, TakeAttribute};
use super::log_record;
use crate::otlp::{self, AnyValue, Message};
use crate::record::{FieldValue, NameHash, UsedNames, free_name};

/// One record, before its limits are applied.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) outline: Outline<'a>,
    pub(super) body: Cow<'a, str>,
    pub(super) attributes: Attributes<'a>,
}

/// Attributes, each name once: ours first, then the user's, of which the first of a name wins.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    pub(super) list: SmallVec<[Attribute<'a>; 24]>,
    /// So many of them are ours.
    ours: usize,
    /// The names that the user gave.
    given: UsedNames,
    /// The names of those that moved aside.
    moved: UsedNames,
    pub(super) dropped: u32,
}

#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: Cow<'a, str>,
    /// How much of the name is not the user's own.
    prefix: usize,
    pub(super) value: AnyValue<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn of(said: Said<'a>) -> Self {
        let outline = said.outline();
        let mut attributes = Attributes::default();
        said.attributes(&mut attributes);
        Self { outline, body: text(outline.body).into(), attributes }
    }

    /// Writes it into this message.
    pub(super) fn write(&self, message: &mut Message) {
        let Self { outline, body, attributes } = self;
        log_record::write(message, outline, body.as_bytes(), |message| {
            let mut written = otlp::Attributes::<'_, 6>::new(message);
            attributes.list.iter().for_each(|attribute| written.value(&attribute.name, &attribute.value));
            attributes.dropped
        });
    }
}

/// A text of a snapshot, which is UTF-8.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

impl<'a> TakeAttribute<'a> for Attributes<'a> {
    fn text(&mut self, name: &'static str, text: &'a [u8]) {
        if !text.is_empty() {
            self.set(name, AnyValue::Str(self::text(text).into()));
        }
    }

    fn number(&mut self, name: &'static str, number: u64) {
        self.set(name, AnyValue::U64(number));
    }

    fn float(&mut self, name: &'static str, number: f64) {
        self.set(name, AnyValue::F64(number));
    }

    fn set(&mut self, name: &'static str, value: AnyValue<'a>) {
        self.list.push(Attribute { name: Cow::Borrowed(name), prefix: 0, value });
        self.ours = self.list.len();
    }

    fn field(&mut self, name: &'a [u8], value: FieldValue<'a>) {
        let value = match value {
            FieldValue::Bool(value) => AnyValue::Bool(value),
            FieldValue::I64(value) => AnyValue::I64(value),
            FieldValue::U64(value) => AnyValue::U64(value),
            FieldValue::F64(value) => AnyValue::F64(value),
            FieldValue::Text(value) | FieldValue::Error(value, _) => AnyValue::Str(text(value).into()),
            FieldValue::List(texts) => {
                AnyValue::List(texts.map(|item| Cow::Owned(text(item).to_owned())).collect())
            }
        };
        self.add(text(name), value);
    }

    fn made(&mut self, name: &'static str, text: String) {
        self.add(name, AnyValue::Str(text.into()));
    }

    fn dropped(&mut self, count: u32) {
        self.dropped = self.dropped.saturating_add(count);
    }
}

impl<'a> Attributes<'a> {
    /// Adds an attribute of the user's; one whose name we have written moves aside, as on the log line.
    pub(super) fn add(&mut self, name: &'a str, value: AnyValue<'a>) {
        let bit = NameHash::from(name);
        let (ours, users) = self.list.split_at(self.ours);
        let is_given = |user: &Attribute<'_>| user.name.get(user.prefix..) == Some(name);
        let has =
            |attributes: &[Attribute<'_>], name: &str| attributes.iter().any(|known| known.name == name);
        let (may_be_given, is_ours) = (self.given.may_contain(bit), has(ours, name));
        if may_be_given && users.iter().any(is_given) {
            return;
        }
        self.given.add(bit);
        let free = if is_ours || name.is_empty() || self.moved.may_contain(bit) && has(users, name) {
            let free = free_name(name, |name| has(ours, name) || has(users, name));
            self.moved.add(&*free);
            free
        } else {
            Cow::Borrowed(name)
        };
        self.list.push(Attribute { prefix: free.len() - name.len(), name: free, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_there_twice_and_ours_stay_ours() {
        let text = |text| AnyValue::Str(Cow::Borrowed(text));
        let mut attributes = Attributes::default();
        attributes.set("url.path", text("/ours"));
        attributes.add("url.path", text("/theirs"));
        attributes.add("seats", AnyValue::I64(4));
        attributes.add("seats", AnyValue::I64(5));
        attributes.add("url.path", text("/again"));
        attributes.add("field_url.path", text("/moved"));
        attributes.add("", AnyValue::Bool(true));
        let list: Vec<_> =
            attributes.list.iter().map(|attribute| (&*attribute.name, attribute.value.clone())).collect();
        let expected = [
            ("url.path", text("/ours")),
            ("field_url.path", text("/theirs")),
            ("seats", AnyValue::I64(4)),
            ("field_field_url.path", text("/moved")),
            ("field_", AnyValue::Bool(true)),
        ];
        assert_eq!(list, expected);
    }
}

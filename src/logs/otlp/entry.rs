//! A log record as it is written: it borrows from what waited in the queue.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::clock::Moment;
use crate::context::TraceContext;
use crate::otlp::AnyValue;
use crate::record::{NameBit, Severity, UsedNames, free_name};

/// One record, before its limits are applied.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) at: Moment,
    pub(super) severity: Severity,
    /// Its name in the data model; empty if it has none.
    pub(super) event: &'static str,
    pub(super) body: Cow<'a, str>,
    pub(super) attributes: Attributes<'a>,
    pub(super) trace: Option<TraceContext>,
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

impl<'a> Attributes<'a> {
    /// Adds an attribute of ours; all of them come before the user's.
    pub(super) fn set(&mut self, name: &'static str, value: AnyValue<'a>) {
        self.list.push(Attribute { name: Cow::Borrowed(name), prefix: 0, value });
        self.ours = self.list.len();
    }

    /// Adds an attribute of ours if its text is not empty.
    pub(super) fn text(&mut self, name: &'static str, text: &'a str) {
        if !text.is_empty() {
            self.set(name, AnyValue::Str(Cow::Borrowed(text)));
        }
    }

    /// Adds an attribute of the user's; one whose name we have written moves aside, as on the log line.
    pub(super) fn field(&mut self, name: &'a str, value: AnyValue<'a>) {
        let bit = NameBit::from(name);
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
        attributes.field("url.path", text("/theirs"));
        attributes.field("seats", AnyValue::I64(4));
        attributes.field("seats", AnyValue::I64(5));
        attributes.field("url.path", text("/again"));
        attributes.field("field_url.path", text("/moved"));
        attributes.field("", AnyValue::Bool(true));
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

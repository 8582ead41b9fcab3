//! A log record in plain words: what every transport sends.

use std::borrow::Cow;

use crate::clock::Moment;
use crate::context::TraceContext;
use crate::export::free_name;
use crate::record::{Severity, Value};

/// One record, before its limits are applied.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: Moment,
    pub(super) severity: Severity,
    /// Its name in the data model; empty if it has none.
    pub(super) event: &'static str,
    pub(super) scope: Cow<'static, str>,
    pub(super) body: String,
    pub(super) attributes: Attributes,
    pub(super) trace: Option<TraceContext>,
}

/// Attributes, each name once: ours first, then the user's, of which the first of a name wins.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) list: Vec<(Cow<'static, str>, Value)>,
    /// So many of them are ours.
    ours: usize,
    /// How much of each of the user's names is not his own.
    prefixes: Vec<usize>,
    pub(super) dropped: u32,
}

impl Attributes {
    /// Adds one of ours.
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.list.push((Cow::Borrowed(name), value.into()));
        self.ours = self.list.len();
    }

    /// Adds one of ours if its text is not empty.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.set(name, text.to_owned());
        }
    }

    /// Adds the user's; a name that we have written moves aside, as on the log line.
    pub(super) fn field(&mut self, name: &str, value: Value) {
        let mut users = self.list.iter().skip(self.ours).zip(&self.prefixes);
        if users.any(|((known, _), prefix)| known.get(*prefix..) == Some(name)) {
            return;
        }
        let free = free_name(name, |name| self.list.iter().any(|(known, _)| known == name)).into_owned();
        self.prefixes.push(free.len() - name.len());
        self.list.push((Cow::Owned(free), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_there_twice_and_ours_stay_ours() {
        let mut attributes = Attributes::default();
        attributes.set("url.path", "/ours");
        attributes.field("url.path", "/theirs".into());
        attributes.field("seats", 4.into());
        attributes.field("seats", 5.into());
        attributes.field("url.path", "/again".into());
        attributes.field("field_url.path", "/moved".into());
        attributes.field("", true.into());
        let list: Vec<_> = attributes.list.iter().map(|(name, value)| (&**name, value.clone())).collect();
        let expected: [(&str, Value); 5] = [
            ("url.path", "/ours".into()),
            ("field_url.path", "/theirs".into()),
            ("seats", 4.into()),
            ("field_field_url.path", "/moved".into()),
            ("field_", true.into()),
        ];
        assert_eq!(list, expected);
    }
}

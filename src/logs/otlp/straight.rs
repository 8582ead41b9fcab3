//! The usual record, written straight into its message: nothing of it is to be cut for a receiver, and no attribute has to
//! move aside for another one.

use smallvec::SmallVec;

use super::describe::{Said, TakeAttribute};
use super::export::Limits;
use super::fit::Room;
use super::log_record;
use crate::otlp::{AnyValue, Attributes, Message};
use crate::record::{FieldValue, NameHash, OurNames, UsedNames, within};

/// Writes a record; false, and nothing is written, if it is no usual one.
pub(super) fn write(said: Said<'_>, scope: &str, limits: &Limits, room: Room, message: &mut Message) -> bool {
    let start = message.length();
    let outline = said.outline();
    let (mut is_usual, mut entries) = (outline.body.len() <= limits.body, 0);
    log_record::write(message, &outline, outline.body, |message| {
        let mut straight = Straight::new(message, limits, said.has_fields());
        said.attributes(&mut straight);
        is_usual &= straight.is_usual;
        entries = straight.entries;
        straight.dropped
    });
    is_usual &= room.holds(scope, entries, message.length() - start);
    if !is_usual {
        message.truncate(start);
    }
    is_usual
}

/// Attributes on their way into the message.
struct Straight<'a, 'm> {
    attributes: Attributes<'m, 6>,
    limits: &'m Limits,
    ours: OurNames,
    /// The names that the user gave.
    given: SmallVec<[&'a [u8]; 24]>,
    used: UsedNames,
    entries: usize,
    dropped: u32,
    /// Do any of the user's follow?
    has_fields: bool,
    is_usual: bool,
}

impl<'a, 'm> Straight<'a, 'm> {
    // Inlined: it is large, and is made where it stays.
    #[inline(always)]
    fn new(message: &'m mut Message, limits: &'m Limits, has_fields: bool) -> Self {
        let attributes = Attributes::new(message);
        Self {
            attributes,
            limits,
            ours: OurNames::default(),
            given: SmallVec::new(),
            used: UsedNames::default(),
            entries: 0,
            dropped: 0,
            has_fields,
            is_usual: true,
        }
    }

    /// Is there room for one more? If not, it is dropped and counted.
    #[inline]
    fn has_room(&mut self) -> bool {
        let has_room = self.entries < self.limits.attributes;
        if has_room {
            self.entries += 1;
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        has_room
    }

    /// Is there room for one more of ours?
    #[inline]
    fn takes_ours(&mut self, name: &'static str) -> bool {
        if self.has_fields {
            self.ours.add(name);
        }
        self.has_room()
    }

    /// Is this one of the user's to be written?
    #[inline]
    fn takes_users(&mut self, name: &'a [u8]) -> bool {
        self.is_usual &= !name.is_empty() && !self.ours.contains(name);
        let bit = NameHash::from(name);
        if !self.is_usual || self.used.may_contain(bit) && self.given.contains(&name) {
            return false;
        }
        self.used.add(bit);
        self.given.push(name);
        self.has_room()
    }

    /// As much of the text as is kept.
    #[inline]
    fn within<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        within(text, self.limits.value_length)
    }
}

impl<'a> TakeAttribute<'a> for Straight<'a, '_> {
    // Inlined, so that the name is known where it is copied.
    #[inline(always)]
    fn text(&mut self, name: &'static str, text: &'a [u8]) {
        if !text.is_empty() && self.takes_ours(name) {
            self.attributes.text(name, self.within(text));
        }
    }

    #[inline(always)]
    fn number(&mut self, name: &'static str, number: u64) {
        if !self.takes_ours(name) {
            return;
        }
        match u16::try_from(number) {
            Ok(number) => self.attributes.number(name, number),
            Err(_) => self.attributes.value(name, &AnyValue::U64(number)),
        }
    }

    #[inline(always)]
    fn float(&mut self, name: &'static str, number: f64) {
        if self.takes_ours(name) {
            self.attributes.float(name, number);
        }
    }

    fn set(&mut self, name: &'static str, mut value: AnyValue<'a>) {
        if self.takes_ours(name) {
            if let Some(most) = self.limits.value_length {
                value.limit(most);
            }
            self.attributes.value(name, &value);
        }
    }

    #[inline]
    fn field(&mut self, name: &'a [u8], value: FieldValue<'a>) {
        if !self.takes_users(name) {
            return;
        }
        let value = match value {
            FieldValue::Text(text) => FieldValue::Text(self.within(text)),
            FieldValue::Error(text, _) => FieldValue::Text(self.within(text)),
            FieldValue::List(mut texts) => {
                self.is_usual &= texts.all(|text| self.within(text).len() == text.len());
                value
            }
            _ => value,
        };
        self.attributes.field(name, value);
    }

    fn made(&mut self, name: &'static str, text: String) {
        if self.takes_users(name.as_bytes()) {
            self.attributes.field(name.as_bytes(), FieldValue::Text(self.within(text.as_bytes())));
        }
    }

    fn dropped(&mut self, count: u32) {
        self.dropped = self.dropped.saturating_add(count);
    }
}

#[cfg(test)]
mod tests;

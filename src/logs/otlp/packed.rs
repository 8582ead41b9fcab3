//! An event's values on their way to the exporter: one text and one list, however many fields there are.

use std::fmt;

use crate::logs::escape::{CUT_MARK, LONGEST_VALUE};
use crate::logs::json::format_guarded;
use crate::names::key;
#[cfg(feature = "otlp")]
use crate::otlp::AnyValue;
use crate::record::{Joined, Value, prefix};

/// A message and fields, the first of a name first.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// One behind the other: the message, and of each field its name and, if it is a text, its value.
    text: Vec<u8>,
    message: Option<(usize, usize)>,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name_start: u32,
    name_end: u32,
    value: Slot,
}

/// A field's value; a text stands behind the name.
#[derive(Debug)]
enum Slot {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Text { end: u32 },
}

impl Packed {
    /// Takes the message; a second one is a field.
    pub(super) fn message(&mut self, value: &dyn fmt::Debug) {
        if self.message.is_some() {
            return self.formatted(key::MESSAGE, value);
        }
        let start = self.text.len();
        format_guarded(&mut self.text, value, false);
        self.message = Some((start, self.text.len()));
    }

    /// The same for a message that is text already.
    pub(super) fn message_text(&mut self, text: &str) {
        self.message(&format_args!("{text}"));
    }

    pub(super) fn bool(&mut self, name: &str, value: bool) {
        self.field(name, Slot::Bool(value));
    }

    pub(super) fn i64(&mut self, name: &str, value: i64) {
        self.field(name, Slot::I64(value));
    }

    pub(super) fn u64(&mut self, name: &str, value: u64) {
        self.field(name, Slot::U64(value));
    }

    pub(super) fn f64(&mut self, name: &str, value: f64) {
        self.field(name, Slot::F64(value));
    }

    pub(super) fn str(&mut self, name: &str, value: &str) {
        self.text(name, |packed| packed.put_text(value));
    }

    /// Takes what the user's own code formats. Its panic is its field's value, no more.
    pub(super) fn formatted(&mut self, name: &str, value: &dyn fmt::Debug) {
        self.text(name, |packed| format_guarded(&mut packed.text, value, false));
    }

    pub(super) fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::Bool(value) => self.bool(name, *value),
            Value::I64(value) => self.i64(name, *value),
            Value::U64(value) => self.u64(name, *value),
            Value::F64(value) => self.f64(name, *value),
            Value::Str(value) => self.str(name, value),
            Value::List(texts) => self.formatted(name, &Joined(texts)),
        }
    }

    /// How many bytes of text it holds.
    pub(super) fn length(&self) -> usize {
        self.text.len()
    }

    pub(super) fn body(&self) -> &str {
        let (start, end) = self.message.unwrap_or_default();
        self.part(start, end)
    }

    /// Every field in the order of coming; a name may be there twice.
    #[cfg(feature = "otlp")]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, AnyValue<'_>)> {
        self.fields.iter().map(|field| {
            let value = match field.value {
                Slot::Bool(value) => AnyValue::Bool(value),
                Slot::I64(value) => AnyValue::I64(value),
                Slot::U64(value) => AnyValue::U64(value),
                Slot::F64(value) => AnyValue::F64(value),
                Slot::Text { end } => AnyValue::Str(self.part(field.name_end as usize, end as usize).into()),
            };
            (self.part(field.name_start as usize, field.name_end as usize), value)
        })
    }

    fn field(&mut self, name: &str, value: Slot) {
        let name_start = self.text.len() as u32;
        self.text.extend_from_slice(name.as_bytes());
        self.fields.push(Field { name_start, name_end: self.text.len() as u32, value });
    }

    fn text(&mut self, name: &str, put: impl FnOnce(&mut Self)) {
        self.field(name, Slot::Text { end: 0 });
        put(self);
        let end = self.text.len() as u32;
        if let Some(field) = self.fields.last_mut() {
            field.value = Slot::Text { end };
        }
    }

    fn put_text(&mut self, text: &str) {
        let kept = prefix(text, LONGEST_VALUE);
        self.text.extend_from_slice(kept.as_bytes());
        if kept.len() < text.len() {
            self.text.extend_from_slice(CUT_MARK.as_bytes());
        }
    }

    fn part(&self, start: usize, end: usize) -> &str {
        std::str::from_utf8(self.text.get(start..end).unwrap_or_default()).unwrap_or_default()
    }
}

#[cfg(test)]
#[cfg(feature = "otlp")]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_comes_out_in_its_own_type() {
        let mut packed = Packed::default();
        packed.message(&format_args!("looking for {}", 7));
        packed.bool("paid", true);
        packed.str("who", "Ada");
        packed.i64("below", -1);
        packed.formatted("list", &[1, 2]);
        packed.u64("seats", u64::MAX);
        packed.f64("price", 1.5);
        packed.str("empty", "");
        assert_eq!(packed.body(), "looking for 7");
        let fields: Vec<_> = packed.iter().collect();
        let expected = [
            ("paid", AnyValue::Bool(true)),
            ("who", AnyValue::Str("Ada".into())),
            ("below", AnyValue::I64(-1)),
            ("list", AnyValue::Str("[1, 2]".into())),
            ("seats", AnyValue::U64(u64::MAX)),
            ("price", AnyValue::F64(1.5)),
            ("empty", AnyValue::Str("".into())),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn the_first_message_is_the_body_wherever_it_stands() {
        let mut packed = Packed::default();
        packed.bool("paid", true);
        packed.message_text("first");
        packed.message_text("second");
        assert_eq!(packed.body(), "first");
        let fields: Vec<_> = packed.iter().collect();
        assert_eq!(fields, [("paid", AnyValue::Bool(true)), ("message", AnyValue::Str("second".into()))]);
    }

    #[test]
    fn a_value_that_panics_is_marked_and_costs_no_other() {
        struct Bad;
        impl fmt::Debug for Bad {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("no")
            }
        }
        let mut packed = Packed::default();
        packed.formatted("bad", &Bad);
        packed.i64("good", 1);
        let fields: Vec<_> = packed.iter().collect();
        assert_eq!(fields, [("bad", AnyValue::Str("<panicked>".into())), ("good", AnyValue::I64(1))]);
    }
}

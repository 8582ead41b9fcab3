//! The fields on their way to a line: one borrowed value for every shape.

use std::borrow::Cow;

use crate::record::Value;

/// A field's value, borrowed from wherever it is.
#[derive(Clone, Copy)]
pub(super) enum Borrowed<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Str(&'a str),
    /// Texts that become one.
    List(&'a [Cow<'static, str>]),
    /// Text that is as long as it may be: what the user's own code formatted, most of all.
    Told(&'a [u8]),
    /// The same of an error, and of itself with its sources, if it has any.
    Error(&'a [u8], Option<&'a [u8]>),
}

/// A line that fields are put on, in the format `F`.
pub(super) trait Put<F> {
    /// The event's message, under the key that is ours.
    fn message(&mut self, value: Borrowed<'_>);

    /// A user's field; the first of a name wins.
    fn field(&mut self, name: &str, value: Borrowed<'_>);
}

impl<'a> From<&'a Value> for Borrowed<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::I64(value) => Self::I64(*value),
            Value::U64(value) => Self::U64(*value),
            Value::F64(value) => Self::F64(*value),
            Value::Str(value) => Self::Str(value),
            Value::List(texts) => Self::List(texts),
        }
    }
}

//! The fields on their way to a line: one borrowed value for every shape.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

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

/// How many sources of an error are shown; a chain that is longer is most likely a loop.
const MOST_SOURCES: usize = 16;

/// The error's sources behind it, as one text; nothing if it has none.
pub(super) struct Chain<'a>(pub(super) &'a (dyn Error + 'static));

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let mut source = self.0.source();
        for _ in 0..MOST_SOURCES {
            let Some(cause) = source else { break };
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
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

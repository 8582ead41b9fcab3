//! Owns the fields on their way to a line: one borrowed value, one visitor for every shape.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use tracing::field::{Field, Visit};

use crate::scope::Value;

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
    /// The user's own formatting: it may be slow, log, or panic.
    Debug(&'a dyn fmt::Debug),
    Error(&'a (dyn Error + 'static)),
}

/// A line that fields are put on, in the format `F`.
pub(super) trait Put<F> {
    /// The event's message, under the key that is ours.
    fn message(&mut self, value: Borrowed<'_>);

    /// A user's field; the first of a name wins.
    fn field(&mut self, name: &str, value: Borrowed<'_>);
}

/// Hands an event's fields to a line.
pub(super) struct Visitor<'a, P, F>(&'a mut P, PhantomData<F>);

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

impl<'a, P: Put<F>, F> Visitor<'a, P, F> {
    pub(super) fn new(line: &'a mut P) -> Self {
        Self(line, PhantomData)
    }

    fn put(&mut self, field: &Field, value: Borrowed<'_>) {
        match field.name() {
            "message" => self.0.message(value),
            // What tracing-log says of a record; its place on the line is the metadata's.
            name if name.starts_with("log.") => {
                if !matches!(name, "log.target" | "log.module_path" | "log.file" | "log.line") {
                    self.0.field(name, value);
                }
            }
            // `r#type` is the field `type`; the prefix is Rust's, not the user's.
            name => self.0.field(name.strip_prefix("r#").unwrap_or(name), value),
        }
    }
}

impl<P: Put<F>, F> Visit for Visitor<'_, P, F> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Borrowed::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Borrowed::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Borrowed::U64(value));
    }

    // Beyond 64 bits readers of JSON lose digits, so such a number stays exact as text.
    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.put(field, Borrowed::I64(value)),
            Err(_) => self.put(field, Borrowed::Debug(&value)),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.put(field, Borrowed::U64(value)),
            Err(_) => self.put(field, Borrowed::Debug(&value)),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Borrowed::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Borrowed::Str(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, Borrowed::Error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Borrowed::Debug(value));
    }
}

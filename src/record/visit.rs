//! The one visitor of what `tracing` records: of an event's fields and of a span's.

use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};

/// Takes the fields of a `tracing` event or span, one after the other.
pub(crate) trait TakeField {
    /// Takes one field. `name` is as the user wrote it, without the `r#` of a raw identifier.
    fn take(&mut self, name: &'static str, value: Recorded<'_>);
}

/// A value as `tracing` records it.
#[derive(Clone, Copy)]
pub(crate) enum Recorded<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Str(&'a str),
    Error(&'a (dyn Error + 'static)),
    Debug(&'a dyn fmt::Debug),
}

/// Hands the fields of a `tracing` event or span to a [`TakeField`].
pub(crate) struct Visitor<'a, T>(pub(crate) &'a mut T);

impl<T: TakeField> Visitor<'_, T> {
    #[inline]
    fn take(&mut self, field: &Field, value: Recorded<'_>) {
        let name = field.name();
        self.0.take(name.strip_prefix("r#").unwrap_or(name), value);
    }
}

impl<T: TakeField> Visit for Visitor<'_, T> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, Recorded::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, Recorded::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, Recorded::U64(value));
    }

    // Beyond 64 bits readers of JSON lose digits, so such a number stays exact as text.
    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.take(field, Recorded::I64(value)),
            Err(_) => self.take(field, Recorded::Debug(&value)),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.take(field, Recorded::U64(value)),
            Err(_) => self.take(field, Recorded::Debug(&value)),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, Recorded::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, Recorded::Str(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.take(field, Recorded::Error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, Recorded::Debug(value));
    }
}

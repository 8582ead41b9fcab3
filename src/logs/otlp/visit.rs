//! The copying of an event's fields: each once, in its own type, on the request's thread.

use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};

use super::packed::Packed;
use crate::error::WithCauses;
use crate::names::{attribute, key};
use crate::record::CAUSED_BY;

/// Puts an event's fields into what is packed.
pub(super) struct Copying<'a>(pub(super) &'a mut Packed);

/// The name of a field for the record; `None` if the record says it elsewhere.
fn named(field: &Field) -> Option<&'static str> {
    match field.name() {
        // What tracing-log says of a record; it is the metadata's.
        "log.target" | "log.module_path" | "log.file" | "log.line" => None,
        // The error's text has a name in the conventions.
        key::ERROR => Some(attribute::EXCEPTION_MESSAGE),
        // `r#type` is the field `type`; the prefix is Rust's, not the user's.
        name => Some(name.strip_prefix("r#").unwrap_or(name)),
    }
}

impl Copying<'_> {
    fn put(&mut self, field: &Field, as_message: &dyn fmt::Debug, put: impl FnOnce(&mut Packed, &str)) {
        if field.name() == key::MESSAGE {
            self.0.message(as_message);
        } else if let Some(name) = named(field) {
            put(self.0, name);
        }
    }
}

impl Visit for Copying<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, &value, |packed, name| packed.f64(name, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &value, |packed, name| packed.i64(name, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &value, |packed, name| packed.u64(name, value));
    }

    // Beyond 64 bits a number stays exact as text.
    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &value, |packed, name| packed.bool(name, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, &format_args!("{value}"), |packed, name| packed.str(name, value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, &format_args!("{value}"), |packed, name| {
            packed.formatted(name, &format_args!("{value}"));
            if field.name() == key::ERROR && value.source().is_some() {
                packed.formatted(
                    attribute::EXCEPTION_STACKTRACE,
                    &WithCauses { error: value, separator: CAUSED_BY },
                );
            }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, value, |packed, name| packed.formatted(name, value));
    }
}

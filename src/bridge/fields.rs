//! A span's fields on their way in: kept in their own types, the special ones understood.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};

use super::span::Details;
use crate::record::{Kind, Value, bounded, formatted};

/// Puts what a span is given into its details.
pub(super) struct Keep<'a>(pub(super) &'a mut Details);

impl Keep<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        if name == "error" {
            self.0.failed |= !matches!(value, Value::Bool(false));
        }
        if name.starts_with("otel.") && self.is_special(name, &value) {
            return;
        }
        self.0.set(Cow::Borrowed(name), value);
    }

    /// What users of tracing-opentelemetry say of a span by its fields.
    fn is_special(&mut self, name: &str, value: &Value) -> bool {
        let Value::Str(text) = value else { return false };
        match name {
            "otel.name" => self.0.name = Some(text.clone()),
            "otel.kind" => self.0.kind = kind(text).or(self.0.kind),
            // The last word, whatever happened in the span before.
            "otel.status_code" => self.0.status = status(text).or(self.0.status),
            // Newer versions of tracing-opentelemetry call it a description.
            "otel.status_message" | "otel.status_description" => {
                self.0.status = Some(true);
                self.0.status_message = Some(text.clone());
            }
            _ => return false,
        }
        true
    }
}

fn kind(word: &str) -> Option<Kind> {
    let kinds = [
        ("server", Kind::Server),
        ("client", Kind::Client),
        ("producer", Kind::Producer),
        ("consumer", Kind::Consumer),
        ("internal", Kind::Internal),
    ];
    kinds.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, kind)| kind)
}

/// Did it fail? `None` for a word that says neither.
fn status(word: &str) -> Option<bool> {
    match word {
        word if word.eq_ignore_ascii_case("error") => Some(true),
        word if word.eq_ignore_ascii_case("ok") => Some(false),
        _ => None,
    }
}

impl Visit for Keep<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        let kept = i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from);
        self.put(field, kept);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        let kept = u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from);
        self.put(field, kept);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Str(Cow::Owned(bounded(value).to_owned())));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.failed = true;
        self.put(field, formatted(format_args!("{value}")).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, formatted(format_args!("{value:?}")).into());
    }
}

//! A span's fields on their way in: kept in their own types, the special ones understood.

use std::borrow::Cow;

use super::span::Details;
use crate::record::{FieldValue, Kind, Recorded, TakeField, bounded, error_text, formatted};

/// Puts what a span is given into its details.
pub(super) struct Keep<'a>(pub(super) &'a mut Details);

impl Keep<'_> {
    fn put(&mut self, name: &'static str, value: FieldValue<'_>) {
        if name == "error" {
            self.0.failed |= !matches!(value, FieldValue::Bool(false));
        }
        if name.starts_with("otel.") && self.is_special(name, value) {
            return;
        }
        self.0.set(name.as_bytes(), value);
    }

    /// What users of tracing-opentelemetry say of a span by its fields.
    fn is_special(&mut self, name: &str, value: FieldValue<'_>) -> bool {
        let FieldValue::Text(text) = value else { return false };
        let text = &*String::from_utf8_lossy(text);
        match name {
            "otel.name" => self.0.name = Some(Cow::Owned(text.to_owned())),
            "otel.kind" => self.0.kind = kind(text).or(self.0.kind),
            // The last value wins, whatever was recorded in the span before.
            "otel.status_code" => self.0.status = status(text).or(self.0.status),
            // Newer versions of tracing-opentelemetry call it a description.
            "otel.status_message" | "otel.status_description" => {
                self.0.status = Some(true);
                self.0.status_message = Some(Cow::Owned(text.to_owned()));
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

impl TakeField for Keep<'_> {
    fn take(&mut self, name: &'static str, value: Recorded<'_>) {
        match value {
            Recorded::Bool(value) => self.put(name, FieldValue::Bool(value)),
            Recorded::I64(value) => self.put(name, FieldValue::I64(value)),
            Recorded::U64(value) => self.put(name, FieldValue::U64(value)),
            Recorded::F64(value) => self.put(name, FieldValue::F64(value)),
            Recorded::Str(text) => self.put(name, bounded(text).into()),
            Recorded::Debug(value) => self.put(name, (&*formatted(format_args!("{value:?}"))).into()),
            Recorded::Error(error) => {
                self.0.failed = true;
                self.put(name, (&*error_text(error)).into());
            }
        }
    }
}

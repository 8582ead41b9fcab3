//! Owns a span's fields on their way in: kept in their own types, the special ones understood.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::field::{Field, Visit};

use super::span::Details;
use crate::scope::{Kind, Value};

/// A value longer than this is cut: a span may wait in memory for minutes.
const LONGEST_VALUE: usize = 64 * 1024;

/// Puts what a span is given into its details.
pub(super) struct Keep<'a>(pub(super) &'a mut Details);

/// Text up to [`LONGEST_VALUE`].
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = LONGEST_VALUE - self.0.len();
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(prefix(text, left));
        Err(fmt::Error)
    }
}

fn prefix(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Formats the user's value; his panic is the field's value.
fn format(value: &dyn fmt::Debug) -> String {
    let formatted = catch_unwind(AssertUnwindSafe(|| {
        let mut text = Bounded(String::new());
        let _ = write!(text, "{value:?}");
        text.0
    }));
    formatted.unwrap_or_else(|panic| {
        // Its drop may panic as well.
        std::mem::forget(panic);
        "<panicked>".to_owned()
    })
}

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
        self.put(field, Value::Str(Cow::Owned(prefix(value, LONGEST_VALUE).to_owned())));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.failed = true;
        self.put(field, format(&format_args!("{value}")).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format(value).into());
    }
}

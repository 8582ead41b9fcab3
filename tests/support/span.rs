//! What a test asks of a finished span.

use tower_observability::Value;
use tower_observability::testing::Span;

/// An attribute that is a text; `None` if the span does not have it.
pub fn text(span: &Span, key: &str) -> Option<String> {
    match span.attributes.get(key)? {
        Value::Str(text) => Some(text.to_string()),
        other => panic!("{key} is no text: {other:?}"),
    }
}

//! A user's value as text: bounded, and none of his formatting's panics passes.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::error::{guarded, masked_urls};

/// A text longer than this is cut: it may wait in memory for minutes.
const LONGEST: usize = 64 * 1024;

/// What stands for a value whose formatting panicked.
pub(crate) const PANICKED: &str = "<panicked>";

/// Stands before each cause of an error.
pub(crate) const CAUSED_BY: &str = "\ncaused by: ";

/// Text up to [`LONGEST`].
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = prefix(text, LONGEST.saturating_sub(self.0.len()));
        self.0.push_str(kept);
        if kept.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// As much of the text as is kept.
pub(crate) fn bounded(text: &str) -> &str {
    prefix(text, LONGEST)
}

/// How much of `text` fits into `most` bytes without splitting a character.
pub(crate) fn prefix(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// As much of a text as a limit of its characters keeps.
#[inline]
pub(crate) fn within(text: &[u8], limit: Option<usize>) -> &[u8] {
    match limit {
        Some(most) if text.len() > most => first_characters(text, most),
        _ => text,
    }
}

#[cold]
fn first_characters(text: &[u8], most: usize) -> &[u8] {
    let end = std::str::from_utf8(text).ok().and_then(|text| text.char_indices().nth(most));
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// Formats the user's value. If that panics, this is the text; if it errs, what came before.
pub(crate) fn formatted(value: fmt::Arguments<'_>) -> String {
    let text = guarded(|| {
        let mut text = Bounded(String::new());
        let _ = text.write_fmt(value);
        text.0
    });
    text.unwrap_or_else(|| PANICKED.to_owned())
}

/// What an error says, without what a URL in it may have as a secret.
pub(crate) fn error_text(error: &(impl fmt::Display + ?Sized)) -> String {
    let text = formatted(format_args!("{error}"));
    match masked_urls(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

/// The texts of an error and its causes, one a line.
pub(crate) fn stacktrace(error: &str, sources: &[String]) -> String {
    [error, &sources.join(CAUSED_BY)].join(CAUSED_BY)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rude;

    impl fmt::Display for Rude {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("so far")?;
            if f.alternate() { panic!("not today") } else { Err(fmt::Error) }
        }
    }

    #[test]
    fn neither_a_panic_nor_an_error_of_the_formatting_passes() {
        assert_eq!(formatted(format_args!("{Rude}")), "so far");
        assert_eq!(formatted(format_args!("{Rude:#}")), "<panicked>");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!(formatted(format_args!("x{long}")).len(), LONGEST - 1);
        assert_eq!(bounded(&long).len(), LONGEST);
    }
}

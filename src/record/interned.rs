//! Words that become labels of metrics and are no routes: names of pools, queues and caches, summaries of statements.
//!
//! They are kept as routes are, in a table of their own: a program that makes names of its data fills this one and not
//! that of the routes.

use crate::account::Table;

/// Maximum number of different words in one process.
pub(crate) const MOST_WORDS: usize = 2_000;

/// A word of this process; two of the same text are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Interned(u16);

static WORDS: Table<Box<str>, ()> = Table::new(MOST_WORDS);

impl Interned {
    /// What everything beyond the table's capacity is called.
    const OTHER: Self = Self(u16::MAX);

    /// The word of this text, remembered from now on.
    pub(crate) fn of(text: &str) -> Self {
        let known = WORDS.find_or_add(text, || (text.into(), ()));
        known.map_or(Self::OTHER, |(number, ())| Self(number as u16))
    }

    /// The word's text.
    pub(crate) fn as_str(self) -> &'static str {
        WORDS.entry(usize::from(self.0)).map_or("_OTHER", |(text, ())| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_word() {
        let first = Interned::of("SELECT bookings");
        assert_eq!((first, first.as_str()), (Interned::of("SELECT bookings"), "SELECT bookings"));
        assert_ne!(first, Interned::of("SELECT customers"));
        assert_eq!(Interned::OTHER.as_str(), "_OTHER");
    }
}

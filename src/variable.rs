//! The shape of a variable's row: each signal declares its own, and parsing, warnings, the start-up line
//! and the README's table all derive from the rows.

use std::time::Duration;

/// One environment variable of the options `O`.
#[derive(Debug)]
pub(crate) struct Variable<O> {
    pub(crate) name: &'static str,
    /// The default as the README writes it; empty where there is none.
    pub(crate) default: &'static str,
    /// What it does, in one line, with its unit.
    pub(crate) about: &'static str,
    /// Takes a value that is not empty (empty is unset, as the specification says).
    pub(crate) set: fn(&mut O, &str) -> Result<(), Refusal>,
    /// The value in force, as one would write it into the variable; empty if there is none.
    pub(crate) show: fn(&O) -> String,
}

impl<O> Variable<O> {
    /// Is the value masked wherever it is shown? The name decides, so that no row can forget it.
    pub(crate) fn is_secret(&self) -> bool {
        ["_HEADERS", "_TOKEN", "_DSN"].iter().any(|end| self.name.ends_with(end))
    }
}

// By hand: derived, they would ask the same of `O`.
impl<O> Clone for Variable<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Variable<O> {}

/// How many variables these groups have.
pub(crate) const fn count<O>(groups: &[&[Variable<O>]]) -> usize {
    let (mut group, mut count) = (0, 0);
    while group < groups.len() {
        count += groups[group].len();
        group += 1;
    }
    count
}

/// The variables of these groups as one table; `N` is their [`count`].
pub(crate) const fn table<O, const N: usize>(groups: &[&[Variable<O>]]) -> [Variable<O>; N] {
    let mut table = [groups[0][0]; N];
    let (mut group, mut filled) = (0, 0);
    while group < groups.len() {
        let mut row = 0;
        while row < groups[group].len() {
            table[filled] = groups[group][row];
            (row, filled) = (row + 1, filled + 1);
        }
        group += 1;
    }
    table
}

/// Why a value was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a value of this variable; says what would be right: "a whole number of milliseconds".
    Expected(String),
    /// A value of the specification that is not served; says what happens instead.
    NotServed(String),
    /// Taken, but most likely not what was meant; names the remedy.
    Suspicious(String),
}

impl Refusal {
    pub(crate) fn expected(what: &str) -> Self {
        Self::Expected(what.to_owned())
    }

    /// What is said of it, whatever follows from it.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Expected(reason) | Self::NotServed(reason) | Self::Suspicious(reason) => reason,
        }
    }
}

/// Reads a duration of whole milliseconds, the unit of every duration in the environment.
pub(crate) fn milliseconds(value: &str) -> Result<Duration, Refusal> {
    value.parse().map(Duration::from_millis).map_err(|_| Refusal::expected("a whole number of milliseconds"))
}

/// The words of a list. Their case does not matter: "Enum values SHOULD be interpreted in a case-insensitive manner".
pub(crate) fn words(list: &str) -> Vec<String> {
    let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect()
}

/// Reads a boolean as the specification defines it: `true` in any case, else false; an unknown word is refused.
pub(crate) fn boolean(value: &str) -> Result<bool, Refusal> {
    match value {
        value if value.eq_ignore_ascii_case("true") => Ok(true),
        value if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Refusal::expected("true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_milliseconds_are_a_duration() {
        assert_eq!(milliseconds("1500"), Ok(Duration::from_millis(1500)));
        for bad in ["1.5", "-1", "1s", "", "99999999999999999999"] {
            assert!(matches!(milliseconds(bad), Err(Refusal::Expected(_))), "{bad}");
        }
    }

    #[test]
    fn the_words_of_a_list_have_no_case_and_none_is_empty() {
        assert_eq!(words(" OTLP,,Prometheus ,"), ["otlp", "prometheus"]);
        assert!(words(" , ").is_empty());
    }

    #[test]
    fn only_the_word_true_is_true() {
        assert_eq!(boolean("TRUE"), Ok(true));
        assert_eq!(boolean("False"), Ok(false));
        for bad in ["1", "yes", "on", "ture"] {
            assert!(matches!(boolean(bad), Err(Refusal::Expected(_))), "{bad}");
        }
    }
}

//! Owns the shape of a variable's row: each signal declares its own, and parsing, warnings, the start-up line
//! and the README's table all derive from the rows.

/// One environment variable of the options `O`.
#[derive(Debug)]
pub(crate) struct Variable<O> {
    pub(crate) name: &'static str,
    /// The default as the README writes it; empty where there is none.
    pub(crate) default: &'static str,
    /// Is the value masked wherever it is shown?
    pub(crate) secret: bool,
    /// What it does, in one line, with its unit.
    pub(crate) about: &'static str,
    /// Takes a value that is not empty (empty is unset, as the specification says).
    pub(crate) set: fn(&mut O, &str) -> Result<(), Refusal>,
    /// The value in force, as one would write it into the variable; empty if there is none.
    pub(crate) show: fn(&O) -> String,
}

/// Why a value was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a value of this variable; says what would be right: "a number of milliseconds".
    Expected(String),
    /// A value of the specification that is not served; says what happens instead.
    NotServed(String),
    /// Taken, but most likely not what was meant; names the remedy.
    Suspicious(String),
}

//! What was chosen: each variable's value in force, and who chose it.

use super::Config;

/// One variable's value in force, with its source.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    /// As one would write it into the variable; masked if secret.
    pub(crate) value: String,
    pub(crate) source: Source,
}

/// Who chose a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    /// A default of its own where standard output is a terminal.
    Terminal,
    Code,
    Environment,
    /// It follows from another variable: a signal's own headers, say, from those of all.
    Derived,
}

impl Source {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Terminal => "terminal",
            Self::Code => "code",
            Self::Environment => "environment",
            Self::Derived => "derived",
        }
    }
}

impl Config {
    /// The value in force of a variable; empty if there is none.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.choices.iter().find(|choice| choice.name == name).map_or("", |choice| &choice.value)
    }

    /// Who chose that value.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.choices.iter().find(|choice| choice.name == name).map_or(Source::Default, |choice| choice.source)
    }
}

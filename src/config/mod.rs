//! The choice: code's options, overridden by the environment, with the source of each value.
//!
//! `init` hands in what the code chose and a snapshot of the environment, and takes out the options in force,
//! where each value came from, and what is wrong with the environment. A bad variable never fails anything:
//! it warns, and what was chosen before stays.

mod advice;
mod choose;
mod env;
mod general;
mod spelling;
mod table;

pub use table::{VariableRow, variables};

pub(crate) use advice::Warning;
pub(crate) use choose::choose;
pub(crate) use env::Env;
pub(crate) use general::General;

use std::io::IsTerminal as _;

use crate::admin::Admin;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::otlp::Shared;
use crate::reports::Reports;
use crate::traces::Traces;

/// The options of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) general: General,
    /// What the general variables of OTLP say; each exported signal has taken it over.
    pub(crate) shared: Shared,
    pub(crate) traces: Traces,
    pub(crate) logs: Logs,
    pub(crate) metrics: Metrics,
    pub(crate) reports: Reports,
    pub(crate) admin: Admin,
}

/// Which of the standard streams a person reads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terminals {
    pub(crate) output: bool,
    pub(crate) errors: bool,
}

/// The options in force, and who chose them.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) options: Options,
    /// One per variable, in the order of the table.
    pub(crate) choices: Vec<Choice>,
    pub(crate) warnings: Vec<Warning>,
}

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

impl Terminals {
    pub(crate) fn of_process() -> Self {
        Self { output: std::io::stdout().is_terminal(), errors: std::io::stderr().is_terminal() }
    }
}

impl Config {
    /// The value in force of a variable; empty if there is none.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.choices.iter().find(|choice| choice.name == name).map_or("", |choice| &choice.value)
    }

    /// Was something wrong with the value of this variable?
    pub(crate) fn warns_of(&self, name: &str) -> bool {
        self.warnings.iter().any(|warning| warning.is_of(name))
    }

    /// Who chose that value.
    pub(crate) fn source(&self, name: &str) -> Source {
        self.choices.iter().find(|choice| choice.name == name).map_or(Source::Default, |choice| choice.source)
    }
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

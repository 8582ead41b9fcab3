//! The variables of logs: those of lines, those of what is left out, then those of records.

use super::fewer;
use super::options::{self, Logs};
use super::otlp;
use crate::variable::{Variable, count, table};

const GROUPS: &[&[Variable<Logs>]] = &[&options::LINES, &fewer::VARIABLES, otlp::VARIABLES];

impl Logs {
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &table::<_, { count(GROUPS) }>(GROUPS);
}

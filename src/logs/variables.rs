//! The variables of logs: those of lines, those of what is left out, then those of records.

use super::fewer;
use super::options::{self, Logs};
use super::otlp;
use crate::variable::Variable;

impl Logs {
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &{
        let [level, own, format, exporter, color] = options::LINES;
        let [share, slow, limit] = fewer::VARIABLES;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = otlp::VARIABLES;
        [level, own, format, exporter, color, share, slow, limit, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]
    };
}

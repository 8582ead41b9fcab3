//! Owns the variables of traces: one row each.

mod bounds;
mod choice;
mod read;
mod target;

use super::Traces;
use crate::variable::Variable;

impl Traces {
    /// The rows, by subject.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &{
        let [a, b, c] = choice::CHOICE;
        let [d, e, f, g, h, i, j, k] = target::TARGET;
        let [l, m] = target::COMPRESSION;
        let [n, o, p, q, r, s, t, u] = target::TLS;
        let [v, w, x, y] = bounds::BATCH;
        let [z, aa, ab, ac, ad, ae, af, ag] = bounds::LIMITS;
        [
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac, ad, ae,
            af, ag,
        ]
    };
}

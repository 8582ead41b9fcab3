//! The variables of traces: one row each.

mod bounds;
mod choice;
mod zipkin;

use super::Traces;
use crate::export::{batch_rows, target_rows};
use crate::variable::Variable;

const TARGET: [Variable<Traces>; 9] = target_rows!(Traces, way, "TRACES", "spans");
const BATCH: [Variable<Traces>; 4] = batch_rows!(batching, "BSP", "5000", "a span", "spans");

impl Traces {
    /// The rows, by subject.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &{
        let [a, b, c] = choice::CHOICE;
        let [d, e, f, g, h, i, j, k, l] = TARGET;
        let [m, n, o, p] = BATCH;
        let [q, r, s, t, u, v] = bounds::LIMITS;
        let [w, x] = zipkin::ZIPKIN;
        [a, b, c, d, e, f, g, h, i, j, k, l, w, x, m, n, o, p, q, r, s, t, u, v]
    };
}

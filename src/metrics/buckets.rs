//! The bounds of histograms: fixed per family, chosen by the user, else by unit and name.

use ::metrics::Unit;

use super::number::bound;

/// The conventions' bounds for HTTP durations, in seconds.
pub(super) const SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// The conventions' bounds for operations of databases, in seconds.
const DATABASE: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// The default bounds in milliseconds.
const MILLIS: &[f64] =
    &[5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_500.0, 5_000.0, 7_500.0, 10_000.0];
/// Powers of four, from 64 bytes to 64 MiB.
const BYTES: &[f64] = &[
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const RATIO: &[f64] = &[0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
/// The specification's default of an explicit-bucket histogram.
const OTHER: &[f64] = &[
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1_000.0, 2_500.0, 5_000.0, 7_500.0,
    10_000.0,
];

/// One family's bounds, without the last one, which is always `+Inf`.
#[derive(Debug)]
pub(super) struct Bounds {
    values: Box<[f64]>,
    /// The value of `le` for each bucket, `+Inf` included.
    texts: Box<[String]>,
}

impl Bounds {
    /// The bounds that the user gave: sorted, each once, finite.
    pub(super) fn new(bounds: &[f64]) -> Self {
        let mut values: Vec<f64> = bounds.iter().copied().filter(|bound| bound.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        let texts = values.iter().copied().chain([f64::INFINITY]).map(bound).collect();
        Self { values: values.into(), texts }
    }

    /// The bounds that fit the unit, or the name's last word; `durations` are those of seconds.
    pub(super) fn fitting(name: &str, unit: Option<Unit>, durations: Option<&[f64]>) -> Self {
        let usual = if name.starts_with("db_client_") { DATABASE } else { SECONDS };
        let seconds = durations.unwrap_or(usual);
        Self::new(match unit {
            Some(Unit::Seconds) => seconds,
            Some(Unit::Milliseconds) => MILLIS,
            Some(Unit::Bytes) => BYTES,
            Some(Unit::Percent) => OTHER,
            _ if name.ends_with("_seconds") => seconds,
            _ if name.ends_with("_milliseconds") || name.ends_with("_ms") => MILLIS,
            _ if name.ends_with("_bytes") => BYTES,
            _ if name.ends_with("_ratio") => RATIO,
            _ => OTHER,
        })
    }

    /// How many buckets there are, with the one to infinity.
    pub(super) fn buckets(&self) -> usize {
        self.values.len() + 1
    }

    /// The first bucket whose bound is not below the value: `le` means less or equal.
    #[inline]
    pub(super) fn bucket_of(&self, value: f64) -> usize {
        // Most requests are faster than the first bound.
        if self.values.first().is_none_or(|first| value <= *first) {
            return 0;
        }
        self.values.partition_point(|bound| *bound < value)
    }

    /// Without the last one, which is infinite.
    #[cfg(feature = "otlp")]
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// OpenMetrics forbids a sum beside a bound below zero: it would not be monotonic.
    pub(super) fn has_negative(&self) -> bool {
        self.values.first().is_some_and(|bound| *bound < 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_in_its_bucket() {
        let bounds = Bounds::new(&[1.0, 2.0]);
        let found: Vec<_> = [0.5, 1.0, 1.5, 2.0, 3.0].map(|value| bounds.bucket_of(value)).into();
        assert_eq!(found, [0, 0, 1, 1, 2]);
        assert_eq!(bounds.buckets(), 3);
    }

    #[test]
    fn given_bounds_are_put_in_order_and_cleaned() {
        let bounds = Bounds::new(&[2.0, 1.0, f64::NAN, 2.0, f64::INFINITY]);
        assert_eq!(bounds.texts(), ["1.0", "2.0", "+Inf"]);
        assert_eq!(Bounds::new(&[]).texts(), ["+Inf"]);
    }

    #[test]
    fn bounds_fit_the_unit_before_the_name() {
        let first = |name, unit| Bounds::fitting(name, unit, None).texts()[0].clone();
        assert_eq!(first("wait_seconds", None), "0.005");
        assert_eq!(first("wait", Some(Unit::Seconds)), "0.005");
        assert_eq!(first("db_client_operation_duration_seconds", None), "0.001");
        assert_eq!(first("page_bytes", None), "64.0");
        assert_eq!(first("wait_seconds", Some(Unit::Milliseconds)), "5.0");
        assert_eq!(first("basket", None), "0.0");
        let first = |name, unit| Bounds::fitting(name, unit, Some(&[2.0])).texts()[0].clone();
        assert_eq!([first("wait_seconds", None), first("wait", Some(Unit::Seconds))], ["2.0", "2.0"]);
        assert_eq!(first("basket", None), "0.0");
    }
}

//! How numbers are written: the shortest text that reads back as the same number, in both formats.

use std::fmt::Write as _;

// Below it every whole number is exact, so it may be written without a point.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A count.
pub(super) fn push_count(text: &mut String, count: u64) {
    text.push_str(itoa::Buffer::new().format(count));
}

/// A value: `7`, `0.25`, `1e300`, `NaN`, `+Inf`.
pub(super) fn push_value(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if value.fract() == 0.0 && value.abs() < WHOLE {
        text.push_str(itoa::Buffer::new().format(value as i64));
    } else {
        // `Debug` is the shortest form, and changes to an exponent where `Display` would write 300 digits.
        let _ = write!(text, "{value:?}");
    }
}

/// A bucket's bound as OpenMetrics' canonical numbers want it: as Go's `%g`, with `.0` where it has no point.
///
/// Both formats use it, so that a series keeps its identity when the scraper changes the format.
pub(super) fn bound(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{value:?}")
}

/// Seconds since 1970 with milliseconds, as an exemplar's timestamp.
pub(super) fn push_timestamp(text: &mut String, unix_nanos: u64) {
    let millis = unix_nanos / 1_000_000;
    let _ = write!(text, "{}.{:03}", millis / 1_000, millis % 1_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: f64) -> String {
        let mut text = String::new();
        push_value(&mut text, value);
        text
    }

    #[test]
    fn values_are_short_and_read_back_as_the_same_number() {
        let written: Vec<_> = [
            0.0,
            -0.0,
            7.0,
            -3.0,
            0.25,
            0.1 + 0.2,
            1e300,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ]
        .map(value)
        .into();
        assert_eq!(
            written,
            ["0", "0", "7", "-3", "0.25", "0.30000000000000004", "1e300", "5e-324", "NaN", "+Inf", "-Inf"]
        );
    }

    #[test]
    fn bounds_are_the_canonical_numbers_of_openmetrics() {
        let written: Vec<_> =
            [0.0, 0.005, 0.1, 1.0, 2.5, 10.0, 100_000.0, 1e6, 1e10, 1e-4, 1e-5, 1e-10].map(bound).into();
        assert_eq!(
            written,
            [
                "0.0", "0.005", "0.1", "1.0", "2.5", "10.0", "100000.0", "1e+06", "1e+10", "0.0001", "1e-05",
                "1e-10"
            ]
        );
        assert_eq!(bound(f64::INFINITY), "+Inf");
        assert_eq!(bound(1_048_576.0), "1.048576e+06");
        assert_eq!(bound(-2.5), "-2.5");
    }

    #[test]
    fn a_timestamp_has_milliseconds() {
        let mut text = String::new();
        push_timestamp(&mut text, 1_700_000_000_012_345_678);
        assert_eq!(text, "1700000000.012");
    }
}

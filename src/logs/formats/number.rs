//! The digits of numbers and times, without an intermediate text.

/// The digits of 0 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// A number's last two digits.
#[inline]
pub(super) fn two_digits(number: u64) -> [u8; 2] {
    PAIRS[(number % 100) as usize]
}

/// Writes an integer.
#[inline]
pub(in crate::logs) fn integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes an integer that most often is small: then copying it from a buffer would take longer than its digits.
#[inline]
pub(in crate::logs) fn small(out: &mut Vec<u8>, number: u64) {
    if number < 100 {
        let [a, b] = two_digits(number);
        if number < 10 {
            out.push(b);
        } else {
            out.extend_from_slice(&[a, b]);
        }
    } else if number < 10_000 {
        let ([a, b], [c, d]) = (two_digits(number / 100), two_digits(number));
        if number < 1_000 {
            out.extend_from_slice(&[b, c, d]);
        } else {
            out.extend_from_slice(&[a, b, c, d]);
        }
    } else {
        large(out, number);
    }
}

#[cold]
fn large(out: &mut Vec<u8>, number: u64) {
    integer(out, number);
}

/// Writes a floating-point number in the shortest way that reads back the same. JSON has no word for the infinities and
/// for what is not a number: those are text.
pub(in crate::logs) fn float(out: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(not_finite(number).as_bytes());
    out.push(b'"');
}

/// Writes a floating-point number as text.
pub(in crate::logs) fn float_text(out: &mut Vec<u8>, number: f64) {
    use std::io::Write as _;
    // Writing to memory does not fail.
    let _ = write!(out, "{number:?}");
}

fn not_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}

/// Writes nanoseconds as milliseconds, down to the microsecond.
#[inline]
pub(in crate::logs) fn milliseconds(out: &mut Vec<u8>, nanos: u64) {
    let micros = nanos / 1_000;
    small(out, micros / 1_000);
    let ([_, a], [b, c]) = (two_digits(micros / 100), two_digits(micros));
    out.extend_from_slice(&[b'.', a, b, c]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_number_reads_back_the_same(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let mut out = Vec::new();
            float(&mut out, number);
            let text = std::str::from_utf8(&out).expect("UTF-8");
            let read: f64 = text.parse().expect("a number");
            prop_assert_eq!(read.to_bits(), number.to_bits());
            // It stays a number with a fraction for a store that maps types by the first value.
            prop_assert!(text.contains(['.', 'e']));
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).expect("JSON").is_number());
        }
    }

    #[test]
    fn usual_numbers_have_no_digit_too_many() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (0.3, "0.3"),
            (99.95, "99.95"),
            (1e9, "1000000000.0"),
        ] {
            let mut out = Vec::new();
            float(&mut out, number);
            assert_eq!(String::from_utf8(out).expect("UTF-8"), text);
        }
    }

    #[test]
    fn milliseconds_carry_three_digits_behind_the_point() {
        let written = |micros: u64| {
            let mut out = Vec::new();
            milliseconds(&mut out, micros * 1_000 + 999);
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(
            [0, 7, 42, 999, 1_000, 9_999, 10_000, 61_234_567].map(written),
            ["0.000", "0.007", "0.042", "0.999", "1.000", "9.999", "10.000", "61234.567"]
        );
    }
}

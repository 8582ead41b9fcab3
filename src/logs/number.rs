//! The digits of numbers and times; no intermediate text.

use std::fmt;

/// The digits of all numbers below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

/// Writes a status of HTTP.
#[inline]
pub(super) fn status(out: &mut Vec<u8>, status: u16) {
    match status_digits(status) {
        Some(digits) => out.extend_from_slice(&digits),
        None => integer(out, status),
    }
}

/// The digits of a status, which are three.
#[inline]
pub(super) fn status_digits(status: u16) -> Option<[u8; 3]> {
    matches!(status, 100..1_000).then(|| {
        let [tens, ones] = pair(u32::from(status % 100));
        [b'0' + (status / 100) as u8, tens, ones]
    })
}

/// Writes a number that most often has up to four digits.
#[inline(always)]
pub(super) fn count(out: &mut Vec<u8>, number: u64) {
    if number >= 10_000 {
        return integer(out, number);
    }
    let number = number as u32;
    let ([first, second], [third, fourth]) = (pair(number / 100), pair(number % 100));
    // The zeros before it are shifted out, and what comes in behind it is taken off again.
    let zeros = u32::from(number < 1_000) + u32::from(number < 100) + u32::from(number < 10);
    let digits = u32::from_le_bytes([first, second, third, fourth]) >> (8 * zeros);
    out.extend_from_slice(&digits.to_le_bytes());
    out.truncate(out.len() - zeros as usize);
}

/// Writes an integer.
pub(super) fn integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a floating-point number so that it reads back the same; JSON has no word for the others, they are text.
pub(super) fn float(out: &mut Vec<u8>, number: f64) {
    let text = if let Some(millionths) = millionths(number) {
        return decimal(out, number.is_sign_negative(), millionths);
    } else if number.is_finite() {
        // Debug, not Display: `1.0` stays a number with a fraction for whoever maps types by the first value.
        return debug(out, format_args!("{number:?}"));
    } else if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    };
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// How many millionths a number is, where they say exactly it: prices, seconds, shares. Not of one so small that it is
/// written with an exponent.
///
/// No two numbers share their first 15 digits, and a division rounds as reading does: this is the shortest text that
/// reads back the same, as Debug would write it.
fn millionths(number: f64) -> Option<u64> {
    let whole = (number.abs() * 1e6 + 0.5) as u64;
    let is_usual = whole == 0 || (100..1_000_000_000_000_000).contains(&whole);
    (is_usual && whole as f64 / 1e6 == number.abs()).then_some(whole)
}

/// Writes millionths, without the zeros at their end, but with one digit behind the point.
fn decimal(out: &mut Vec<u8>, is_negative: bool, millionths: u64) {
    if is_negative {
        out.push(b'-');
    }
    integer(out, millionths / 1_000_000);
    let mut rest = millionths % 1_000_000;
    let mut digits = [0; 6];
    for place in digits.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or_default();
    out.push(b'.');
    out.extend_from_slice(digits.get(..=last).unwrap_or_default());
}

fn debug(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    use std::io::Write as _;
    let _ = out.write_fmt(arguments);
}

/// Writes nanoseconds as milliseconds, down to the microsecond.
#[inline]
pub(super) fn milliseconds(out: &mut Vec<u8>, nanos: u64) {
    match few_milliseconds(nanos) {
        Some(digits) => out.extend_from_slice(&digits),
        None => many_milliseconds(out, nanos / 1_000),
    }
}

/// The same of less than ten, which is what most requests take.
#[inline(always)]
pub(super) fn few_milliseconds(nanos: u64) -> Option<[u8; 5]> {
    if nanos >= 10_000_000 {
        return None;
    }
    let micros = nanos as u32 / 1_000;
    let [ones, tenths] = pair(micros / 100);
    let [hundredths, thousandths] = pair(micros % 100);
    Some([ones, b'.', tenths, hundredths, thousandths])
}

#[cold]
fn many_milliseconds(out: &mut Vec<u8>, micros: u64) {
    integer(out, micros / 1_000);
    let rest = (micros % 1_000) as u32;
    let [hundredths, thousandths] = pair(rest % 100);
    out.extend_from_slice(&[b'.', b'0' + (rest / 100) as u8, hundredths, thousandths]);
}

/// The two digits of a number below a hundred.
#[inline]
pub(super) fn pair(number: u32) -> [u8; 2] {
    PAIRS[number as usize % PAIRS.len()]
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
            let read: f64 = std::str::from_utf8(&out).expect("UTF-8").parse().expect("a number");
            prop_assert_eq!(read.to_bits(), number.to_bits());
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).expect("JSON").is_number());
        }
    }

    proptest! {
        #[test]
        fn a_number_with_few_digits_is_written_as_debug_writes_it(
            digits in any::<i64>(), places in 0..19_u32, point in 0..12_i32,
        ) {
            let number = (digits / 10_i64.pow(places)) as f64 / 10_f64.powi(point);
            for number in [number, f64::from_bits(number.to_bits() + 1)] {
                let mut out = Vec::new();
                float(&mut out, number);
                prop_assert_eq!(String::from_utf8(out).expect("UTF-8"), format!("{number:?}"));
            }
        }
    }

    #[test]
    fn numbers_at_the_limits_are_written_as_debug_writes_them() {
        let numbers =
            [0.0, -0.0, 1.0, -12.5, 0.1, 0.3, 1e-4, 99e-6, 1e-6, 5e-7, 1e9, 999_999_999.999_999, 1e16];
        for number in numbers {
            let mut out = Vec::new();
            float(&mut out, number);
            assert_eq!(String::from_utf8(out).expect("UTF-8"), format!("{number:?}"));
        }
    }

    #[test]
    fn a_status_is_its_digits() {
        let written = |number| {
            let mut out = Vec::new();
            status(&mut out, number);
            String::from_utf8(out).expect("UTF-8")
        };
        for number in [0, 7, 42, 99, 100, 101, 204, 999, 1_000, u16::MAX] {
            assert_eq!(written(number), number.to_string());
        }
    }

    #[test]
    fn a_count_is_its_digits() {
        for number in (0..20_000).chain([u64::MAX]) {
            let mut out = b"x".to_vec();
            count(&mut out, number);
            assert_eq!(out, format!("x{number}").as_bytes());
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

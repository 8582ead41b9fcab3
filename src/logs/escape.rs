//! Owns the bytes of JSON text: escapes, numbers, hex digits; no intermediate text.

use std::fmt;

use crate::scope::prefix;

/// At most this much of one value is kept; a whole line is cut to less (see `cut`).
pub(super) const LONGEST_VALUE: usize = 256 * 1024;

/// What stands at the end of a value that was cut.
pub(super) const CUT_MARK: &str = "…[truncated]";

/// Escapes what is formatted into it, or only bounds it: up to [`LONGEST_VALUE`].
#[derive(Debug)]
pub(super) struct Escaping<'a> {
    out: &'a mut Vec<u8>,
    escape: bool,
    left: usize,
    cut: bool,
}

/// What a byte needs: nothing, an escape, or a look at the bytes behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    Escape,
    /// 0xC2: a C1 control may follow.
    Latin,
    /// 0xE2: a line or paragraph separator may follow.
    General,
}

const NEEDS: [Need; 256] = {
    let mut needs = [Need::Nothing; 256];
    let mut byte = 0;
    while byte < 0x20 {
        needs[byte] = Need::Escape;
        byte += 1;
    }
    needs[b'"' as usize] = Need::Escape;
    needs[b'\\' as usize] = Need::Escape;
    needs[0x7f] = Need::Escape;
    needs[0xc2] = Need::Latin;
    needs[0xe2] = Need::General;
    needs
};

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

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes text between two quotes.
pub(super) fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    text_of(out, text);
    out.push(b'"');
}

/// Writes text, escaped: RFC 8259's escapes, and DEL, the C1 controls, U+2028 and U+2029, which terminals and
/// JavaScript take for commands or line ends.
pub(super) fn text_of(out: &mut Vec<u8>, text: &str) {
    bytes_of(out, text.as_bytes());
}

/// The same for bytes that are known to be text.
#[inline]
pub(super) fn bytes_of(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) { out.extend_from_slice(text) } else { escape(out, text) }
}

/// The same, run by run.
#[cold]
fn escape(out: &mut Vec<u8>, mut rest: &[u8]) {
    loop {
        let plain = plain_prefix(rest);
        let (run, behind) = rest.split_at(plain);
        out.extend_from_slice(run);
        let Some(width) = escape_first(out, behind) else { return };
        rest = behind.get(width..).unwrap_or_default();
    }
}

/// Is it all harmless ASCII? The usual text is, and is then copied whole.
fn is_plain(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk() {
        // The last block overlaps the one before.
        return text.as_chunks().0.iter().all(is_plain_block) && is_plain_block(last);
    }
    let first = text.first_chunk::<8>().is_none_or(|first| is_harmless(u64::from_le_bytes(*first)));
    first && is_harmless(last_word(text))
}

/// The same for a block whose bytes are compared all at once.
fn is_plain_block(block: &[u8; 16]) -> bool {
    // Space to tilde are printable.
    let is_bad = |byte: u8| (byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'"') | (byte == b'\\');
    !block.iter().fold(false, |found, byte| found | is_bad(*byte))
}

/// The last eight bytes, which overlap the word before; of a shorter text all bytes, some of them twice.
fn last_word(text: &[u8]) -> u64 {
    if let Some(last) = text.last_chunk::<8>() {
        return u64::from_le_bytes(*last);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    text.iter().fold(u64::from_le_bytes(*b"xxxxxxxx"), |word, byte| word << 8 | u64::from(*byte))
}

/// How many bytes may be copied as they are.
fn plain_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    // Eight at a time while all eight are harmless ASCII; the usual text never leaves this loop.
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        if !is_harmless(u64::from_le_bytes(*word)) {
            break;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        let stop = match NEEDS[usize::from(*byte)] {
            Need::Nothing => false,
            Need::Escape => true,
            Need::Latin => matches!(bytes.get(at + 1), Some(0x80..=0x9f)),
            Need::General => matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])),
        };
        if stop {
            break;
        }
        at += 1;
    }
    at
}

/// Are all eight bytes printable ASCII without quote and backslash?
fn is_harmless(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let bad = word | below(word, 0x20) | equal(b'"') | equal(b'\\') | equal(0x7f);
    bad & HIGH == 0
}

/// Escapes the first character; says how many bytes it was.
fn escape_first(out: &mut Vec<u8>, bytes: &[u8]) -> Option<usize> {
    let (code, width) = match *bytes {
        [] => return None,
        [0xc2, second, ..] => (u16::from(second), 2),
        [0xe2, 0x80, third, ..] => (0x2000 | u16::from(third & 0x3f), 3),
        [byte, ..] => (u16::from(byte), 1),
    };
    let short = match code {
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        0x22 => b'"',
        0x5c => b'\\',
        _ => {
            let [high, low] = code.to_be_bytes();
            out.extend_from_slice(b"\\u");
            hex(out, &[high, low]);
            return Some(width);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
    Some(width)
}

/// Writes bytes as lower-case hex digits.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
    }
}

/// Writes a status of HTTP, which has three digits.
pub(super) fn status(out: &mut Vec<u8>, status: u16) {
    match status {
        100..1_000 => {
            let [tens, ones] = pair(u32::from(status % 100));
            out.extend_from_slice(&[b'0' + (status / 100) as u8, tens, ones]);
        }
        _ => integer(out, status),
    }
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
    quoted(out, text);
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

/// Writes a length of time in milliseconds, down to the microsecond.
pub(super) fn milliseconds(out: &mut Vec<u8>, time: std::time::Duration) {
    let micros = time.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(time.subsec_micros()));
    let (whole, rest) = (micros / 1_000, (micros % 1_000) as u32);
    let [hundredths, thousandths] = pair(rest % 100);
    let behind = [b'.', b'0' + (rest / 100) as u8, hundredths, thousandths];
    // Most requests end before ten milliseconds have passed.
    if whole < 10 {
        let [point, tenths, ..] = behind;
        return out.extend_from_slice(&[b'0' + whole as u8, point, tenths, hundredths, thousandths]);
    }
    integer(out, whole);
    out.extend_from_slice(&behind);
}

/// The two digits of a number below a hundred.
#[inline]
pub(super) fn pair(number: u32) -> [u8; 2] {
    PAIRS[number as usize % PAIRS.len()]
}

impl<'a> Escaping<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, escape: true, left: LONGEST_VALUE, cut: false }
    }

    /// Takes the text as it is; whoever reads it back makes it harmless.
    pub(super) fn bounded(out: &'a mut Vec<u8>) -> Self {
        Self { escape: false, ..Self::new(out) }
    }

    fn put(&mut self, text: &str) {
        if self.escape {
            text_of(self.out, text);
        } else {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    /// Takes all that `write` writes; what was too much is marked.
    pub(super) fn all(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) {
        let _ = write(self);
    }

    /// Was more written than one value may have?
    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }
}

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut {
            return Err(fmt::Error);
        }
        let kept = prefix(text, self.left);
        self.put(kept);
        self.left -= kept.len();
        if kept.len() < text.len() {
            self.cut = true;
            self.put(CUT_MARK);
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        quoted(&mut out, text);
        String::from_utf8(out).expect("UTF-8")
    }

    proptest! {
        #[test]
        fn any_text_reads_back_the_same(text in ".{0,64}|[\\x00-\\xff\u{2020}-\u{2030}]{0,32}") {
            let line = written(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
            let control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
            prop_assert!(!line.contains(control), "{:?}", line);
        }

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
    fn every_character_that_could_end_a_line_or_steer_a_terminal_is_escaped() {
        assert_eq!(written("a\"\\\n\r\t\u{8}\u{c}\u{1b}"), r#""a\"\\\n\r\t\b\f\u001b""#);
        assert_eq!(written("\u{7f}\u{80}\u{9f}\u{a0}é"), "\"\\u007f\\u0080\\u009f\u{a0}é\"");
        assert_eq!(written("\u{2028}\u{2029}\u{202a}"), "\"\\u2028\\u2029\u{202a}\"");
    }

    #[test]
    fn a_byte_that_needs_an_escape_is_found_at_every_place_of_a_word() {
        for place in 0..24 {
            for bad in ["\"", "\\", "\n", "\u{7f}", "\u{85}", "\u{2028}"] {
                let text = format!("{}{bad}{}", "x".repeat(place), "y".repeat(24 - place));
                let line = written(&text);
                assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
                assert!(line.contains('\\') && !line.contains(|c: char| c.is_control()));
            }
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
    fn milliseconds_carry_three_digits_behind_the_point() {
        let written = |micros| {
            let mut out = Vec::new();
            milliseconds(&mut out, std::time::Duration::from_micros(micros));
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(
            [0, 7, 42, 999, 1_000, 9_999, 10_000, 61_234_567].map(written),
            ["0.000", "0.007", "0.042", "0.999", "1.000", "9.999", "10.000", "61234.567"]
        );
    }

    #[test]
    fn a_value_that_never_ends_is_cut_and_marked() {
        use std::fmt::Write as _;
        let mut out = Vec::new();
        let mut escaping = Escaping::new(&mut out);
        assert!((0..LONGEST_VALUE).map(|_| escaping.write_str("éé")).any(|written| written.is_err()));
        assert!(escaping.was_cut());
        assert!(out.len() <= LONGEST_VALUE + CUT_MARK.len());
        assert!(String::from_utf8(out).expect("UTF-8").ends_with(CUT_MARK));
    }
}

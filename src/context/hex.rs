//! Hex digits: an id is written and read on every request.

/// The two lower-case digits of each byte there is.
const PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 0xf]];
        byte += 1;
    }
    pairs
};

/// The two lower-case digits of each byte.
#[inline]
pub(crate) fn pairs<const BYTES: usize>(bytes: &[u8; BYTES]) -> [[u8; 2]; BYTES] {
    bytes.map(|byte| PAIRS[usize::from(byte)])
}

/// Marks what is not a lower-case digit: larger than any eight digits, at whichever of their places it is.
const NONE: u64 = 1 << 32;
/// The value of each lower-case digit.
const VALUES: [u64; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        values[PAIRS[value as usize][1] as usize] = value;
        value += 1;
    }
    values
};

/// The number of 1 to 16 lower-case digits; `None` for anything else.
#[inline]
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if !matches!(digits.len(), 1..=16) {
        return None;
    }
    let (high, low) = digits.split_at(digits.len().saturating_sub(8));
    let (high, low) = (up_to_eight(high), up_to_eight(low));
    ((high | low) < NONE).then_some(high << 32 | low)
}

/// The number of at most 8 digits; at least [`NONE`] if one of them is not a digit.
#[inline]
fn up_to_eight(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number, digit| number << 4 | VALUES[usize::from(*digit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written_and_read_back() {
        for byte in 0..=255u8 {
            let text = format!("{byte:02x}{:02x}", !byte);
            assert_eq!(pairs(&[byte, !byte]).as_flattened(), text.as_bytes());
            assert_eq!(number(text.as_bytes()), Some(u64::from(byte) << 8 | u64::from(!byte)));
        }
    }

    #[test]
    fn a_number_has_lower_case_digits_and_not_too_many() {
        assert_eq!((number(&[b'f'; 16]), number(&[b'0'; 17]), number(b"")), (Some(u64::MAX), None, None));
        for place in 0..8 {
            for byte in 0..=255u8 {
                let mut digits = *b"01239abf";
                digits[place] = byte;
                let valid = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                assert_eq!(number(&digits).is_some(), valid, "{byte:#04x} at {place}");
            }
        }
    }
}

//! Hex digits: an id is written and read on every request.
//!
//! Eight digits are taken at once, because a table with a look-up for each costs a request 518 instructions more over all
//! threads, 2.9 % of what it takes (`cargo bench -p benches --bench request`), and its limits have no room for that.

/// The two lower-case digits of each byte.
// A call, so that the bytes stand in memory: put together out of an id's registers, they would be taken one by one.
#[inline(never)]
pub(crate) fn pairs<const BYTES: usize>(bytes: &[u8; BYTES]) -> [[u8; 2]; BYTES] {
    bytes.map(|byte| {
        let nibbles = u16::from(byte >> 4) | u16::from(byte & 0xf) << 8;
        // A nibble above nine carries into its byte's fifth bit when six is added.
        let letters = (nibbles + 0x0606) >> 4 & 0x0101;
        (nibbles + 0x3030 + letters * u16::from(b'a' - b'0' - 10)).to_le_bytes()
    })
}

/// The number of 1 to 16 lower-case digits; `None` for anything else.
#[inline]
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    match digits.as_chunks() {
        ([high, low], []) => Some(word(*high)? << 32 | word(*low)?),
        _ if matches!(digits.len(), 1..=16) => {
            digits.iter().try_fold(0, |number, digit| Some(number << 4 | u64::from(value(*digit)?)))
        }
        _ => None,
    }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The number of eight digits.
#[inline]
fn word(digits: [u8; 8]) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let text = u64::from_be_bytes(digits);
    // Letters have the bit 0x40; taken down behind '9', digits and letters are 0x30 to 0x3f.
    let letters = text >> 6 & ONES;
    let even = text.wrapping_sub(letters * u64::from(b'a' - b'0' - 10));
    // Above '9' there must have been a letter, and nothing else may have been one.
    let above_nine = even.wrapping_add(0x06 * ONES) >> 6 & ONES;
    let wrong = ((even ^ (0x30 * ONES)) & (0xf0 * ONES)) | (above_nine ^ letters);
    let nibbles = even & (0x0f * ONES);
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (wrong == 0).then_some((pairs | pairs >> 16) & 0xffff_ffff)
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
        for digits in ["01239abf", "0123456789abcdef"] {
            for place in 0..digits.len() {
                for byte in 0..=255u8 {
                    let mut digits = digits.as_bytes().to_vec();
                    digits[place] = byte;
                    let valid = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                    let expected = valid.then(|| {
                        u64::from_str_radix(std::str::from_utf8(&digits).expect("ASCII"), 16).expect("hex")
                    });
                    assert_eq!(number(&digits), expected, "{byte:#04x} at {place}");
                }
            }
        }
    }
}

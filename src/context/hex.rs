//! Hex digits, eight at a time: an id is written and read on every request.

/// The eight lower-case digits of a number, most significant first.
pub(super) const fn write(number: u32) -> [u8; 8] {
    // One nibble into each byte, the least significant into the lowest.
    let mut nibbles = number as u64;
    nibbles = (nibbles | nibbles << 16) & 0x0000_ffff_0000_ffff;
    nibbles = (nibbles | nibbles << 8) & 0x00ff_00ff_00ff_00ff;
    nibbles = (nibbles | nibbles << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // A nibble above nine carries into its byte's fifth bit when six is added.
    let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (nibbles + 0x3030_3030_3030_3030 + letters * (b'a' - b'0' - 10) as u64).to_be_bytes()
}

/// The two lower-case digits of each byte. Where many are written: it is compiled to what takes eight bytes at once.
// A call, so that the bytes stand in memory: put together out of an id's registers, they would be taken one by one.
#[inline(never)]
pub(crate) fn pairs<const BYTES: usize>(bytes: &[u8; BYTES]) -> [[u8; 2]; BYTES] {
    bytes.map(|byte| {
        let nibbles = u16::from(byte >> 4) | u16::from(byte & 0xf) << 8;
        let letters = (nibbles + 0x0606) >> 4 & 0x0101;
        (nibbles + 0x3030 + letters * u16::from(b'a' - b'0' - 10)).to_le_bytes()
    })
}

/// The numbers of groups of eight lower-case digits; `None` for anything else.
#[inline]
pub(super) fn read<const GROUPS: usize>(groups: [[u8; 8]; GROUPS]) -> Option<[u32; GROUPS]> {
    let (mut numbers, mut wrong) = ([0; GROUPS], 0);
    for (number, digits) in numbers.iter_mut().zip(groups) {
        let text = u64::from_be_bytes(digits);
        // Letters have the bit 0x40; taken down behind '9', digits and letters are 0x30 to 0x3f.
        let letters = text >> 6 & 0x0101_0101_0101_0101;
        let even = text.wrapping_sub(letters * (b'a' - b'0' - 10) as u64);
        wrong |= (even ^ 0x3030_3030_3030_3030) & 0xf0f0_f0f0_f0f0_f0f0;
        // Above '9' there must have been a letter, and nothing else may have been one.
        let above_nine = even.wrapping_add(0x0606_0606_0606_0606) >> 6 & 0x0101_0101_0101_0101;
        wrong |= above_nine ^ letters;
        let nibbles = even & 0x0f0f_0f0f_0f0f_0f0f;
        let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
        let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
        *number = (pairs | pairs >> 16) as u32;
    }
    // Asked once, for all of them.
    (wrong == 0).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read_back() {
        for number in [0, 1, 9, 10, 0xabcd_ef01, 0x0fed_cba9, u32::MAX, 0x8000_0000, 0x99aa_99aa] {
            assert_eq!(write(number), *format!("{number:08x}").as_bytes().first_chunk::<8>().expect("eight"));
            assert_eq!(read([write(number), write(1)]), Some([number, 1]));
            assert_eq!(pairs(&number.to_be_bytes()).as_flattened(), write(number));
        }
    }

    #[test]
    fn every_byte_is_written_at_every_place() {
        for byte in 0..=255u8 {
            let text = format!("{byte:02x}").repeat(24);
            assert_eq!(pairs(&[byte; 24]).as_flattened(), text.as_bytes());
            assert_eq!(pairs(&[byte; 16]).as_flattened(), &text.as_bytes()[..32]);
            assert_eq!(pairs(&[byte, !byte]).as_flattened(), format!("{byte:02x}{:02x}", !byte).as_bytes());
        }
    }

    #[test]
    fn every_other_byte_at_every_place_is_refused() {
        for place in 0..8 {
            for byte in 0..=255u8 {
                let mut digits = *b"01239abf";
                digits[place] = byte;
                let valid = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                let expected =
                    valid.then(|| u32::from_str_radix(std::str::from_utf8(&digits).expect("ASCII"), 16));
                let expected = expected.map(|number| [1, number.expect("hex")]);
                assert_eq!(read([write(1), digits]), expected, "{byte:#04x} at {place}");
            }
        }
    }
}

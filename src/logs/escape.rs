//! The bytes of JSON text and its escapes; no intermediate text.

use std::fmt;

use crate::context::hex_pairs;
use crate::record::prefix;

/// At most this much of one value is kept; a whole line is cut to less (see `cut`).
pub(super) const LONGEST_VALUE: usize = 256 * 1024;

/// How long a UUID is as text.
const UUID: usize = 36;

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

/// The bytes of a text, and whether they need no escape: what is written twice is checked once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked<'a> {
    bytes: &'a [u8],
    is_plain: bool,
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
    Checked::new(text).write(out);
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

/// Writes a text that most likely is a UUID, escaped, and the closing quote.
#[inline(always)]
pub(super) fn id_and_quote(out: &mut Vec<u8>, text: &[u8]) {
    match <&[u8; UUID]>::try_from(text) {
        Ok(uuid) if is_plain_uuid(uuid) => {
            let mut text = [b'"'; UUID + 1];
            text[..UUID].copy_from_slice(uuid);
            out.extend_from_slice(&text);
        }
        _ => {
            bytes_of(out, text);
            out.push(b'"');
        }
    }
}

/// Is it all harmless ASCII? The usual text is, and is then copied whole.
fn is_plain(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk() {
        // The last block overlaps the one before.
        return text.as_chunks().0.iter().all(is_plain_block) && is_plain_block(last);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        // They overlap as well, and are compared as one block.
        let mut block = [0; 16];
        block[..8].copy_from_slice(first);
        block[8..].copy_from_slice(last);
        return is_plain_block(&block);
    }
    is_harmless(word(text))
}

/// The same for a UUID, whose length is known.
#[inline]
fn is_plain_uuid(text: &[u8; UUID]) -> bool {
    let (blocks, _) = text.as_chunks();
    // The last word overlaps the block before.
    let last = text.last_chunk().is_some_and(|last| is_harmless(u64::from_le_bytes(*last)));
    last && blocks.iter().all(is_plain_block)
}

/// The same for a block whose bytes are compared all at once.
#[inline(always)]
fn is_plain_block(block: &[u8; 16]) -> bool {
    // Space to tilde are printable.
    let is_bad = |byte: u8| (byte.wrapping_sub(b' ') > b'~' - b' ') | (byte == b'"') | (byte == b'\\');
    !block.iter().fold(false, |found, byte| found | is_bad(*byte))
}

/// All bytes of a text shorter than eight, some of them twice.
#[inline]
fn word(text: &[u8]) -> u64 {
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
            out.extend_from_slice(b"\\u");
            out.extend_from_slice(hex_pairs(&code.to_be_bytes()).as_flattened());
            return Some(width);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
    Some(width)
}

impl<'a> Checked<'a> {
    /// Looks at all bytes, which are known to be text.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_plain: is_plain(bytes) }
    }

    /// Writes them, escaped.
    #[inline]
    pub(super) fn write(self, out: &mut Vec<u8>) {
        if self.is_plain { out.extend_from_slice(self.bytes) } else { escape(out, self.bytes) }
    }
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
    }

    #[test]
    fn every_character_that_could_end_a_line_or_steer_a_terminal_is_escaped() {
        assert_eq!(written("a\"\\\n\r\t\u{8}\u{c}\u{1b}"), r#""a\"\\\n\r\t\b\f\u001b""#);
        assert_eq!(written("\u{7f}\u{80}\u{9f}\u{a0}é"), "\"\\u007f\\u0080\\u009f\u{a0}é\"");
        assert_eq!(written("\u{2028}\u{2029}\u{202a}"), "\"\\u2028\\u2029\u{202a}\"");
    }

    #[test]
    fn a_byte_that_needs_an_escape_is_found_at_every_place_of_a_word() {
        for (length, place) in (0..40).flat_map(|length| (0..=length).map(move |place| (length, place))) {
            for bad in ["\"", "\\", "\n", "\u{7f}", "\u{85}", "\u{2028}"] {
                let text = format!("{}{bad}{}", "x".repeat(place), "y".repeat(length - place));
                let line = written(&text);
                assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
                assert!(line.contains('\\') && !line.contains(|c: char| c.is_control()));
            }
        }
    }

    #[test]
    fn what_is_as_long_as_a_uuid_is_plain_only_if_each_of_its_bytes_is() {
        assert!(is_plain_uuid(b"01a20085-f299-7717-8b91-756278565cc2"));
        for (place, bad) in (0..UUID).flat_map(|place| b"\"\\\n\x7f\xc2".map(|bad| (place, bad))) {
            let mut text = [b'0'; UUID];
            text[place] = bad;
            assert!(!is_plain_uuid(&text), "{bad:#x} at {place}");
        }
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

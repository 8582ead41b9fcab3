//! The escapes of JSON text.

use crate::context::hex_pairs;
use crate::record::short_word;

/// What a byte may begin.
const PLAIN: u8 = 0;
const ESCAPED: u8 = 1;
/// The first byte of characters of which some are escaped.
const LEAD: u8 = 2;

const BYTES: [u8; 256] = {
    let mut bytes = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        bytes[byte] = ESCAPED;
        byte += 1;
    }
    bytes[b'"' as usize] = ESCAPED;
    bytes[b'\\' as usize] = ESCAPED;
    bytes[0x7f] = ESCAPED;
    // C1 controls; U+061C; U+200E and others of its block.
    bytes[0xc2] = LEAD;
    bytes[0xd8] = LEAD;
    bytes[0xe2] = LEAD;
    bytes
};

/// Writes text between two quotes.
pub(in crate::logs) fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text.as_bytes());
    out.push(b'"');
}

/// Writes UTF-8 text, escaped as RFC 8259 demands; and DEL, the C1 controls, U+2028 and U+2029, which terminals and
/// JavaScript take for commands or line ends, and the bidirectional controls, which reorder what a person reads.
pub(in crate::logs) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        escape_each(out, text);
    }
}

/// Is this text written as it is? Nearly every text is printable ASCII. It is looked at eight bytes at a time, since of a
/// loop over bytes the compiler makes vectors in some builds only: with one codegen unit it makes none.
#[inline(always)]
pub(in crate::logs) fn is_plain(text: &[u8]) -> bool {
    let (Some((first, behind)), Some((_, last))) = (text.split_first_chunk(), text.split_last_chunk()) else {
        return unprintable(short_word(text)) == 0;
    };
    let unprintable = |word: &[u8; 8]| unprintable(u64::from_le_bytes(*word));
    // What is behind the last whole word is in the last eight bytes, too.
    (unprintable(first) | unprintable(last)) == 0
        && (behind.len() <= 8 || behind.as_chunks().0.iter().all(|word| unprintable(word) == 0))
}

/// Not zero if one of these eight bytes is not printable ASCII, or a quote, or a backslash.
#[inline]
fn unprintable(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // The highest bit of a byte that is less than `least`, and perhaps of those behind it.
    let below = |word: u64, least: u8| word.wrapping_sub(all(least)) & !word;
    let is = |byte: u8| below(word ^ all(byte), 1);
    // One more than DEL has the highest bit; a byte that carries into the next one has it already.
    let is_delete = word.wrapping_add(all(1));
    (word | below(word, b' ') | is(b'"') | is(b'\\') | is_delete) & all(0x80)
}

#[cold]
fn escape_each(out: &mut Vec<u8>, mut text: &[u8]) {
    while let Some(at) = text.iter().position(|byte| BYTES[usize::from(*byte)] != PLAIN) {
        let (plain, rest) = text.split_at(at);
        out.extend_from_slice(plain);
        text = match escaped(rest) {
            Some((code, width)) => {
                write_escape(out, code);
                rest.get(width..).unwrap_or_default()
            }
            None => {
                out.extend_from_slice(rest.get(..1).unwrap_or_default());
                rest.get(1..).unwrap_or_default()
            }
        };
    }
    out.extend_from_slice(text);
}

/// The character at the beginning, if it is escaped, and how many bytes it has.
fn escaped(text: &[u8]) -> Option<(u16, usize)> {
    match *text {
        [0xc2, second @ 0x80..=0x9f, ..] => Some((u16::from(second), 2)),
        [0xd8, 0x9c, ..] => Some((0x61c, 2)),
        [0xe2, 0x80, third @ (0x8e | 0x8f | 0xa8..=0xae), ..] => Some((0x2000 | u16::from(third & 0x3f), 3)),
        [0xe2, 0x81, third @ 0xa6..=0xa9, ..] => Some((0x2040 | u16::from(third & 0x3f), 3)),
        [byte, ..] if BYTES[usize::from(byte)] == ESCAPED => Some((u16::from(byte), 1)),
        _ => None,
    }
}

fn write_escape(out: &mut Vec<u8>, code: u16) {
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
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
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

    fn steers(c: char) -> bool {
        let bidirectional =
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || bidirectional.contains(c)
    }

    proptest! {
        #[test]
        fn any_text_reads_back_the_same(
            text in ".{0,64}|[\\x00-\\xff\u{600}-\u{640}\u{2000}-\u{2080}]{0,32}",
        ) {
            let line = written(&text);
            prop_assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
            prop_assert!(!line.contains(steers), "{:?}", line);
        }
    }

    #[test]
    fn every_character_that_could_end_a_line_or_steer_a_reader_is_escaped_and_no_other() {
        assert_eq!(written("a\"\\\n\r\t\u{8}\u{c}\u{1b}"), r#""a\"\\\n\r\t\b\f\u001b""#);
        assert_eq!(written("\u{7f}\u{80}\u{9f}\u{a0}é"), "\"\\u007f\\u0080\\u009f\u{a0}é\"");
        assert_eq!(written("\u{2028}\u{2029}"), r#""\u2028\u2029""#);
        assert_eq!(written("a\u{202e}b\u{2066}c\u{61c}"), r#""a\u202eb\u2066c\u061c""#);
        for c in (0..=0x2_ffff).filter_map(char::from_u32) {
            let is_escaped = written(&c.to_string()).contains('\\');
            assert_eq!(is_escaped, steers(c) || matches!(c, '"' | '\\'), "{c:?}");
        }
    }

    #[test]
    fn what_needs_an_escape_is_found_at_every_place() {
        for (length, place) in (0..40).flat_map(|length| (0..=length).map(move |place| (length, place))) {
            for bad in ["\"", "\\", "\n", "\u{7f}", "\u{85}", "\u{2028}", "\u{202e}", "\u{61c}"] {
                let text = format!("{}{bad}{}", "x".repeat(place), "y".repeat(length - place));
                let line = written(&text);
                assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
                assert!(line.contains('\\') && !line.contains(steers));
            }
        }
    }
}

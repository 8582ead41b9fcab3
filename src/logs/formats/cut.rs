//! The longest line: what a receiver would reject is cut by us, marked, and counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::object::{Object, Text};
use crate::record::CUT_MARK;
use crate::threads::complain;

/// Loki takes 256 KiB a line; the rest is left to what an agent puts around it.
pub(in crate::logs) const LONGEST_LINE: usize = 252 * 1024;

/// A text that is no longer is never cut.
const SHORT: usize = 2 * CUT_MARK.len();

/// How many lines were cut, of all that one handle writes.
#[derive(Debug, Default)]
pub(in crate::logs) struct Cuts(AtomicU64);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// It was short enough.
    Whole,
    /// Its longest values were cut.
    Shortened,
    /// No value is long enough to make it fit.
    Hopeless,
}

impl Cuts {
    /// Makes a line fit, of whose texts there is a note; false if that cannot be.
    pub(super) fn fit(&self, line: &mut Object) -> bool {
        match fit(line) {
            Cut::Whole => true,
            Cut::Shortened => {
                let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
                complain(format_args!(
                    "log lines that were too long: {count}; their longest values were cut"
                ));
                true
            }
            Cut::Hopeless => false,
        }
    }

    pub(in crate::logs) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cuts the longest values until the line fits.
fn fit(line: &mut Object) -> Cut {
    let mut cut = Cut::Whole;
    let mut texts = line.take_texts();
    while line.line().len() > LONGEST_LINE {
        let excess = line.line().len() - LONGEST_LINE + CUT_MARK.len();
        if !shorten_longest(&mut line.bytes, &mut texts, excess) {
            return Cut::Hopeless;
        }
        cut = Cut::Shortened;
    }
    cut
}

/// Takes `excess` bytes off the longest text, or all of it; false if none is longer than the mark.
fn shorten_longest(bytes: &mut Vec<u8>, texts: &mut [Text], excess: usize) -> bool {
    let longest = texts.iter().enumerate().max_by_key(|(_, text)| text.end - text.start);
    let Some((place, text)) = longest else { return false };
    let (start, end) = (text.start as usize, text.end as usize);
    if end - start <= SHORT {
        return false;
    }
    let Some(text) = bytes.get(start..end) else { return false };
    let kept = start + escaped_prefix(text, (end - start).saturating_sub(excess));
    bytes.splice(kept..end, CUT_MARK.bytes());
    let removed = (end - kept - CUT_MARK.len()) as u32;
    // They stand in the order of the line; one may begin where another ends, and one may be empty.
    let mut behind = texts.iter_mut().skip(place);
    if let Some(text) = behind.next() {
        text.end -= removed;
    }
    for text in behind {
        text.start -= removed;
        text.end -= removed;
    }
    true
}

/// How much of an escaped text fits into `most` bytes, without splitting an escape or a character. At least
/// the mark's own length is cut away, so that every cut shortens.
fn escaped_prefix(text: &[u8], most: usize) -> usize {
    let most = most.min(text.len().saturating_sub(CUT_MARK.len() + 1));
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let width = match byte {
            b'\\' if text.get(at + 1) == Some(&b'u') => 6,
            b'\\' => 2,
            0xf0.. => 4,
            0xe0.. => 3,
            0xc0.. => 2,
            _ => 1,
        };
        if at + width > most {
            break;
        }
        at += width;
    }
    // In a text that is not escaped, a backslash and what follows it is no escape, and may end within a character.
    while text.get(at).is_some_and(|byte| (0x80..0xc0).contains(byte)) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::formats::tests::line_of;
    use crate::logs::formats::{FormatName, Item, LineMaker};
    use crate::record::{Severity, Snapshot};
    use crate::resource::Resource;

    fn line(fields: &[(String, String)]) -> Object {
        line_of(|put| fields.iter().for_each(|(name, value)| put(name, value.as_str().to_owned().into())))
    }

    fn read(line: &Object) -> serde_json::Value {
        serde_json::from_slice(&line.bytes).expect("JSON")
    }

    #[test]
    fn a_short_line_stays_whole() {
        let mut short = line(&[("a".into(), "b".into())]);
        assert_eq!(fit(&mut short), Cut::Whole);
    }

    #[test]
    fn only_the_longest_value_is_cut_and_it_is_marked() {
        let mut long = line(&[("short".into(), "b".repeat(90_000)), ("long".into(), "é\n".repeat(100_000))]);
        assert_eq!(fit(&mut long), Cut::Shortened);
        assert!(long.bytes.len() <= LONGEST_LINE && long.bytes.len() > LONGEST_LINE - 64);
        let read = read(&long);
        assert_eq!(read["short"].as_str().map(str::len), Some(90_000));
        let cut = read["long"].as_str().expect("text");
        assert!(cut.ends_with(CUT_MARK) && cut.starts_with("é\né\n"));
    }

    #[test]
    fn a_line_that_no_cut_can_save_is_told() {
        let mut names: Vec<_> =
            (0..300).map(|n| (format!("{n}{}", "n".repeat(1_000)), String::new())).collect();
        names.push(("long".into(), "x".repeat(1_000)));
        assert_eq!(fit(&mut line(&names)), Cut::Hopeless);
    }

    /// The line of a message and two fields of these lengths.
    fn made(format: FormatName, [message, first, second]: [usize; 3]) -> Vec<u8> {
        made_of(format, [&"m".repeat(message), &"x".repeat(first), &"y".repeat(second)])
    }

    /// The line of a message and two fields.
    fn made_of(format: FormatName, [message, first, second]: [&str; 3]) -> Vec<u8> {
        let mut said = Snapshot::new(Severity::Info, "app", message);
        said.add("first", &first.to_owned().into());
        said.add("second", &second.to_owned().into());
        let mut object = Object::default();
        let maker = LineMaker::new(format.format(&Resource::default(), false));
        assert!(maker.append(&Item::Event(said.event()), &mut object), "no line");
        object.bytes
    }

    #[test]
    fn each_format_cuts_what_is_too_long_whatever_else_is_empty() {
        for format in FormatName::ALL {
            for lengths in [[0, 200_000, 200_000], [250_000, 250_000, 0], [250_000, 0, 0], [0, 0, 250_000]] {
                let line = made(format, lengths);
                let text = String::from_utf8(line).expect("UTF-8");
                assert!(
                    text.len() <= LONGEST_LINE && text.len() > LONGEST_LINE / 2,
                    "{format:?} {lengths:?}"
                );
                let is_cut = text.contains(CUT_MARK);
                assert_eq!(is_cut, lengths.iter().sum::<usize>() > LONGEST_LINE, "{format:?} {lengths:?}");
            }
        }
    }

    #[test]
    fn a_character_behind_a_backslash_is_not_divided() {
        for text in ["\\é", "\\u日本", "\\😀", "x\\é"] {
            // Whatever the place of the cut is.
            for before in ["", "a", "aa", "aaa", "aaaa", "aaaaa"] {
                for format in FormatName::ALL {
                    let line = made_of(format, [&format!("{before}{}", text.repeat(100_000)), "", ""]);
                    assert!(line.len() <= LONGEST_LINE, "{format:?}");
                    assert!(String::from_utf8(line).is_ok(), "{format:?} {before}{text}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_cut_line_of_each_format_is_text_that_fits(
            (message, field) in ("[\\\\uné日😀\n\u{1b}]{1,8}", "[\\\\x01é日😀]{1,8}"),
            times in 10_000_usize..60_000,
        ) {
            for format in FormatName::ALL {
                let line = made_of(format, [&message.repeat(times), &field.repeat(times), ""]);
                prop_assert!(line.len() <= LONGEST_LINE, "{:?}", format);
                prop_assert!(String::from_utf8(line).is_ok(), "{:?}", format);
            }
        }

        #[test]
        fn a_cut_line_is_still_an_object_that_fits(
            pieces in prop::collection::vec((".{1,6}", 0_usize..40_000), 1..8)
        ) {
            let fields: Vec<_> = pieces
                .iter()
                .enumerate()
                .map(|(n, (piece, times))| (format!("f{n}"), piece.repeat(*times)))
                .collect();
            let mut line = line(&fields);
            let before = line.bytes.len();
            let cut = fit(&mut line);
            prop_assert_eq!(cut == Cut::Whole, before <= LONGEST_LINE);
            prop_assert!(line.bytes.len() <= LONGEST_LINE);
            let read = read(&line);
            for (name, value) in &fields {
                let kept = read[name].as_str().expect("text");
                let kept = kept.strip_suffix(CUT_MARK).unwrap_or(kept);
                prop_assert!(value.starts_with(kept));
            }
        }
    }
}

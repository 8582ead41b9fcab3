//! Output for a terminal: colours, escaped control characters, a trace as a waterfall; and the streams that may be one.

mod waterfall;

pub use waterfall::{Bar, Waterfall};

use std::borrow::Cow;
use std::fs::File;
use std::io;

pub(crate) const BOLD: &str = "\x1b[1m";
pub(crate) const DIM: &str = "\x1b[2m";
pub(crate) const PLAIN: &str = "\x1b[0m";
pub(crate) const RED: &str = "\x1b[31m";
pub(crate) const CYAN: u8 = 36;

/// Text that neither ends the line nor steers the terminal, nor changes the direction in which the rest is read.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let escaped = text.chars().map(|c| if steers(c) { c.escape_unicode().to_string() } else { c.into() });
    escaped.collect::<String>().into()
}

/// A descriptor of our own for a standard stream: a write that hangs must not hold the standard library's lock.
#[cfg(unix)]
pub(crate) fn duplicate(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
pub(crate) fn duplicate(stream: &impl std::os::windows::io::AsHandle) -> io::Result<File> {
    Ok(File::from(stream.as_handle().try_clone_to_owned()?))
}

/// Does it end the line, steer a terminal, or change the direction in which the rest is read?
pub(crate) fn steers(c: char) -> bool {
    let is_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || is_direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_nothing_else() {
        assert_eq!(visible("a\tb\u{9b}1m\u{202e}c\u{2066}"), r"a\u{9}b\u{9b}1m\u{202e}c\u{2066}");
        assert!(matches!(visible("größe 日本 👩‍🔧 {id}"), Cow::Borrowed(_)));
    }
}

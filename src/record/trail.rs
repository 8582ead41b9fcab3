//! What an error report says of a hop beyond its line: its last lines and calls, and where its error came from. It is kept
//! only where reports are on, and is gone when a hop ended well.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Write};
use std::panic::Location;

use super::{guarded, prefix};

/// At most so many bytes of a type's name are kept.
const LONGEST_NAME: usize = 128;

/// What a hop keeps for its report.
#[derive(Debug)]
pub(crate) struct Trail {
    /// The last lines and calls. They are of the reports' own type: a line knows its hop, so a hop cannot know lines in turn.
    pub(crate) lines: Box<dyn Any + Send + Sync>,
    /// The types of the recorded error and of its sources, outermost first.
    pub(crate) types: Vec<String>,
    /// Where the error was recorded.
    pub(crate) place: Option<&'static Location<'static>>,
    /// Whom the service named as the user.
    pub(crate) user: Option<String>,
    /// What the service chose to group by.
    pub(crate) fingerprint: Option<String>,
}

impl Trail {
    /// The trail of a hop that begins.
    pub(crate) fn new(lines: Box<dyn Any + Send + Sync>) -> Self {
        Self { lines, types: Vec::new(), place: None, user: None, fingerprint: None }
    }
}

/// The name of an error's type as a derived `Debug` begins with it, which is all that is known of a `dyn Error`; `None` if it
/// begins otherwise.
pub(crate) fn type_of(error: &dyn Error) -> Option<String> {
    let mut begin = Begin(String::new());
    // It ends by an error where enough is known. This is the user's code.
    guarded(|| write!(begin, "{error:?}").is_err())?;
    let text = begin.0;
    if text.starts_with("Os { code: ") || text.starts_with("Custom { kind: ") {
        return Some("io::Error".to_owned());
    }
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let end = text.find(|letter| !is_of_name(letter)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let is_name = name.starts_with(|first: char| first.is_ascii_uppercase());
    let is_derived = rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {");
    (is_name && is_derived).then(|| name.to_owned())
}

/// The begin of what is written.
struct Begin(String);

impl Write for Begin {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST_NAME.saturating_sub(self.0.len());
        self.0.push_str(prefix(text, room));
        if text.len() < room { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_what_debug_begins_with() {
        let parsed = "x".parse::<u8>().unwrap_err();
        assert_eq!(type_of(&parsed).as_deref(), Some("ParseIntError"));
        let text: Box<dyn Error> = "no seats".into();
        assert_eq!(type_of(&*text), None, "a text has quotes");

        #[derive(Debug)]
        struct Long;
        impl fmt::Display for Long {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("secret 4711")
            }
        }
        impl Error for Long {}
        assert_eq!(type_of(&Long).as_deref(), Some("Long"));
        assert_eq!(type_of(&std::io::Error::other("no seats")).as_deref(), Some("io::Error"));
        assert_eq!(type_of(&std::fmt::Error).as_deref(), Some("Error"));
    }
}

//! The one error of this crate: why the start-up failed. And the chain of causes behind any error, walked here only, with
//! what may be shown of the URLs in its texts.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::panic::Location;

/// Why [`init`](crate::init()) failed: misuse in code, never the environment.
///
/// `Debug` says what `Display` says, because that is what Rust prints of an error that `main` returns.
///
/// ```no_run
/// match tower_observability::init("bookings") {
///     Ok(observability) => drop(observability),
///     Err(error) if error.is_already_started() => eprintln!("{error}"),
///     Err(error) => panic!("{error}"),
/// }
/// ```
pub struct Error(Kind);

enum Kind {
    AlreadyStarted(&'static Location<'static>),
    SubscriberTaken,
    RecorderTaken,
    Thread(&'static str, io::Error),
}

impl Error {
    pub(crate) fn already_started(first: &'static Location<'static>) -> Self {
        Self(Kind::AlreadyStarted(first))
    }

    pub(crate) fn subscriber_taken() -> Self {
        Self(Kind::SubscriberTaken)
    }

    pub(crate) fn recorder_taken() -> Self {
        Self(Kind::RecorderTaken)
    }

    pub(crate) fn thread(name: &'static str, source: io::Error) -> Self {
        Self(Kind::Thread(name, source))
    }

    /// A second `init` in one process; the message says where the first was.
    #[must_use]
    pub fn is_already_started(&self) -> bool {
        matches!(self.0, Kind::AlreadyStarted(_))
    }

    /// Another global `tracing` subscriber was installed before us.
    #[must_use]
    pub fn is_subscriber_taken(&self) -> bool {
        matches!(self.0, Kind::SubscriberTaken)
    }

    /// Another global `metrics` recorder was installed before us.
    #[must_use]
    pub fn is_recorder_taken(&self) -> bool {
        matches!(self.0, Kind::RecorderTaken)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AlreadyStarted(first) => write!(
                f,
                "observability was already started at {first}: a process has one init or build; a test that looks at \
                 telemetry takes `tower_observability::testing::Instance::new()` instead, of which it may have many"
            ),
            Kind::SubscriberTaken => f.write_str(
                "another global tracing subscriber is installed; to keep it, start by \
                 `let observability = tower_observability::builder(\"…\").build()?;` and add \
                 `.with(observability.tracing_layer())` to its registry; else remove its `init()`",
            ),
            Kind::RecorderTaken => f.write_str(
                "another global metrics recorder is installed; to keep it and count with it, write \
                 `tower_observability::builder(\"…\").metrics(Metrics::new().installed_recorder())`; else remove its \
                 `install()`",
            ),
            Kind::Thread(name, _) => write!(f, "the thread {name} could not be started"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Thread(_, source) => Some(source),
            Kind::AlreadyStarted(_) | Kind::SubscriberTaken | Kind::RecorderTaken => None,
        }
    }
}

/// How many causes of an error are read; a longer chain is most likely a loop.
const MOST_CAUSES: usize = 16;

/// An error and its causes as `next` finds them, outermost first.
pub(crate) fn causes<'a>(
    first: Option<&'a (dyn std::error::Error + 'static)>,
    next: impl Fn(&'a (dyn std::error::Error + 'static)) -> Option<&'a (dyn std::error::Error + 'static)>,
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(first, move |&error| next(error)).take(MOST_CAUSES)
}

/// An error's text with those of its causes behind it.
pub(crate) struct WithCauses<'a> {
    pub(crate) error: &'a (dyn std::error::Error + 'static),
    /// Stands before each cause.
    pub(crate) separator: &'static str,
}

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        let mut causes = causes(self.error.source(), |error| error.source());
        causes.try_for_each(|cause| write!(f, "{}{cause}", self.separator))
    }
}

/// As `Display`, for readers that take only `Debug`.
impl fmt::Debug for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Stands for what is not shown.
const REDACTED: &str = "REDACTED";

/// An endpoint as it may be shown anywhere: without its credentials, and without what stands behind its path, which may
/// be a key.
pub(crate) fn masked_url(url: &str) -> Cow<'_, str> {
    let is_scheme =
        |end: &usize| url[..*end].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (scheme, rest) = url.split_at(url.find("://").filter(is_scheme).map_or(0, |end| end + 3));
    let authority_end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let path_end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (authority, path) = (&rest[..authority_end], &rest[authority_end..path_end]);
    let (credentials, host) = match authority.rsplit_once('@') {
        Some((_, host)) => ("REDACTED@", host),
        None => ("", authority),
    };
    let behind = rest[path_end..].chars().next();
    if credentials.is_empty() && behind.is_none() {
        return Cow::Borrowed(url);
    }
    let mut shown = [scheme, credentials, host, path].concat();
    if let Some(mark) = behind {
        shown.push(mark);
        shown.push_str(REDACTED);
    }
    Cow::Owned(shown)
}

/// A text with each URL in it as [`masked_url`] shows it: errors of HTTP clients name what was called.
pub(crate) fn masked_urls(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let is_end = |c: char| c.is_whitespace() || "\"'`<>".contains(c);
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let shown = text.split_inclusive(is_end).map(|word| {
        let Some(mark) = word.find("://") else { return Cow::Borrowed(word) };
        let (before, _) = word.split_at(mark);
        let (before, url) = word.split_at(before.trim_end_matches(is_scheme).len());
        // What closes the sentence around it is not the URL's.
        let (url, behind) =
            url.split_at(url.trim_end_matches(|c: char| is_end(c) || "()[]{},;:.".contains(c)).len());
        Cow::Owned([before, &masked_url(url), behind].concat())
    });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_main_prints_is_the_message_with_its_remedy() {
        let remedies = [
            (Error::already_started(Location::caller()), "testing::Instance::new()"),
            (Error::subscriber_taken(), ".with(observability.tracing_layer())"),
            (Error::recorder_taken(), "installed_recorder()"),
        ];
        for (error, remedy) in remedies {
            let printed = format!("{error:?}");
            assert_eq!(printed, error.to_string());
            assert!(printed.contains(remedy), "{printed}");
        }
        let thread = Error::thread("observability", io::Error::other("no more threads"));
        assert_eq!(format!("{thread:?}"), format!("{thread}: no more threads"));
    }

    /// Its own cause.
    #[derive(Debug)]
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("x")
        }
    }

    impl std::error::Error for Endless {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&Endless)
        }
    }

    #[test]
    fn urls_in_a_text_are_masked_and_the_rest_is_shown() {
        for (text, shown) in [
            ("row locked", "row locked"),
            ("see http://h/p.", "see http://h/p."),
            ("send (http://h/p?k=S): gone", "send (http://h/p?REDACTED): gone"),
            ("send (http://h/p?k=a)S&b=(S)): gone", "send (http://h/p?REDACTED)): gone"),
            ("url=\"https://me:S@h:1/\", 'b://c#S'", "url=\"https://REDACTED@h:1/\", 'b://c#REDACTED'"),
            ("a http://h?S\nhttp://h/?S", "a http://h?REDACTED\nhttp://h/?REDACTED"),
            ("é://?S ://", "é://?REDACTED ://"),
        ] {
            assert_eq!(masked_urls(text), shown, "{text}");
        }
    }

    #[test]
    fn a_chain_is_shown_whole_and_ends_where_it_is_endless() {
        let source = std::io::Error::other("row locked");
        let error = Error::thread("exporter", source);
        let shown = WithCauses { error: &error, separator: ": " };
        assert_eq!(shown.to_string(), "the thread exporter could not be started: row locked");
        let endless = WithCauses { error: &Endless, separator: "" };
        assert_eq!(format!("{endless:?}").len(), 1 + MOST_CAUSES);
    }
}

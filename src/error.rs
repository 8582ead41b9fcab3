//! The one error of this crate: why the start-up failed. And the chain of causes behind any error, walked here only, with
//! what may be shown of the URLs in its texts.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

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

/// What an error is by its trait.
type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// An error and its causes as `next` finds them, outermost first. Both are the user's code: where it panics, the chain ends.
pub(crate) fn causes<'a>(
    first: impl FnOnce() -> Option<Cause<'a>>,
    next: impl Fn(Cause<'a>) -> Option<Cause<'a>>,
) -> impl Iterator<Item = Cause<'a>> {
    let first = guarded(first).flatten();
    std::iter::successors(first, move |&error| guarded(|| next(error)).flatten()).take(MOST_CAUSES)
}

/// What is behind an error, the nearest cause first.
pub(crate) fn sources<'a>(error: &'a dyn std::error::Error) -> impl Iterator<Item = Cause<'a>> {
    causes(|| error.source(), |error| error.source())
}

/// Runs the user's code; `None` if it panics. What it left half-done is the caller's to drop.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| {
            // Its drop may panic as well.
            std::mem::forget(panic);
        })
        .ok()
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
        sources(self.error).try_for_each(|cause| write!(f, "{}{cause}", self.separator))
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
/// be a key. Where several stand in one word, as in a list of servers, each is shown so.
pub(crate) fn masked_url(url: &str) -> Cow<'_, str> {
    let (mut shown, mut rest) = (String::new(), url);
    while let Some(next) = next_url(rest) {
        let (one, behind) = rest.split_at(next);
        shown.push_str(&masked(one));
        rest = behind;
    }
    let last = masked(rest);
    if shown.is_empty() { last } else { Cow::Owned(shown + &last) }
}

/// Where another URL begins in the path of one, or behind it. What stands in a query is hidden with it.
fn next_url(url: &str) -> Option<usize> {
    let first = url.find("://")?;
    let begin = if url[..first].chars().all(is_of_scheme) { first + 3 } else { 0 };
    let next = begin + url[begin..].find("://")?;
    let start = url[..next].trim_end_matches(is_of_scheme).len();
    (start >= begin && !url[begin..next].contains(['?', '#'])).then_some(start)
}

fn is_of_scheme(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "+-.".contains(letter)
}

fn masked(url: &str) -> Cow<'_, str> {
    let is_scheme = |end: &usize| url[..*end].chars().all(is_of_scheme);
    let (scheme, rest) = url.split_at(url.find("://").filter(is_scheme).map_or(0, |end| end + 3));
    let query_at = rest.find(['?', '#']).unwrap_or(rest.len());
    // Parameters of the path, and the keys of a connection (`sb://host/;SharedAccessKey=…`).
    let path_end = rest.find(';').filter(|at| rest[*at..].contains('=')).unwrap_or(query_at).min(query_at);
    let authority_end = rest.find(['/', '\\']).unwrap_or(path_end).min(path_end);
    let (authority, path) = (&rest[..authority_end], &rest[authority_end..path_end]);
    if !authority.contains('@') && (rest.contains('@') && path.is_empty() || !has_port(authority)) {
        // Most likely a name and a password with a letter that ends the authority.
        return Cow::Owned([scheme, REDACTED].concat());
    }
    // Within the path it is a password's only where there is one.
    let before_path = &rest[..if authority.contains('@') { path_end } else { authority_end }];
    let (credentials, shown) = match before_path.rsplit_once('@') {
        Some((_, host)) => ("REDACTED@", host),
        None => ("", &rest[..path_end]),
    };
    let behind = rest[path_end..].chars().next();
    if credentials.is_empty() && behind.is_none() {
        return Cow::Borrowed(url);
    }
    let mut shown = [scheme, credentials, shown].concat();
    if let Some(mark) = behind {
        shown.push(mark);
        shown.push_str(REDACTED);
    }
    Cow::Owned(shown)
}

/// Does what stands behind the host, if anything, look like a port?
fn has_port(authority: &str) -> bool {
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    port.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit())
}

/// A text with each URL in it as [`masked_url`] shows it: errors of HTTP clients name what was called.
pub(crate) fn masked_urls(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(mark) = rest.find("://") {
        let (before, url) = rest.split_at(rest[..mark].trim_end_matches(is_of_scheme).len());
        let (url, behind) = url.split_at(length_of_url(url, before.chars().next_back()));
        // What closes the sentence around it is not the URL's.
        let closed = url.trim_end_matches(|letter: char| "()[]{},;:.".contains(letter)).len();
        shown.extend([before, &masked_url(&url[..closed]), &url[closed..]]);
        rest = behind;
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// How far a URL goes that stands behind `opening`: to the quote or bracket that closes it, at most to a blank. Other quotes
/// may stand in a query.
fn length_of_url(text: &str, opening: Option<char>) -> usize {
    let closing = match opening {
        Some('<') => Some('>'),
        quote => quote.filter(|quote| "\"'`".contains(*quote)),
    };
    let mut in_query = false;
    let ends = |letter: char| {
        in_query |= "?#".contains(letter);
        let is_quote = closing.is_none() && !in_query && "\"'`<>".contains(letter);
        letter.is_whitespace() || Some(letter) == closing || is_quote
    };
    text.find(ends).unwrap_or(text.len())
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
            ("of [a://h:1/,b://me:S@h:2/]: gone", "of [a://h:1/,b://REDACTED@h:2/]: gone"),
            ("a://me:S@h:1,a://me:S@h:2", "a://REDACTED@h:1,a://REDACTED@h:2"),
            ("a://me:S@h:1;a://me:S@h:2; gone", "a://REDACTED@h:1;a://REDACTED@h:2; gone"),
            ("no Endpoint=sb://h/;KeyName=Root;Key=S=", "no Endpoint=sb://h/;REDACTED"),
            ("jdbc:sqlserver://h;user=sa;password=S: gone", "jdbc:sqlserver://h;REDACTED: gone"),
            ("jdbc:sqlserver://h:1;password=S?S", "jdbc:sqlserver://h:1;REDACTED"),
            ("http://h/a;jsessionid=S/b?c=S", "http://h/a;REDACTED"),
            ("http://me:S;s=S@h/b", "http://REDACTED"),
            ("of http://h/?q='S'&k=\"S\"; gone", "of http://h/?REDACTED; gone"),
            (
                "<http://h?k='S'>; {\"u\":\"a://h?S\",\"v\":1}",
                "<http://h?REDACTED>; {\"u\":\"a://h?REDACTED\",\"v\":1}",
            ),
        ] {
            assert_eq!(masked_urls(text), shown, "{text}");
        }
    }

    #[test]
    fn a_chain_ends_where_it_panics_when_it_is_asked() {
        #[derive(Debug)]
        struct Rude(Option<Box<Rude>>);
        impl fmt::Display for Rude {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rude")
            }
        }
        impl std::error::Error for Rude {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&**self.0.as_ref().expect("nobody asks me"))
            }
        }
        assert_eq!(sources(&Rude(None)).count(), 0);
        assert_eq!(sources(&Rude(Some(Box::new(Rude(None))))).count(), 1);
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

//! The one error of this crate: why the start-up failed. And the chain of causes behind any error, walked here only.

use std::fmt;
use std::panic::Location;

/// Why [`init`](crate::init()) failed: misuse in code, never the environment.
///
/// ```no_run
/// match tower_observability::init("bookings") {
///     Ok(observability) => drop(observability),
///     Err(error) if error.is_already_started() => eprintln!("{error}"),
///     Err(error) => panic!("{error}"),
/// }
/// ```
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug)]
enum Kind {
    AlreadyStarted(&'static Location<'static>),
    SubscriberTaken,
    RecorderTaken,
    Thread(&'static str),
}

impl Error {
    pub(crate) fn already_started(first: &'static Location<'static>) -> Self {
        Self { kind: Kind::AlreadyStarted(first), source: None }
    }

    pub(crate) fn subscriber_taken(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: Kind::SubscriberTaken, source: Some(source.into()) }
    }

    pub(crate) fn recorder_taken() -> Self {
        Self { kind: Kind::RecorderTaken, source: None }
    }

    pub(crate) fn thread(name: &'static str, source: std::io::Error) -> Self {
        Self { kind: Kind::Thread(name), source: Some(source.into()) }
    }

    /// A second `init` in one process; the message says where the first was.
    #[must_use]
    pub fn is_already_started(&self) -> bool {
        matches!(self.kind, Kind::AlreadyStarted(_))
    }

    /// Another global `tracing` subscriber was installed before us.
    #[must_use]
    pub fn is_subscriber_taken(&self) -> bool {
        matches!(self.kind, Kind::SubscriberTaken)
    }

    /// Another global `metrics` recorder was installed before us.
    #[must_use]
    pub fn is_recorder_taken(&self) -> bool {
        matches!(self.kind, Kind::RecorderTaken)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::AlreadyStarted(first) => {
                write!(f, "observability was already started at {first}; one init or build per process")
            }
            Kind::SubscriberTaken => f.write_str(
                "another global tracing subscriber is installed; to keep it, start by \
                 `let observability = tower_observability::builder(\"…\").build()?;` and add \
                 `.with(observability.tracing_layer())` to its registry; else remove its `init()`",
            ),
            Kind::RecorderTaken => f.write_str(
                "another global metrics recorder is installed; to keep it and count with it, say \
                 `tower_observability::builder(\"…\").metrics(Metrics::new().installed_recorder())`; else remove its \
                 `install()`",
            ),
            Kind::Thread(name) => write!(f, "the thread {name} could not be started"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_chain_is_shown_whole_and_ends_where_it_is_endless() {
        let source = std::io::Error::other("row locked");
        let error = Error::thread("exporter", source);
        let shown = WithCauses { error: &error, separator: ": " };
        assert_eq!(shown.to_string(), "the thread exporter could not be started: row locked");
        let endless = WithCauses { error: &Endless, separator: "" };
        assert_eq!(format!("{endless:?}").len(), 1 + MOST_CAUSES);
    }
}

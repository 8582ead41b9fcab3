//! The one error of this crate: why the start-up failed.

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

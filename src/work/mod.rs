//! Work that does not come over HTTP, such as a job or a message.

mod query;
mod running;

pub use query::{Query, transaction};
pub use running::Running;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;

use crate::current::request::chain;
use crate::propagation::Remote;
use crate::record::{IntoValue, Kind, Outcome, Value, formatted};
use crate::signals::{Signals, global};

/// A job or a message: a span, a log line and metrics, in the sender's trace.
///
/// The producer sends its context with the message, the consumer continues it:
///
/// ```
/// use std::collections::HashMap;
/// use tower_observability::{Work, propagation};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut headers = HashMap::new();
/// Work::producer("send booking").destination("bookings").run(async { propagation::inject(&mut headers) }).await;
///
/// let booked = Work::consumer("process booking")
///     .destination("bookings")
///     .parent(propagation::extract(&headers))
///     .run(async { "booked" })
///     .await;
/// # assert_eq!(booked, "booked");
/// # }
/// ```
#[derive(Debug)]
#[must_use = "run it, or begin it"]
pub struct Work {
    kind: Kind,
    name: Cow<'static, str>,
    system: Option<Cow<'static, str>>,
    destination: Option<Cow<'static, str>>,
    parent: Option<Remote>,
    links: Vec<Remote>,
    attributes: Vec<(Cow<'static, str>, Value)>,
    signals: Option<&'static Signals>,
}

/// What [`Work::run_result`] takes: a result whose error is boxed. No other type is one.
///
/// ```compile_fail,E0277
/// async fn clean_up() -> Result<u32, std::num::ParseIntError> {
///     "7 days".parse()
/// }
///
/// # async fn f() {
/// tower_observability::Work::internal("nightly clean-up").run_result(clean_up()).await; // `try_run` takes it
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`run_result` takes a result whose error is `Box<dyn Error + Send + Sync>`, which `{Self}` is not",
    label = "this has an error type of its own",
    note = "`try_run` keeps a future's own error type"
)]
pub trait BoxedResult<T>: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<T, Box<dyn Error + Send + Sync>>;
}

impl<T> BoxedResult<T> for Result<T, Box<dyn Error + Send + Sync>> {
    fn into_result(self) -> Self {
        self
    }
}

mod sealed {
    pub trait Sealed {}

    impl<T> Sealed for Result<T, Box<dyn std::error::Error + Send + Sync>> {}
}

impl Work {
    /// Processing of a message (span kind CONSUMER).
    pub fn consumer(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Consumer, name.into())
    }

    /// Sending of a message to a broker (span kind PRODUCER).
    pub fn producer(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Producer, name.into())
    }

    /// Work inside the process, such as a job or a timer (span kind INTERNAL).
    pub fn internal(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Internal, name.into())
    }

    fn new(kind: Kind, name: Cow<'static, str>) -> Self {
        Self {
            kind,
            name,
            system: None,
            destination: None,
            parent: None,
            links: Vec::new(),
            attributes: Vec::new(),
            signals: None,
        }
    }

    /// The messaging system, `messaging.system`: "kafka", "rabbitmq". Default: none.
    pub fn system(mut self, system: impl Into<Cow<'static, str>>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// The queue or topic, `messaging.destination.name`. Default: none.
    pub fn destination(mut self, destination: impl Into<Cow<'static, str>>) -> Self {
        self.destination = Some(destination.into());
        self
    }

    /// Continues the trace of the message's sender. Default: the current context, else a new trace.
    pub fn parent(mut self, remote: Remote) -> Self {
        self.parent = Some(remote);
        self
    }

    /// Starts a new trace that links to the one of the message's sender. For a batch, call it once for each message.
    pub fn link(mut self, remote: Remote) -> Self {
        self.links.push(remote);
        self
    }

    /// Adds an attribute to the span and a field to the log line. It takes the same values as
    /// [`request::add`](crate::request::add), which does this from inside the work. Can be called many times; a later
    /// value of the same key replaces the earlier one. Default: none.
    ///
    /// ```
    /// use tower_observability::Work;
    ///
    /// let work = Work::consumer("process booking").attribute("messaging.kafka.offset", 4_711).attribute("tenant", "blue");
    /// # drop(work);
    /// ```
    pub fn attribute(mut self, key: impl Into<Cow<'static, str>>, value: impl IntoValue) -> Self {
        self.attributes.extend(value.into_value().map(|value| (key.into(), value)));
        self
    }

    /// Reports to these signals instead of the process's.
    pub(crate) fn with_core(mut self, signals: &'static Signals) -> Self {
        self.signals = Some(signals);
        self
    }

    /// Begins the work for code without a future. Before `init` nothing is observed.
    pub fn begin(self) -> Running {
        let signals = self.signals.or_else(global).filter(|signals| !signals.is_off());
        Running::begin(signals, self)
    }

    /// Runs a future as this work. It succeeds unless the future is dropped or panics.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        let mut running = self.begin();
        let output = running.drive(work).await;
        running.finish(Outcome::Ok);
        output
    }

    /// Runs a future as this work; an `Err` is a server error, and its chain of sources is recorded.
    ///
    /// The error is boxed, so that an `async` block with `?` needs no type annotation. [`try_run`](Self::try_run) keeps a
    /// future's own type of error.
    ///
    /// ```
    /// use tower_observability::Work;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let done = Work::internal("nightly clean-up")
    ///     .run_result(async {
    ///         std::fs::remove_dir("/does/not/exist")?;
    ///         let age: u32 = "7 days".parse()?;
    ///         Ok(age)
    ///     })
    ///     .await;
    /// assert!(done.is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The future's own.
    pub async fn run_result<T, F>(self, work: F) -> Result<T, Box<dyn Error + Send + Sync>>
    where
        F: Future<Output: BoxedResult<T>>,
    {
        self.run_reported(async { work.await.into_result() }, |error| chain(&**error)).await
    }

    /// Runs a future that has an error type of its own as this work; an `Err` is a server error, and its text is
    /// recorded.
    ///
    /// ```
    /// use tower_observability::Work;
    ///
    /// async fn clean_up() -> Result<u32, std::num::ParseIntError> {
    ///     "7 days".parse()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// assert!(Work::internal("nightly clean-up").try_run(clean_up()).await.is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The future's own.
    pub async fn try_run<T, E, F>(self, work: F) -> Result<T, E>
    where
        E: fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        self.run_reported(work, |error| vec![formatted(format_args!("{error}"))]).await
    }

    async fn run_reported<T, E, F>(self, work: F, texts: impl FnOnce(&E) -> Vec<String>) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut running = self.begin();
        let result = running.drive(work).await;
        if let Err(error) = &result {
            running.record_error(|| texts(error));
        }
        running.finish(if result.is_ok() { Outcome::Ok } else { Outcome::ServerError });
        result
    }
}

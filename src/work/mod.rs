//! Work that does not come over HTTP, such as a job or a message.

mod query;
mod running;

pub use query::{Query, transaction};
pub use running::Running;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::time::SystemTime;

use crate::current::request::{chain, note_cause};
use crate::propagation::Remote;
use crate::record::{
    Hop, Interned, IntoValue, Kind, Message, Operation, Outcome, Value, error_text, formatted,
};
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
    /// `None` for what is no message.
    message: Option<Box<Message>>,
    version: Option<(Cow<'static, str>, u64)>,
    sent_at: Option<SystemTime>,
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
        Self::of_message(Kind::Consumer, Operation::Process, name.into())
    }

    /// Sending of a message to a broker (span kind PRODUCER).
    pub fn producer(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of_message(Kind::Producer, Operation::Send, name.into())
    }

    /// Asking a broker for messages (span kind CLIENT), such as a poll.
    pub fn receiver(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of_message(Kind::Client, Operation::Receive, name.into())
    }

    /// Telling a broker what became of a message (span kind CLIENT), such as an acknowledgement.
    pub fn settler(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of_message(Kind::Client, Operation::Settle, name.into())
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
            message: None,
            version: None,
            sent_at: None,
            signals: None,
        }
    }

    fn of_message(kind: Kind, operation: Operation, name: Cow<'static, str>) -> Self {
        let message = Message { operation, ..Message::default() };
        Self { message: Some(Box::new(message)), ..Self::new(kind, name) }
    }

    fn set(mut self, set: impl FnOnce(&mut Message)) -> Self {
        if let Some(message) = &mut self.message {
            set(message);
        }
        self
    }

    /// The messaging system's own word for what is done, `messaging.operation.name`: "ack", "poll". It becomes a metric label.
    /// Default: `send`, `receive`, `process` or `settle`.
    pub fn operation(self, word: &str) -> Self {
        self.set(|message| message.word = Some(Interned::of(word)))
    }

    /// The group of consumers, `messaging.consumer.group.name`. It becomes a metric label. Default: none.
    pub fn group(self, group: &str) -> Self {
        self.set(|message| message.group = Some(Interned::of(group)))
    }

    /// The partition, `messaging.destination.partition.id`. Default: none.
    pub fn partition(self, partition: impl fmt::Display) -> Self {
        let partition = formatted(format_args!("{partition}"));
        self.set(|message| message.partition = Some(partition.into()))
    }

    /// The offset in the partition, `messaging.kafka.offset`. Default: none.
    pub fn offset(self, offset: i64) -> Self {
        self.set(|message| message.offset = Some(offset))
    }

    /// How many messages a batch has, `messaging.batch.message_count`. Default: it is no batch.
    pub fn batch(self, messages: usize) -> Self {
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        self.set(|message| message.batch = Some(messages))
    }

    /// The message's id, `messaging.message.id`. A consumer remembers the last ten thousand ids that it has processed well:
    /// one that comes again has `observability.message.duplicate` on span and line, a link to the trace that processed it,
    /// and is counted in `messages_duplicate_total`. Default: none.
    pub fn message(self, id: impl fmt::Display) -> Self {
        let id = formatted(format_args!("{id}"));
        self.set(|message| message.id = Some(id.into()))
    }

    /// What the message is about, and which version of it: a sequence number, or a time as a number. A consumer remembers the
    /// newest version of the last ten thousand keys that it has processed well: an older one has
    /// `observability.message.out_of_order` on span and line, a link to the trace that processed the newer one, a line of level
    /// WARN, and is counted in `messages_out_of_order_total`. It is the lost update, reported when it happens; the key itself is
    /// not recorded. Default: none.
    ///
    /// ```
    /// use tower_observability::Work;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let (customer, version, id) = ("4711", 7, "0b1f");
    /// Work::consumer("process update").destination("customers").message(id).version(customer, version).run(async {}).await;
    /// # }
    /// ```
    pub fn version(mut self, key: impl fmt::Display, version: u64) -> Self {
        self.version = Some((formatted(format_args!("{key}")).into(), version));
        self
    }

    /// When the message was sent, as the broker or a header says. The time that it waited is
    /// `observability.message.waited_ms` on span and line, and `messages_wait_duration_seconds`. The clocks of two machines may
    /// differ; a time in the future counts as none. Default: none.
    pub fn sent_at(mut self, sent: SystemTime) -> Self {
        self.sent_at = Some(sent);
        self
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
        let work = async { work.await.into_result() };
        self.run_reported(work, |hop, error| {
            note_cause(hop, &**error, None);
            chain(&**error)
        })
        .await
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
        self.run_reported(work, |_, error| vec![error_text(error)]).await
    }

    async fn run_reported<T, E, F>(self, work: F, texts: impl FnOnce(&Hop, &E) -> Vec<String>) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut running = self.begin();
        let result = running.drive(work).await;
        if let Err(error) = &result {
            running.record_error(|hop| texts(hop, error));
        }
        running.finish(if result.is_ok() { Outcome::Ok } else { Outcome::ServerError });
        result
    }
}

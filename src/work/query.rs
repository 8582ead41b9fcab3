//! A query of a database: a call like one over HTTP, with the database's own words.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use super::Running;
use crate::clock::Moment;
use crate::current::{current, request};
use crate::names::attribute;
use crate::record;
use crate::record::{Dialect, Interned, Outcome, Stated, Subject, error_text, without_values};
use crate::signals::{Observation, Signals, global};

/// A query of a database, a cache or a search engine: a span of kind CLIENT by the database conventions and a value in
/// `db_client_operation_duration_seconds`. It has a log line if it fails or is slow, and the line of the request names a
/// slow one ([`Logs::slow`](crate::Logs::slow)).
///
/// No value of a statement leaves the process: `db.query.text` has `?` in the place of each, and is cut at 2,048 bytes.
///
/// Outside of any request and work a query begins no trace; it is counted all the same. sqlx needs none of this: its own
/// events become such spans.
///
/// ```
/// use tower_observability::Query;
///
/// # struct Client; impl Client { async fn query(&self, _: &str) -> Result<u32, std::io::Error> { Ok(7) } async fn get(&self, _: &str) -> String { String::new() } }
/// async fn booking(postgres: &Client, redis: &Client) -> Result<u32, std::io::Error> {
///     let sql = "SELECT seats FROM bookings WHERE id = $1";
///     let seats = Query::sql("postgresql", sql).namespace("shop").try_run(postgres.query(sql)).await?;
///     let seen = Query::new("redis", "GET").run(redis.get("seen")).await;
/// #   drop(seen);
///     Ok(seats)
/// }
/// ```
#[derive(Debug)]
#[must_use = "run it, or begin it"]
pub struct Query {
    system: Cow<'static, str>,
    /// `None` where nothing is recorded.
    recorded: Option<(&'static Signals, record::Query)>,
}

impl Query {
    /// A command that is no SQL, in few words: its operation, then what it works on, such as `GET` or `find bookings`.
    ///
    /// They become a metric label: never put a value there. `system` is `db.system.name`, such as `redis` or `mongodb`.
    pub fn new(system: impl Into<Cow<'static, str>>, summary: &str) -> Self {
        Self::with(system.into(), |_| Stated::named(summary))
    }

    /// A statement of SQL, or of a language like it. What it does (`SELECT songs artists`) is read from it, and becomes a
    /// metric label.
    ///
    /// `system` is `db.system.name`, such as `postgresql`, `mysql`, `sqlite`; it says how quotes are read. Where that is not
    /// certain, the rest of the statement is left out.
    pub fn sql(system: impl Into<Cow<'static, str>>, statement: &str) -> Self {
        Self::with(system.into(), |system| Stated::read(statement, Dialect::of(system)))
    }

    fn with(system: Cow<'static, str>, state: impl FnOnce(&str) -> Stated) -> Self {
        let signals = global().filter(|signals| !signals.is_off());
        let recorded = signals.map(|signals| (signals, record::Query::new(state(&system))));
        Self { system, recorded }
    }

    fn set(mut self, set: impl FnOnce(&mut record::Query)) -> Self {
        if let Some((_, query)) = &mut self.recorded {
            set(query);
        }
        self
    }

    /// The database, `db.namespace`. It becomes a metric label. Default: none.
    pub fn namespace(self, namespace: &str) -> Self {
        self.set(|query| query.namespace = Some(Interned::of(namespace)))
    }

    /// The table, `db.collection.name`. It becomes a metric label. Default: that of the statement, if it has one operation and
    /// one table.
    pub fn collection(self, collection: &str) -> Self {
        self.set(|query| query.statement = query.statement.with_collection(collection))
    }

    /// The database's host, `server.address`, and its port if it is not the usual one. They become metric labels. Default:
    /// none.
    pub fn server(self, host: &str, port: Option<u16>) -> Self {
        self.set(|query| query.server = Some((Interned::of(host), port)))
    }

    /// How many operations a batch has, `db.operation.batch.size`; fewer than two are no batch. Default: none.
    pub fn batch(self, operations: usize) -> Self {
        let operations = u32::try_from(operations).unwrap_or(u32::MAX);
        self.set(|query| query.batch = (operations > 1).then_some(operations))
    }

    /// Begins the query for code without a future, such as a hook of a driver. Before `init` nothing is observed.
    pub fn begin(self) -> Running {
        let Some((signals, query)) = self.recorded else { return Running::of(None) };
        let here = current();
        let hop = signals.hop_of_query(here.as_ref(), Moment::now(), |hop| {
            hop.subject = Subject::Work(query.in_system(self.system));
        });
        Running::of(Some(Observation::begin(signals, hop)))
    }

    /// Runs a future as this query. It succeeds unless the future is dropped or panics.
    pub async fn run<F: Future>(self, query: F) -> F::Output {
        let mut running = self.begin();
        let output = running.drive(query).await;
        running.finish(Outcome::Ok);
        output
    }

    /// Runs a future as this query; an `Err` is an error, and its text is recorded without what stands in quotes and
    /// without numbers, since databases quote values.
    ///
    /// # Errors
    ///
    /// The future's own.
    pub async fn try_run<T, E, F>(self, query: F) -> Result<T, E>
    where
        E: fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        self.try_run_with(query, |_| None).await
    }

    /// As [`try_run`](Self::try_run), with the code that the database gave its error, such as an SQLSTATE:
    /// `db.response.status_code` and `error.type`.
    ///
    /// ```
    /// use std::borrow::Cow;
    /// use tower_observability::Query;
    ///
    /// # struct Failed; impl Failed { fn code(&self) -> Option<Cow<'_, str>> { Some("23505".into()) } }
    /// # impl std::fmt::Display for Failed { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("") } }
    /// async fn insert(query: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    ///     // sqlx: |error| error.as_database_error()?.code()
    ///     let statement = "INSERT INTO bookings (id) VALUES ($1)";
    ///     Query::sql("postgresql", statement).try_run_with(query, |error| error.code()).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The future's own.
    pub async fn try_run_with<T, E, F>(
        self,
        query: F,
        code: impl for<'e> FnOnce(&'e E) -> Option<Cow<'e, str>>,
    ) -> Result<T, E>
    where
        E: fmt::Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut running = self.begin();
        let result = running.drive(query).await;
        match &result {
            Ok(_) => running.finish(Outcome::Ok),
            Err(error) => {
                running.record_error(|_| vec![without_values(&error_text(error))]);
                running.fail(code(error).as_deref());
            }
        }
        result
    }
}

/// Runs a future as a transaction of this database system: a span around its queries, which shows for how long a connection
/// was held, and is in `db_client_operation_duration_seconds` as `TRANSACTION`.
///
/// An `Err`, and a future that is dropped, is taken for a rollback: the request or work has the field
/// `observability.rolled_back` then.
///
/// ```
/// # async fn book() -> Result<(), std::io::Error> { Ok(()) }
/// # async fn run() -> Result<(), std::io::Error> {
/// tower_observability::work::transaction("postgresql", async {
///     book().await // begins, asks, commits
/// })
/// .await
/// # }
/// ```
///
/// # Errors
///
/// The future's own.
pub async fn transaction<T, E: fmt::Display>(
    system: impl Into<Cow<'static, str>>,
    transaction: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    struct RollsBack(bool);
    impl Drop for RollsBack {
        fn drop(&mut self) {
            if self.0 {
                request::add(attribute::ROLLED_BACK, true);
            }
        }
    }
    let query = Query::new(system, "TRANSACTION").set(|query| query.is_transaction = true);
    let mut rolls_back = RollsBack(true);
    let result = query.try_run(transaction).await;
    rolls_back.0 = result.is_err();
    result
}

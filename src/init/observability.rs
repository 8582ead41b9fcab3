//! What the user holds from `init` to the end of `main`, and what a service with a registry or a recorder of its own
//! takes from it.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
#[cfg(feature = "axum")]
use std::sync::Arc;
use std::time::Duration;

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder as Facade, SharedString, Unit};
use tokio::sync::oneshot;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::messages::say;
use super::running::{self, Report, Running};
#[cfg(feature = "axum")]
use crate::admin;
use crate::bridge::{Bridge, registry_layer};
use crate::metrics::{PoolState, QueueState, Recorder, Source};
use crate::threads::complain;

/// Observability that was started. Keep it in a variable until the end of `main`: dropping it ends it, and
/// `let _ = …` drops it at once. `#![warn(let_underscore_drop)]` makes that a warning of the compiler; `#[must_use]`
/// does not see it.
///
/// ```no_run
/// # #[cfg(feature = "axum")]
/// # async fn run(listener: tokio::net::TcpListener, app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// let observability = tower_observability::init("bookings")?;
/// observability.ready_check("database", || async { true });
/// axum::serve(listener, app).with_graceful_shutdown(observability.shutdown_signal()).await?;
/// println!("{}", observability.shutdown().await);
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it ends observability: bind it to a name until the end of `main`"]
pub struct Observability {
    pub(super) running: &'static Running,
    // `None` once `shutdown` was called, so that the shutdown happens once.
    open: Option<()>,
}

/// The end that somebody waits for; dropped with what ends, nobody does any more.
struct Awaited(Option<&'static Running>);

/// Our recorder, in the hands of the user.
struct Handed(Option<&'static Recorder>);

impl Observability {
    pub(super) fn new(running: &'static Running) -> Self {
        Self { running, open: Some(()) }
    }

    /// Adds a question to `GET /ready`: ready only while every check of every name answers true.
    ///
    /// A check of the same name is replaced. It is asked at each request for `/ready`, on the runtime within
    /// which it was added, else on a thread of our own; one that takes longer than a second, or panics, is not ready.
    pub fn ready_check<C, A>(&self, name: impl Into<String>, check: C)
    where
        C: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.running.admin.readiness.add(name, check);
    }

    /// Shows the figures of a pool of connections on `/metrics`: `db_client_connection_count`,
    /// `db_client_connection_max`, `db_client_connection_pending_requests`, by the pool's name.
    ///
    /// The closure is called at each scrape, on our thread; it must not block. A pool of the same name is replaced. At most
    /// 500 pools are shown.
    ///
    /// ```no_run
    /// use tower_observability::PoolState;
    ///
    /// # struct Pool; impl Pool { fn size(&self) -> usize { 7 } fn num_idle(&self) -> usize { 3 } }
    /// # fn show(observability: &tower_observability::Observability, pool: Pool) {
    /// observability.pool("bookings", move || PoolState {
    ///     used: Some(pool.size() - pool.num_idle()),
    ///     idle: Some(pool.num_idle()),
    ///     max: Some(10),
    ///     ..PoolState::default()
    /// });
    /// # }
    /// ```
    pub fn pool(&self, name: impl Into<String>, state: impl Fn() -> PoolState + Send + Sync + 'static) {
        self.add_source(|| self.running.signals.watched.pool(name.into(), state));
    }

    /// Shows how full a queue is on `/metrics`: `queue_depth` and `queue_oldest_message_age_seconds`, by the queue's name.
    ///
    /// The reader runs every ten seconds, never at a scrape, on the runtime within which it was added, else on a thread of
    /// ours. A reading that takes longer than two seconds, panics or returns `None` is counted in
    /// `queue_read_failures_total`, and the figures are absent until the next good one: what is not known is not zero. A
    /// queue of the same name is replaced.
    /// At most 500 queues are read.
    ///
    /// ```no_run
    /// use tower_observability::QueueState;
    ///
    /// # #[derive(Clone)] struct Redis; impl Redis { async fn llen(&self, _: &str) -> Result<u64, std::io::Error> { Ok(7) } }
    /// # fn show(observability: &tower_observability::Observability, redis: Redis) {
    /// observability.queue("votes", move || {
    ///     let redis = redis.clone();
    ///     async move {
    ///         let depth = redis.llen("votes").await.ok()?;
    ///         Some(QueueState { depth: Some(depth), ..QueueState::default() })
    ///     }
    /// });
    /// # }
    /// ```
    pub fn queue<F>(&self, name: impl Into<String>, read: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Option<QueueState>> + Send + 'static,
    {
        self.add_source(|| self.running.signals.watched.queue(name.into(), read));
    }

    /// Adds what is shown on `/metrics`, if there is such a page.
    fn add_source(&self, source: impl FnOnce() -> Option<Source>) {
        if let Some(recorder) = self.running.admin.recorder
            && let Some(source) = source()
        {
            recorder.add_source(source);
        }
    }

    /// Where `/metrics`, `/live`, `/ready`, `/log-level` and `/switches` are served; `None` if they are not.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.running.admin_address
    }

    /// Resolves when the process should stop accepting requests, made for `with_graceful_shutdown`.
    ///
    /// On SIGTERM or ctrl-c `/ready` turns 503 at once, and the future resolves after the
    /// [drain delay](crate::Builder::drain_delay), when the balancer has noticed; a second signal makes it
    /// resolve at once. May be called several times, on any runtime. From the first call on, those signals no
    /// longer end the process by themselves; but one that comes after the future resolved does, once the lines are
    /// written: a connection that never closes would otherwise keep the process for good.
    pub fn shutdown_signal(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let drain = self.running.follow_drain();
        async move {
            match drain {
                Some(drain) => running::drained(drain).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Sends and writes what is queued now, within `timeout`; the service goes on. Returns the counts so far.
    ///
    /// For a process that may be frozen or killed without a signal: call it at the end of a unit of work, such as an
    /// invocation of a serverless function. Spans and log records are sent without waiting for a full batch or for the
    /// batch delay, metrics are collected and sent if they leave over OTLP, then the lines are written. What was not delivered in time stays queued. Works on any runtime.
    ///
    /// ```no_run
    /// # async fn work(observability: &tower_observability::Observability) {
    /// let report = observability.flush(std::time::Duration::from_secs(2)).await;
    /// if report.spans.queued() > 0 {
    ///     eprintln!("{} spans still wait", report.spans.queued());
    /// }
    /// # }
    /// ```
    pub async fn flush(&self, timeout: Duration) -> Report {
        self.running.flush(timeout).await
    }

    /// Sends what is queued, spans, log records and metrics first and lines last, and returns what was delivered and lost.
    ///
    /// Takes at most the [shutdown timeout](crate::Builder::shutdown_timeout), whatever the collector does.
    /// Never fails: what could not be delivered is counted in the report. Works on any runtime. Dropped before it
    /// has resolved, by a timeout of your own for example, it blocks for the fraction of a second in which the lines are
    /// written and what did not leave is counted, for a second at most.
    pub async fn shutdown(mut self) -> Report {
        self.open = None;
        let running = self.running;
        let (send, report) = oneshot::channel();
        // On a new thread, because both runtimes, the user's and ours, may be blocked.
        let closer = std::thread::Builder::new().name("observability-end".to_owned());
        match closer.spawn(move || drop(send.send(running.close()))) {
            Ok(_) => {
                let mut end = Awaited(Some(running));
                let report = report.await.unwrap_or_default();
                end.0 = None;
                report
            }
            Err(error) => {
                complain(format_args!("no thread for the shutdown, so it blocks: {error}"));
                running.close()
            }
        }
    }

    /// The layer to add to your own `tracing` registry: events become lines, spans are recorded in their traces.
    ///
    /// Use it after [`build`](crate::Builder::build), once. Its own filter ([`Logs::level`](crate::Logs::level) and
    /// `/log-level`) does not affect other layers. A filter on the whole registry, such as `.with(EnvFilter::…)`, also
    /// hides events from this layer, whatever `/log-level` says. `Some(layer)` and `layer.with_filter(…)` work; in a
    /// `reload::Layer` put filters, not layers.
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// let observability = tower_observability::builder("bookings").build()?;
    /// tracing_subscriber::registry().with(observability.tracing_layer()).init();
    /// # drop(observability);
    /// # Ok::<(), tower_observability::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Adding it panics if the subscriber below does not support per-layer filters. `tracing_subscriber::registry()` does;
    /// `tracing_subscriber::fmt()….finish()` does not, but there a warning says what to write instead.
    #[must_use = "add it to a registry"]
    pub fn tracing_layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + 'static,
    {
        self.beside::<S>(Bridge::new(self.running.signals))
    }

    /// The layer to add to a registry where another layer, such as tracing-opentelemetry's, already records the spans, so
    /// that none is recorded twice.
    ///
    /// Events become lines, with the fields of the spans around them. Only requests, calls and work have spans of ours.
    /// To join the spans of the other layer with their traces, see the module `interop` (feature
    /// `interop-opentelemetry`).
    ///
    /// ```no_run
    /// use tracing_subscriber::prelude::*;
    ///
    /// # fn other<S: tracing::Subscriber>() -> impl tracing_subscriber::Layer<S> { tracing_subscriber::layer::Identity::new() }
    /// let observability = tower_observability::builder("bookings").build()?;
    /// tracing_subscriber::registry().with(other()).with(observability.lines_layer()).init();
    /// # drop(observability);
    /// # Ok::<(), tower_observability::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`tracing_layer`](Self::tracing_layer).
    #[must_use = "add it to a registry"]
    pub fn lines_layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + 'static,
    {
        self.beside::<S>(Bridge::of_lines(self.running.signals))
    }

    /// The bridge as a layer of this subscriber; none, with a warning, where adding it would panic.
    fn beside<S>(&self, bridge: Bridge) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + 'static,
    {
        let signals = self.running.signals;
        if std::any::type_name::<S>().contains("tracing_subscriber::fmt::Subscriber<") {
            signals.listening.hear(true);
            say(
                signals,
                Level::WARN,
                format_args!(
                    "tracing_subscriber::fmt()….finish() takes no layer that has a filter, so events and spans do not \
                     reach ours; replace it by tracing_subscriber::registry().with(tracing_subscriber::fmt::layer()…)\
                     .with(observability.tracing_layer()), with an EnvFilter as fmt::layer().with_filter(…)"
                ),
            );
            return None;
        }
        Some(registry_layer(bridge))
    }

    /// Our `metrics` recorder, to install or to add to a fan-out.
    ///
    /// Use it after [`build`](crate::Builder::build). What it records is on `/metrics`. Requests are there without
    /// installing it, your own metrics are not. If metrics are off, it records nothing.
    ///
    /// ```no_run
    /// let observability = tower_observability::builder("bookings").build()?;
    /// metrics::set_global_recorder(observability.recorder())?; // or into the fan-out of `metrics-util`
    /// # drop(observability);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "install it, or hand it to a fan-out"]
    pub fn recorder(&self) -> impl Facade + Send + Sync + 'static + use<> {
        Handed(self.running.admin.recorder)
    }

    /// `GET /metrics`, `/live`, `/ready`, `/log-level` and `/switches`, to merge into your own router.
    ///
    /// They are read-only: nothing can be changed here. They work with and without the admin listener, and every
    /// client of the router can read them. Merged before `.layer(ObservabilityLayer::new())`, they are observed as other
    /// routes are. Merged after it, they are not; call this behind `.layer(…)` then, so that requests which match no route
    /// are observed as before. What was returned before any layer was in use, and is merged after it, replaces the
    /// router's observed fallback by one that is not.
    ///
    /// ```no_run
    /// # fn app(observability: &tower_observability::Observability) -> axum::Router {
    /// axum::Router::new().merge(observability.admin_routes()).layer(tower_observability::ObservabilityLayer::new())
    /// # }
    /// ```
    #[cfg(feature = "axum")]
    pub fn admin_routes<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        // A router that is merged into another replaces its default fallback, and what no route matches has to be
        // observed as before. Routes that come after a layer are outside of it.
        let fallback = match crate::layer::ObservabilityLayer::in_use() {
            Some(layer) => axum::Router::new().layer(layer),
            None => axum::Router::new(),
        };
        admin::routes(Arc::clone(&self.running.admin), fallback)
    }
}

impl Drop for Observability {
    fn drop(&mut self) {
        if self.open.take().is_some() {
            self.running.warn_of_end_at_once();
            self.running.close();
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.close_soon();
        }
    }
}

impl fmt::Debug for Observability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observability")
            .field("admin_address", &self.running.admin_address)
            .finish_non_exhaustive()
    }
}

impl Facade for Handed {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        if let Some(recorder) = self.0 {
            recorder.describe_counter(key, unit, help);
        }
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        if let Some(recorder) = self.0 {
            recorder.describe_gauge(key, unit, help);
        }
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        if let Some(recorder) = self.0 {
            recorder.describe_histogram(key, unit, help);
        }
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.0.map_or_else(Counter::noop, |recorder| recorder.register_counter(key, metadata))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.0.map_or_else(Gauge::noop, |recorder| recorder.register_gauge(key, metadata))
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.0.map_or_else(Histogram::noop, |recorder| recorder.register_histogram(key, metadata))
    }
}

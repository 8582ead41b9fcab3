//! The signals of one test, in memory and isolated from every other test and from the process.
//!
//! Create an [`Instance`], put its layer around the router, send a request, take the [`Request`] and assert on its span,
//! lines and metrics. If something is missing, the test fails and prints what was recorded instead.
//!
//! ```
//! use axum::{Router, body::Body, body::to_bytes, extract::Path, http::Request, routing::get};
//! use tower::ServiceExt;
//! use tower_observability::testing::Instance;
//!
//! async fn booking(Path(id): Path<u64>) -> String {
//!     let _query = tracing::info_span!("query", rows = 1).entered();
//!     tracing::info!(booking = id, "looking into the book");
//!     metrics::counter!("bookings_read_total").increment(1);
//!     format!("booking {id}")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let seen = Instance::new();
//! let app = Router::new().route("/bookings/{id}", get(booking)).layer(seen.layer());
//! let response = seen.scope(app.oneshot(Request::get("/bookings/7").body(Body::empty())?)).await?;
//! assert_eq!(to_bytes(response.into_body(), usize::MAX).await?, "booking 7"); // unread, it would be cancelled
//!
//! let request = seen.request("/bookings/{id}");
//! assert_eq!(request.closing_line()["outcome"], "ok");
//! assert_eq!(request.span().attribute("http.response.status_code"), 200);
//! assert_eq!(request.child("query").attribute("rows"), 1);
//! assert_eq!(request.line("looking into the book")["booking"], 7);
//! assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0);
//! assert_eq!(request.metric("bookings_read_total"), 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! # Which request
//!
//! [`Instance::request`] finds a request by its route, path, span name, `x-request-id` or trace id, and a job by its
//! name; [`Instance::only_request`] needs none of them. A request is found once it has ended, with the last byte of its
//! response (if the test drops the response earlier, it is `cancelled`). [`Instance::wait_for`] waits for one that ends
//! later, on a server or in a stream, and [`Instance::until`] for anything else.
//!
//! # Which threads
//!
//! [`Instance::layer`] reports to its instance on any thread. Everything else depends on the thread: `tracing` and
//! `metrics` in your code use the subscriber and the recorder of the *thread* they run on. Production code can be tested
//! unchanged: an [`ObservabilityLayer`], a client or a [`Work`] that was created without an instance reports to the
//! instance of the thread on which the request, call or job begins. An instance is attached to
//!
//! - each thread that polls a future, by [`Instance::scope`];
//! - this thread, by [`Instance::subscribe`], which is enough for a `#[tokio::test]`: all of its tasks run there;
//! - all threads of a runtime, including its blocking ones, by [`Instance::for_threads`].
//!
//! A task that the service spawns on a multi-threaded runtime leaves the scope: its spans and lines are recorded only
//! with `for_threads`.

mod detail;
mod open;
mod picture;
mod place;
mod request;
mod sample;
mod span;
mod value;

pub use request::Request;
pub use span::Span;

pub use crate::terminal::{Bar, Waterfall};

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};

use self::open::Open;
use self::picture::Picture;
use self::place::Place;
use crate::layer::{ObservabilityLayer, side};
use crate::logs::{Lines, MemoryLines};
use crate::metrics::{Exposition, Metrics, PoolState, Recorder};
use crate::propagation::Propagators;
use crate::signals::Signals;
use crate::work::Work;

/// All three signals of one test. Parallel tests, each with its own instance, never mix.
///
/// What it recorded is kept until the test process ends. `{seen}` prints all of it: the spans as a tree, the lines, the
/// series that are not zero.
///
/// ```
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use tower::ServiceExt;
/// use tower_observability::testing::Instance;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seen = Instance::new();
/// let app = Router::new().route("/bookings/{id}", get(|| async { "booked" })).layer(seen.layer());
/// app.oneshot(Request::get("/bookings/7").body(Body::empty())?).await?;
///
/// assert_eq!(seen.spans()[0].name, "GET /bookings/{id}");
/// assert_eq!(seen.lines()[0]["status"], 200);
/// assert!(seen.scrape().contains("http_server_request_duration_seconds_count"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Instance {
    signals: &'static Signals,
    recorder: &'static Recorder,
    place: Place,
    lines: MemoryLines,
    spans: Mutex<Vec<Span>>,
    open: Open,
}

/// How long a test waits for what must happen.
const DEADLINE: Duration = Duration::from_secs(10);
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

impl Instance {
    /// An instance that records everything: every new trace is sampled, lines of all levels, all metrics.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Propagators::default())
    }

    /// An instance whose layers read and write these propagation formats, listed as in `OTEL_PROPAGATORS`.
    /// [`extract`](crate::propagation::extract) and [`inject`](crate::propagation::inject) keep those of the process.
    ///
    /// ```
    /// let seen = tower_observability::testing::Instance::with_propagators("b3,baggage");
    /// # drop(seen);
    /// ```
    ///
    /// # Panics
    ///
    /// If the list is not valid.
    #[must_use]
    #[track_caller]
    pub fn with_propagators(list: &str) -> Self {
        match Propagators::from_list(list) {
            Ok(propagators) => Self::with(propagators),
            Err(refusal) => panic!("not a list of propagators: {list:?}: {refusal:?}"),
        }
    }

    fn with(propagators: Propagators) -> Self {
        let (lines, written) = Lines::in_memory();
        let recorder: &'static Recorder = Box::leak(Box::new(Recorder::new(&Metrics::default())));
        let signals = Signals::of_test(lines, recorder, propagators);
        let open = Open::default();
        let place = Place::new(signals, recorder, &open);
        Self { signals, recorder, place, lines: written, spans: Mutex::default(), open }
    }

    /// A server layer that reports to this instance.
    pub fn layer(&self) -> ObservabilityLayer {
        ObservabilityLayer::new().with_core(self.signals)
    }

    /// A client layer that reports to this instance.
    pub fn client_layer(&self) -> ObservabilityLayer<side::Client> {
        ObservabilityLayer::client().with_core(self.signals)
    }

    /// Makes `work` report to this instance.
    pub fn adopt(&self, work: Work) -> Work {
        work.with_core(self.signals)
    }

    /// Shows the pool's figures on the instance's page, as [`Observability::pool`](crate::Observability::pool) does on the
    /// process's.
    pub fn pool(&self, name: impl Into<String>, state: impl Fn() -> PoolState + Send + Sync + 'static) {
        if let Some(source) = self.signals.watched.pool(name.into(), state) {
            self.recorder.add_source(source);
        }
    }

    /// Runs the future with this instance as the `tracing` subscriber and the `metrics` recorder of the thread that polls
    /// or drops it. Tasks that it spawns on other threads are not covered.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        self.place.scope(future)
    }

    /// Makes this instance the thread's `tracing` subscriber and `metrics` recorder until the guard is dropped.
    #[must_use = "the thread is this instance's only while this lives"]
    pub fn subscribe(&self) -> impl Sized + use<> {
        self.place.enter()
    }

    /// Makes this instance the `tracing` subscriber and the `metrics` recorder of each thread that calls it, until the
    /// thread ends. For a runtime of the test's own:
    ///
    /// ```
    /// use tower_observability::testing::Instance;
    ///
    /// let seen = Instance::new();
    /// let runtime = tokio::runtime::Builder::new_multi_thread().on_thread_start(seen.for_threads()).build()?;
    /// // `block_on` runs on this thread, which is not one of the runtime's: `scope`.
    /// runtime.block_on(seen.scope(async {
    ///     tracing::info!("here");
    ///     tokio::spawn(async { tracing::info!("there") }).await
    /// }))?;
    /// assert_eq!(seen.lines().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn for_threads(&self) -> impl Fn() + Clone + Send + Sync + use<> {
        let place = self.place.clone();
        move || std::mem::forget(place.enter())
    }

    /// The request that has this route, path, span's name, `x-request-id` or trace id; or the job of this name.
    ///
    /// # Panics
    ///
    /// If none that has ended is called so, or more than one. The message shows all that was seen.
    #[track_caller]
    pub fn request(&self, which: &str) -> Request {
        or_panic(request::find(self.picture(), which))
    }

    /// The only request that was served and has ended.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one. The message shows all that was seen.
    #[track_caller]
    pub fn only_request(&self) -> Request {
        or_panic(request::only(self.picture()))
    }

    /// Waits until a request called so has ended, at most ten seconds, and returns it. It is named as for
    /// [`request`](Self::request).
    ///
    /// # Panics
    ///
    /// If there is none in that time, or more than one. Outside a tokio runtime with time enabled.
    #[track_caller]
    pub fn wait_for(&self, which: &str) -> impl Future<Output = Request> {
        answered(Location::caller(), DEADLINE, move || request::find(self.picture(), which))
    }

    /// Polls until the closure returns `Some`, at most ten seconds.
    ///
    /// ```
    /// # use tower_observability::testing::Instance;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let seen = Instance::new();
    /// let task = tokio::spawn(seen.scope(async { tracing::info!("receipt sent") }));
    /// seen.until("the receipt", || seen.lines().into_iter().find(|line| line["message"] == "receipt sent")).await;
    /// # drop(task);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the time is over; the message names what was `awaited` and shows everything that was recorded. Outside a tokio
    /// runtime with time enabled.
    #[track_caller]
    pub fn until<T>(&self, awaited: &str, mut ask: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
        let instead = move || format!("no answer to {awaited:?}; seen so far:\n{self}");
        answered(Location::caller(), DEADLINE, move || ask().ok_or_else(&instead))
    }

    /// The spans that ended so far, in the order in which they ended.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.extend(self.signals.spans.drain().into_iter().map(Span::from));
        spans.clone()
    }

    /// The lines written so far, as JSON.
    ///
    /// # Panics
    ///
    /// If a line is not valid JSON, which is a bug in this crate.
    #[must_use]
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let parse = |line: String| match serde_json::from_str(&line) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {line}"),
        };
        self.lines.all().into_iter().map(parse).collect()
    }

    /// The sum of the series of this name (as on the page) that have these labels among theirs.
    ///
    /// ```
    /// # use tower_observability::testing::Instance;
    /// let seen = Instance::new();
    /// let _subscriber = seen.subscribe();
    /// metrics::counter!("orders_total", "kind" => "new").increment(3);
    /// assert_eq!(seen.metric("orders_total", &[("kind", "new")]), 3.0);
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none. The message shows the closest.
    #[must_use]
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits =
            |sample: &sample::Sample| labels.iter().all(|(label, value)| sample.label(label) == Some(value));
        let samples = sample::samples(&self.scrape());
        or_panic(sample::sum(&samples, name, fits))
    }

    /// The page as Prometheus' text format 0.0.4 shows it.
    #[must_use]
    pub fn scrape(&self) -> String {
        self.recorder.render(Exposition::Text)
    }

    /// The page as OpenMetrics 1.0 shows it, with exemplars.
    #[must_use]
    pub fn scrape_openmetrics(&self) -> String {
        self.recorder.render(Exposition::OpenMetrics)
    }

    fn picture(&self) -> Picture {
        Picture {
            spans: self.spans(),
            open: self.open.all(),
            lines: self.lines(),
            samples: sample::samples(&self.scrape()),
        }
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.picture().fmt(f)
    }
}

/// The panic's place is the test's line, which a closure would hide.
#[track_caller]
fn or_panic<T>(answer: Result<T, String>) -> T {
    match answer {
        Ok(answer) => answer,
        Err(instead) => panic!("{instead}"),
    }
}

async fn answered<T>(
    asked: &Location<'_>,
    deadline: Duration,
    mut ask: impl FnMut() -> Result<T, String>,
) -> T {
    let (start, [mut pause, longest]) = (Clock::now(), PAUSES);
    loop {
        match ask() {
            Ok(answer) => return answer,
            // A paused clock of tokio's does not move this one.
            Err(instead) if start.elapsed() >= deadline => {
                panic!("{asked}: waited for {deadline:?}, but {instead}")
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = longest.min(2 * pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_in_vain_says_where_how_long_and_what_was_seen_instead() {
        let at = Location::caller();
        let instead = || Err::<(), _>(request::find(Instance::new().picture(), "/x").expect_err("nothing"));
        let waiting = tokio::spawn(answered(at, Duration::ZERO, instead));
        let panic = waiting.await.expect_err("it gives up").into_panic();
        let seen = panic.downcast_ref::<String>().expect("a text");
        let expected = "waited for 0ns, but no request is called \"/x\"; seen so far:\nspans: none\nlines: none\n\
                        metrics: none";
        assert_eq!(*seen, format!("{at}: {expected}"));
    }
}

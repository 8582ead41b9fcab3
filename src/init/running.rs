//! What runs behind the requests from `init` to the end, the background thread with its runtime, and how all of it
//! ends: by a termination signal, by `shutdown`, or because the guard is dropped.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
#[cfg(unix)]
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tracing::subscriber::NoSubscriber;
use tracing::{Level, dispatcher};

use super::messages::{TARGET, say};
use crate::account::FlowReport;
use crate::admin::AdminState;
use crate::metrics::Points;
use crate::signals::Signals;
use crate::threads::{Phase, aside, complain, finish_complaining, lock, share_processor, suppress_telemetry};

/// The running thread. Dropping it ends the thread, with whatever still runs on it.
#[derive(Debug)]
pub(crate) struct Background {
    handle: Handle,
    /// Was there no global `tracing` subscriber when the thread started?
    pub(super) subscriber_is_free: bool,
    // Dropped, it ends the thread.
    _alive: oneshot::Sender<()>,
}

const NAME: &str = "observability";

impl Background {
    pub(super) fn start() -> io::Result<Self> {
        // Built here, so that `init` can say why it failed.
        let runtime = Builder::new_current_thread().enable_all().thread_name(NAME).build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel::<()>();
        let (free, is_free) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            // This thread has no subscriber of its own yet, so what it sees is the global one.
            let _ = free.send(dispatcher::get_default(|current| current.is::<NoSubscriber>()));
            // What we do for telemetry is no telemetry: an export must not cause spans to export.
            suppress_telemetry();
            share_processor();
            let _ = runtime.block_on(ended);
            // Name resolution may hang on a thread of its own; the process's end does not wait for it.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, subscriber_is_free: is_free.recv().unwrap_or(false), _alive: alive })
    }

    /// Runs a task of ours.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(task));
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// How far the drain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Drain {
    /// No signal came.
    None,
    /// The signal came; requests still arrive until the balancer has noticed.
    Delayed,
    /// The delay is over, or a second signal ended it.
    Over,
}

/// SIGTERM and ctrl-c, from the first call of `shutdown_signal` on.
#[derive(Debug)]
pub(super) struct OsSignals {
    #[cfg(unix)]
    term: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl OsSignals {
    /// Takes the signals over from the system's default, which ends the process at once.
    fn listen(on: &Handle) -> io::Result<Self> {
        let _runtime = on.enter();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { term: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) -> &'static str {
        std::future::poll_fn(|context| {
            if self.term.poll_recv(context).is_ready() {
                Poll::Ready("SIGTERM")
            } else {
                self.interrupt.poll_recv(context).map(|_| "SIGINT")
            }
        })
        .await
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "ctrl-c",
            Err(_) => std::future::pending().await,
        }
    }
}

/// Resolves when the drain is over. Needs no runtime of a certain kind.
pub(super) async fn drained(mut drain: watch::Receiver<Drain>) {
    if drain.wait_for(|drain| *drain == Drain::Over).await.is_err() {
        // The listener is gone, so no signal will come.
        std::future::pending::<()>().await;
    }
}

/// What became of everything that was handed to observability.
///
/// ```
/// # async fn end(observability: tower_observability::Observability) {
/// let report = observability.shutdown().await;
/// if report.spans.dropped_total() > 0 {
///     eprintln!("some traces are incomplete: {report}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The spans; all zero if traces are off.
    pub spans: FlowReport,
    /// The log lines; all zero if none are written.
    pub lines: FlowReport,
    /// The log records over OTLP; all zero if they are off.
    pub records: FlowReport,
    /// The data points of metrics over OTLP; all zero if they are off.
    pub points: FlowReport,
    /// The error reports, over all that they are sent to; all zero if they are off.
    pub reports: FlowReport,
}

/// Everything behind the requests. Lives until the process ends: who waits for a signal may outlive the guard.
pub(super) struct Running {
    pub(super) signals: &'static Signals,
    pub(super) background: Background,
    pub(super) admin: Arc<AdminState>,
    pub(super) admin_address: Option<SocketAddr>,
    pub(super) phase: Arc<watch::Sender<Phase>>,
    /// Closed when the exporters have ended.
    pub(super) exported: Mutex<Receiver<()>>,
    pub(super) drain_delay: Duration,
    pub(super) timeout: Duration,
    /// The progress of the drain; `None` until `shutdown_signal` is called.
    pub(super) drain: Mutex<Option<watch::Receiver<Drain>>>,
    /// The report of the end; `None` before it.
    pub(super) report: Mutex<Option<Report>>,
    pub(super) started: Instant,
    /// The process in which the threads run.
    pub(super) process: u32,
    /// How many lines the start itself wrote.
    pub(super) start_up_lines: u64,
}

/// The longest that `shutdown` waits, so that a silly number is no overflow.
const LONGEST: Duration = Duration::from_secs(3_600);
/// The shortest: without any time the exporters could not even count what they give up.
const SHORTEST: Duration = Duration::from_millis(200);
/// What a process that is ended by force still takes to deliver.
const FORCED: Duration = Duration::from_secs(1);
/// What the lines keep of the time, so that trouble with the spans is still written.
const FOR_LINES: Duration = Duration::from_millis(500);
/// How long a message on standard error may take, where standard error is read slowly.
const FOR_COMPLAINTS: Duration = Duration::from_millis(100);
/// A guard that lives no longer was not kept: no program does anything in so little time.
const AT_ONCE: Duration = Duration::from_millis(1);

impl Running {
    /// The progress of the drain; `None` if the system does not tell of signals.
    pub(super) fn follow_drain(&'static self) -> Option<watch::Receiver<Drain>> {
        let mut drain = lock(&self.drain);
        if drain.is_none() {
            match OsSignals::listen(self.background.handle()) {
                Ok(signals) => {
                    let (progress, follow) = watch::channel(Drain::None);
                    self.background.spawn(self.drain(signals, progress));
                    *drain = Some(follow);
                }
                Err(error) => say(
                    self.signals,
                    Level::WARN,
                    format_args!("no termination signals ({error}): shutdown_signal() will not resolve"),
                ),
            }
        }
        drain.clone()
    }

    async fn drain(&'static self, mut signals: OsSignals, progress: watch::Sender<Drain>) {
        let signal = signals.next().await;
        // Before anything else, so that every later `/ready` shows it.
        self.begin_draining(signal);
        progress.send_replace(Drain::Delayed);
        // A second signal asks for no delay.
        let _ = tokio::time::timeout(self.drain_delay, signals.next()).await;
        progress.send_replace(Drain::Over);
        self.end_by_force(signals.next().await).await;
    }

    fn begin_draining(&self, signal: &str) {
        self.admin.readiness.set_draining();
        self.phase.send_if_modified(|phase| {
            let begins = *phase == Phase::Running;
            *phase = if begins { Phase::Draining } else { *phase };
            begins
        });
        let delay = self.drain_delay.as_millis();
        say(
            self.signals,
            Level::INFO,
            format_args!(
                "{signal}: /ready answers 503 from now on; shutdown_signal() resolves in {delay} ms \
                 (OBSERVABILITY_DRAIN_DELAY)"
            ),
        );
    }

    /// A signal came though the drain is over: a connection that never closes, say, keeps the server, and the signal
    /// no longer ends the process by itself.
    async fn end_by_force(&'static self, signal: &'static str) {
        say(self.signals, Level::WARN, format_args!("{signal} again: the process ends at once"));
        match aside(|| self.close_within(FORCED.min(self.timeout))) {
            // A shutdown that was in progress may wait for standard output; this one does not.
            Ok(closed) => {
                let _ = tokio::time::timeout(2 * FORCED, closed).await;
            }
            // The lines are written by a thread that there is.
            Err(_) => {
                self.signals.lines.flush(FORCED);
            }
        }
        // As a shell reports a process that the signal ended.
        std::process::exit(if signal == "SIGTERM" { 143 } else { 130 });
    }

    /// Has what waits now sent and written, in this time.
    pub(super) async fn flush(&'static self, timeout: Duration) -> Report {
        if self.is_forked() {
            return self.account();
        }
        let (tell, flushed) = oneshot::channel();
        self.background.spawn(async move {
            let end = tokio::time::Instant::now() + timeout.min(LONGEST);
            let (spans, records) = (self.signals.spans.flush(), self.signals.lines.flush_records());
            let points = self.signals.points.as_ref().map(Points::flush);
            let reports = self.signals.reports.flush();
            let sent = async move {
                spans.await;
                records.await;
                reports.await;
                if let Some(points) = points {
                    points.await;
                }
            };
            let _ = tokio::time::timeout_at(end, sent).await;
            let left = end.saturating_duration_since(tokio::time::Instant::now()).max(SHORTEST);
            // Without a further thread nobody waits for the lines, which are written all the same.
            if let Ok(lines) = aside(move || self.signals.lines.flush(left)) {
                let _ = tokio::time::timeout_at(end, lines).await;
            }
            let _ = tell.send(self.account());
        });
        flushed.await.unwrap_or_else(|_| self.account())
    }

    /// Ends everything within the timeout, spans, log records and metrics first and lines last. Blocks.
    pub(super) fn close(&self) -> Report {
        self.close_within(self.timeout)
    }

    /// Ends at once, because whoever waited for the end has given up: the lines are last, and would be lost. Blocks.
    pub(super) fn close_soon(&'static self) {
        let (tell, closed) = mpsc::channel();
        // On a thread of its own: the end that is under way may wait for standard output, which this one does not.
        let closer = thread::Builder::new().name("observability-end".to_owned());
        let closes = closer.spawn(move || {
            self.close_within(SHORTEST);
            tell.send(())
        });
        match closes {
            Ok(_) => drop(closed.recv_timeout(FORCED)),
            // The lines are written by a thread that there is.
            Err(_) => drop(self.signals.lines.flush(SHORTEST)),
        }
    }

    /// Says so if the guard is dropped before anything has happened: then it was not kept in a variable.
    pub(super) fn warn_of_end_at_once(&self) {
        let lived = self.started.elapsed();
        let Report { spans, lines, .. } = self.account();
        if lived < AT_ONCE
            && spans.created == 0
            && lines.created == self.start_up_lines
            && !thread::panicking()
        {
            say(
                self.signals,
                Level::WARN,
                format_args!(
                    "the guard that `init` returned was dropped right after it, which ends observability; unless the \
                     program ends here, with an error for example, keep it in a variable, `let observability = …`: \
                     `let _ = …` drops it at once"
                ),
            );
        }
    }

    /// A second call shortens the first and waits for its report.
    fn close_within(&self, timeout: Duration) -> Report {
        if self.is_forked() {
            finish_complaining(FOR_COMPLAINTS);
            return self.account();
        }
        let timeout = timeout.clamp(SHORTEST, LONGEST);
        let end = Instant::now() + timeout;
        let for_lines = FOR_LINES.min(timeout / 2);
        let spans_end = end - for_lines;
        self.phase.send_if_modified(|phase| {
            let is_sooner = !matches!(phase, Phase::Closing(other) if *other <= spans_end);
            *phase = if is_sooner { Phase::Closing(spans_end) } else { *phase };
            is_sooner
        });
        lock(&self.report).get_or_insert_with(|| self.end(spans_end, end)).clone()
    }

    fn end(&self, spans_end: Instant, end: Instant) -> Report {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        self.admin.readiness.set_draining();
        // While log records still leave.
        self.signals.lines.report_left_out();
        self.signals.spans.report_lost();
        self.signals.points.as_ref().map(Points::report_lost);
        self.signals.reports.report_left_out(&self.signals.lines);
        // An exporter needs a moment after its end to count what it gave up. The error is the end of the senders, so of
        // the exporters; or else the time is over.
        let _ = lock(&self.exported).recv_timeout(left(spans_end + left(end) / 4));
        let account = self.account();
        let lines = self.signals.lines.close(left(end), |lines| {
            let report = Report { lines, ..account.clone() };
            self.is_worth_saying(&report).then(|| (TARGET, format!("observability ends: {report}")))
        });
        finish_complaining(FOR_COMPLAINTS.min(left(end)));
        Report { lines, ..account }
    }

    /// Is this a copy of the process, made by `fork`? It has none of the threads, so that nothing leaves it and nothing is
    /// to be waited for.
    fn is_forked(&self) -> bool {
        let is_forked = std::process::id() != self.process;
        if is_forked {
            complain(format_args!(
                "this process was forked after `init`: its log lines, spans and log records are lost, because `fork` copies \
                 no threads; fork before `init`, or use `std::process::Command`"
            ));
        }
        is_forked
    }

    /// Where there are no lines, only a loss is.
    fn is_worth_saying(&self, report: &Report) -> bool {
        let is_lost = |flow: &FlowReport| flow.unconfirmed + flow.dropped_total() > 0;
        self.signals.lines.are_written()
            || [&report.spans, &report.records, &report.points, &report.reports].into_iter().any(is_lost)
    }

    fn account(&self) -> Report {
        let Signals { spans, lines, points, reports, .. } = self.signals;
        Report {
            spans: spans.report().unwrap_or_default(),
            lines: lines.report(),
            records: lines.report_of_records().unwrap_or_default(),
            points: points.as_ref().map(Points::report).unwrap_or_default(),
            reports: reports.report().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spans: {}; lines: {}", self.spans, self.lines)?;
        let more = [("records", &self.records), ("data points", &self.points), ("reports", &self.reports)];
        for (name, report) in more {
            if *report != FlowReport::default() {
                write!(f, "; {name}: {report}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_one_line() {
        let empty = "0 delivered, 0 unconfirmed, 0 dropped";
        assert_eq!(Report::default().to_string(), format!("spans: {empty}; lines: {empty}"));
        let records = FlowReport { created: 1, delivered: 1, ..FlowReport::default() };
        let report = Report { records, ..Report::default() };
        assert!(report.to_string().ends_with("; records: 1 delivered, 0 unconfirmed, 0 dropped"), "{report}");
    }
}

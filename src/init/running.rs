//! What runs behind the requests from `init` to the end: the background thread, the exporter, the log
//! writer, and how they end.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::Level;

use super::background::Background;
use super::drain::{self, Drain};
use super::report::Report;
use super::voice::{say, say_beside};
use crate::account::FlowReport;
use crate::admin::AdminState;
use crate::signals::Signals;
use crate::threads::{Phase, finish_complaining};

/// Everything behind the requests. Lives until the process ends: who waits for a signal may outlive the guard.
pub(super) struct Running {
    pub(super) signals: &'static Signals,
    pub(super) background: Background,
    pub(super) admin: Arc<AdminState>,
    pub(super) admin_address: Option<SocketAddr>,
    pub(super) phase: Arc<watch::Sender<Phase>>,
    /// Hears of the exporters' end, by the senders'.
    pub(super) exported: Mutex<Receiver<()>>,
    pub(super) drain_delay: Duration,
    pub(super) timeout: Duration,
    /// Who follows the signals; `None` until somebody asks.
    pub(super) drain: Mutex<Option<watch::Receiver<Drain>>>,
}

/// The longest that `shutdown` waits, so that a silly number is no overflow.
const LONGEST: Duration = Duration::from_secs(3_600);
/// What the lines keep of the time, so that trouble with the spans is still written.
const FOR_LINES: Duration = Duration::from_millis(500);
/// What is said on stderr has so long to get out, if somebody reads it.
const FOR_COMPLAINTS: Duration = Duration::from_millis(100);

impl Running {
    /// Who waits for a termination signal; `None` if the system does not tell of them.
    pub(super) fn follow_drain(&self) -> Option<watch::Receiver<Drain>> {
        let mut drain = lock(&self.drain);
        if drain.is_none() {
            match drain::begin(&self.background, self.drain_delay, self.begun(), self.insisted()) {
                Ok(follow) => *drain = Some(follow),
                Err(error) => say(
                    self.signals,
                    Level::WARN,
                    format_args!("no termination signals ({error}): shutdown_signal() will not resolve"),
                ),
            }
        }
        drain.clone()
    }

    /// What happens when the first signal is there.
    fn begun(&self) -> impl FnOnce(&'static str) + Send + 'static {
        let (signals, readiness, phase) =
            (self.signals, self.admin.readiness.clone(), Arc::clone(&self.phase));
        let delay = self.drain_delay.as_millis();
        move |signal| {
            readiness.set_draining();
            phase.send_if_modified(|phase| {
                let begins = *phase == Phase::Running;
                *phase = if begins { Phase::Draining } else { *phase };
                begins
            });
            say(
                signals,
                Level::INFO,
                format_args!(
                    "{signal}: /ready answers 503 from now on; shutdown_signal() resolves in {delay} ms"
                ),
            );
        }
    }

    /// What happens when a signal comes though the drain is over: a connection that never closes, say, keeps the
    /// server, and the signal no longer ends the process by itself.
    fn insisted(&self) -> impl FnOnce(&'static str) + Send + 'static {
        let signals = self.signals;
        move |signal| {
            say(signals, Level::WARN, format_args!("{signal} again: the process ends here and now"));
            signals.lines.flush(FOR_LINES);
            // As a shell reports a process that the signal ended.
            std::process::exit(if signal == "SIGTERM" { 143 } else { 130 });
        }
    }

    /// Ends everything within the timeout, spans and log records first and lines last. Blocks; only the first call waits.
    pub(super) fn close(&self) -> Report {
        let timeout = self.timeout.min(LONGEST);
        let end = Instant::now() + timeout;
        let for_lines = FOR_LINES.min(timeout / 2);
        let spans_end = end - for_lines;
        self.admin.readiness.set_draining();
        // While log records still leave.
        self.signals.lines.tell_left_out();
        self.phase.send_replace(Phase::Closing(spans_end));
        // An exporter needs a moment after its end to count what it gave up.
        let left = (spans_end + for_lines / 2).saturating_duration_since(Instant::now());
        // The error is the senders' end, so the exporters'; or else the time is over.
        let _ = lock(&self.exported).recv_timeout(left);
        let report = self.report();
        self.say_the_end(&report);
        let lines = self.signals.lines.close(end.saturating_duration_since(Instant::now()));
        finish_complaining(FOR_COMPLAINTS.min(end.saturating_duration_since(Instant::now())));
        Report { lines, ..report }
    }

    /// No record takes this any more. Where there are no lines it is said if something was lost.
    fn say_the_end(&self, report: &Report) {
        let is_lost = |flow: &FlowReport| flow.unconfirmed + flow.dropped_total() > 0;
        if self.signals.lines.are_written() || is_lost(&report.spans) || is_lost(&report.records) {
            say_beside(self.signals, Level::INFO, format_args!("observability ends: {report}"));
        }
    }

    fn report(&self) -> Report {
        let Signals { spans, lines, .. } = self.signals;
        Report {
            spans: spans.report().unwrap_or_default(),
            lines: lines.report(),
            records: lines.report_of_records().unwrap_or_default(),
        }
    }
}

// Nothing of ours panics while it holds one of these, and if it did, what is inside is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The start: everything is built first, then the process's globals are taken, those that may refuse first.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing_subscriber::layer::SubscriberExt as _;

use super::messages::{Notices, announce};
use super::observability::Observability;
use super::running::{Background, Running};
use super::self_metrics;
use super::switches::switches;
use crate::admin::{self, Admin, AdminState, Readiness, Switches};
use crate::bridge::{Bridge, registry_trouble};
use crate::clock;
use crate::config::{self, Config, Env, Options, Source, Terminals};
use crate::error::Error;
use crate::export::{Exporter, Weigh};
use crate::logs::{Lines, LogRecord, Logs, Records, write_panics};
use crate::metrics::{Metrics, PointExport, Points, Recorder, Red, Watched};
use crate::propagation;
use crate::record::{Interned, Method};
use crate::reports::{Filed, Reporter};
use crate::resource::Resource;
use crate::signals::{self, Listening, Order, Signals};
use crate::threads::{Phase, complain};
use crate::traces::{Record, Spans, Traces};

/// Where the one `init` of this process was called; `None` before it.
static STARTED: Mutex<Option<&'static Location<'static>>> = Mutex::new(None);

/// The right to start. Dropped without [`keep`](Claim::keep), the next `init` may try.
#[derive(Debug)]
struct Claim {
    kept: bool,
}

/// What runs behind the requests until everything has left.
struct Exporters {
    spans: Option<Exporter<Record>>,
    records: Option<Exporter<LogRecord>>,
    points: Option<PointExport>,
    reports: Vec<Exporter<Filed>>,
}

/// What is built before anything global is set; dropping it undoes it.
struct Assembly {
    background: Background,
    signals: &'static Signals,
    recorder: Option<&'static Recorder>,
    exporters: Exporters,
    notices: Notices,
    globals: Globals,
    /// Do the `metrics` macros report to our recorder?
    records: bool,
}

/// Who sets the process's globals?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Globals {
    /// We do: subscriber, recorder, the `log` crate's logger.
    Taken,
    /// The user does, and adds our layer and recorder to them.
    Left,
}

/// Starts all signals; an error leaves the process as it was.
#[track_caller]
pub(super) fn start(options: Options, globals: Globals) -> Result<Observability, Error> {
    let claim = Claim::take(Location::caller())?;
    let env = Env::of_process();
    let config = config::choose(options, &env, Terminals::of_process());
    let resource = config.options.general.resource();
    let assembly = Assembly::build(&config, &resource, globals)?;
    if let Err(error) = assembly.take_globals() {
        // The writer's thread does not end with the background thread.
        assembly.signals.lines.close(Duration::ZERO, |_| None);
        return Err(error);
    }
    claim.keep();
    Ok(Observability::new(assembly.run(&config, &resource, &env)))
}

impl Claim {
    /// Takes the right for the call at this place.
    fn take(place: &'static Location<'static>) -> Result<Self, Error> {
        match &mut *Self::started() {
            Some(first) => Err(Error::already_started(first)),
            free => {
                *free = Some(place);
                Ok(Self { kept: false })
            }
        }
    }

    /// The start succeeded: there is no other in this process.
    fn keep(mut self) {
        self.kept = true;
    }

    fn started() -> MutexGuard<'static, Option<&'static Location<'static>>> {
        STARTED.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept {
            *Self::started() = None;
        }
    }
}

impl Exporters {
    /// Runs all of them. The last sender is dropped at the end of the last one.
    fn spawn(
        self,
        background: &Background,
        signals: &'static Signals,
        follow: watch::Receiver<Phase>,
        ends: mpsc::Sender<()>,
    ) {
        let spans_follow = match signals.spans.holder() {
            Some(holder) => {
                let (later, spans_follow) = watch::channel(Phase::Running);
                background.spawn(holder.run(follow.clone(), later));
                spans_follow
            }
            None => follow.clone(),
        };
        background.spawn(export(self.spans, spans_follow, ends.clone()));
        background.spawn(export(self.records, follow.clone(), ends.clone()));
        for reports in self.reports {
            background.spawn(export(Some(reports), follow.clone(), ends.clone()));
        }
        if let Some(points) = self.points {
            background.spawn(async move {
                points.run(follow).await;
                drop(ends);
            });
        }
    }
}

impl Assembly {
    fn build(config: &Config, resource: &Resource, globals: Globals) -> Result<Self, Error> {
        let Options { general, traces, logs, metrics, reports, .. } = &config.options;
        let background = Background::start().map_err(|error| Error::thread("observability", error))?;
        let notices = Notices::default();
        let (spans, exporter) = if general.disabled {
            (Spans::off(), None)
        } else {
            Spans::new(traces, resource, logs.no_color(), notices.tell())
        };
        let (records, log_exporter) = match general.disabled {
            true => (None, None),
            false => Records::new(logs, resource, notices.tell()).unzip(),
        };
        let (reports, report_exporters) = match general.disabled {
            true => Default::default(),
            false => Reporter::new(reports, resource, || notices.tell()),
        };
        let lines = if general.disabled { Lines::off() } else { lines(logs, resource) };
        let lines = lines.with_records(records);
        let counts = metrics.is_on() && !general.disabled;
        // An exemplar links to a trace, and without an exporter there is none.
        let metrics = if spans.is_on() { metrics.clone() } else { metrics.clone().without_exemplars() };
        let recorder = counts.then(|| &*Box::leak(Box::new(Recorder::new(&metrics))));
        let red = match recorder {
            Some(_) if metrics.installed => Red::of_process(),
            Some(recorder) => Red::new(recorder),
            None => Red::default(),
        };
        let (points, point_export) =
            recorder.and_then(|recorder| Points::new(&metrics, recorder, resource, notices.tell())).unzip();
        let observes = lines.is_on() || spans.is_on() || reports.is_on();
        let asks = observes && globals == Globals::Left;
        let listening = if asks { Listening::asking(registry_trouble) } else { Listening::default() };
        let signals = Signals {
            spans,
            lines,
            points,
            red,
            reports,
            watched: Watched::default(),
            order: Order::default(),
            database: general.database.as_deref().map(|system| Interned::of(system).as_str()),
            propagators: general.propagators,
            proxies: general.proxies.clone(),
            listening,
        };
        let exporters = Exporters {
            spans: exporter,
            records: log_exporter,
            points: point_export,
            reports: report_exporters,
        };
        let signals = Box::leak(Box::new(signals));
        Ok(Self { background, signals, recorder, exporters, notices, globals, records: !metrics.installed })
    }

    /// Takes the globals that may be taken already. An error leaves everything as it was.
    fn take_globals(&self) -> Result<(), Error> {
        if self.globals == Globals::Left {
            return Ok(());
        }
        let Signals { lines, spans, reports, .. } = self.signals;
        let observes = lines.is_on() || spans.is_on() || reports.is_on();
        if observes && !self.background.subscriber_is_free {
            return Err(Error::subscriber_taken());
        }
        if let Some(recorder) = self.recorder.filter(|_| self.records) {
            ::metrics::set_global_recorder(recorder).map_err(|_| Error::recorder_taken())?;
        }
        if observes {
            let subscriber = tracing_subscriber::registry().with(Bridge::new(self.signals));
            // Refused only if it was taken since we looked.
            tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::subscriber_taken())?;
        }
        Ok(())
    }

    /// Starts what runs behind the requests. Nothing from here on fails; it warns.
    fn run(self, config: &Config, resource: &Resource, env: &Env) -> &'static Running {
        let Options { general, traces, metrics, admin, .. } = &config.options;
        let Self { background, signals, recorder, exporters, notices, globals, .. } = self;
        general.conventions.choose();
        signals::set_global(signals);
        if let Some(methods) = general.methods.clone() {
            Method::know(methods);
        }
        if let Some(recorder) = recorder {
            self_metrics::add_machine(recorder, metrics);
            self_metrics::add(recorder, signals, resource, &config.options);
        }
        let (listener, unserved) = match bind(admin) {
            Ok(listener) => (listener, None),
            Err((_, said)) => (None, Some(said)),
        };
        let unreachable = listener.as_ref().and_then(|listener| container_advice(config, env, listener));
        let admin_address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let switches = switches(signals, config);
        let state = Arc::new(admin_state(admin, metrics, signals, recorder, switches));
        let unheard = name_to_peers(signals, traces, admin_address);
        let troubles = [take_last_words(signals, globals), unserved, unreachable, unheard];
        announce(signals, config, resource, admin_address, troubles.into_iter().flatten(), &notices);
        // A process that ends right after it started leaves these lines at least.
        signals.lines.flush(FOR_LINES);

        let (phase, follow) = watch::channel(Phase::Running);
        let (exports, exported) = mpsc::channel();
        if let Some(listener) = listener {
            background.spawn(admin::serve(listener, Arc::clone(&state), follow.clone()));
        }
        background.spawn(each_second(signals));
        if recorder.is_some() {
            background.spawn(signals.watched.clone().read_queues());
        }
        exporters.spawn(&background, signals, follow, exports);
        Box::leak(Box::new(Running {
            signals,
            background,
            admin: state,
            admin_address,
            phase: Arc::new(phase),
            exported: Mutex::new(exported),
            drain_delay: general.drain_delay(),
            timeout: general.shutdown_timeout(),
            drain: Mutex::new(None),
            report: Mutex::new(None),
            started: Instant::now(),
            process: std::process::id(),
            start_up_lines: signals.lines.report().created,
        }))
    }
}

/// How long the start waits for its lines to be written, where standard output is read slowly.
const FOR_LINES: Duration = Duration::from_millis(100);

/// Lines, or none where standard output does not take any: that keeps no service from starting.
fn lines(logs: &Logs, resource: &Resource) -> Lines {
    Lines::new(logs, resource).unwrap_or_else(|error| {
        complain(format_args!("no log lines: {error}"));
        Lines::off()
    })
}

/// Panics and records of the `log` crate become lines; says so if the records cannot. A registry of the user's has
/// its own way to the latter, and panics if it is taken.
fn take_last_words(signals: &'static Signals, globals: Globals) -> Option<String> {
    if !signals.lines.is_on() && !signals.reports.is_on() {
        return None;
    }
    write_panics(&signals.lines, |said| signals.reports.panic(said));
    if !signals.lines.is_on() || globals == Globals::Left {
        return None;
    }
    let foreign = "another logger of the `log` crate is installed: its records do not become lines of ours";
    (!signals.lines.take_log_records()).then(|| foreign.to_owned())
}

/// The listener of the admin routes, `None` if they are off; else why they cannot be served, and what to say of it.
pub(crate) fn bind(admin: &Admin) -> Result<Option<TcpListener>, (io::Error, String)> {
    if !admin.enabled {
        return Ok(None);
    }
    admin::bind(admin).map(Some).map_err(|error| {
        let said = format!(
            "/metrics, /live and /ready are not served at {} ({error}); OTEL_EXPORTER_PROMETHEUS_HOST \
             and OTEL_EXPORTER_PROMETHEUS_PORT choose another address",
            admin.address()
        );
        (error, said)
    })
}

/// What to say where nothing outside of a container reaches the listener, unless that was chosen.
pub(crate) fn container_advice(config: &Config, env: &Env, listener: &TcpListener) -> Option<String> {
    if config.source("OTEL_EXPORTER_PROMETHEUS_HOST") != Source::Default {
        return None;
    }
    let orchestrated = env.value("KUBERNETES_SERVICE_HOST").is_some();
    Admin::advice(Admin::is_in_container(orchestrated), listener.local_addr().ok()?)
}

/// Says where other services reach this one; a warning if they cannot.
fn name_to_peers(signals: &'static Signals, traces: &Traces, bound: Option<SocketAddr>) -> Option<String> {
    const ADDRESS: &str = "OBSERVABILITY_TRACES_PEERS_ADDRESS";
    let rules = traces.peer_rules();
    let Some(peers) = signals.spans.peers() else {
        let is_asked = !rules.trusted.is_empty() || rules.token.is_some();
        return is_asked.then(|| {
            "traces are not kept together with other services: that needs OBSERVABILITY_TRACES_PEERS, \
             OBSERVABILITY_TRACES_PEERS_TOKEN, and a rule in OBSERVABILITY_TRACES_KEEP"
                .to_owned()
        });
    };
    let bound = bound.filter(|address| !address.ip().is_unspecified()).map(|address| address.to_string());
    let Some(address) = rules.address.clone().or(bound) else {
        return Some(format!(
            "other services are not told where this one is reached, so they cannot say which traces they keep; {ADDRESS} \
             names host and port of the admin listener"
        ));
    };
    peers.set_own(&address);
    propagation::set_peer(&address);
    None
}

/// What the admin routes answer from.
fn admin_state(
    admin: &Admin,
    metrics: &Metrics,
    signals: &'static Signals,
    recorder: Option<&'static Recorder>,
    switches: Switches,
) -> AdminState {
    AdminState {
        recorder,
        shows_metrics: metrics.page,
        readiness: Readiness::default(),
        switches,
        token: admin.token.clone(),
        keep: signals.spans.keep().cloned(),
        host: admin.host.clone(),
    }
}

/// Follows the wall clock, and reports once a second what was left out or lost. A process that does nothing is not
/// woken for it.
async fn each_second(signals: &'static Signals) {
    loop {
        clock::resync();
        let is_losing = signals.lines.report_left_out()
            | signals.spans.report_lost()
            | signals.points.as_ref().is_some_and(Points::report_lost)
            | signals.reports.report_left_out(&signals.lines);
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !is_losing {
            clock::needed().await;
        }
    }
}

/// Runs an exporter; the sender is dropped at its end.
async fn export<R: Weigh>(
    exporter: Option<Exporter<R>>,
    phase: watch::Receiver<Phase>,
    ends: mpsc::Sender<()>,
) {
    if let Some(exporter) = exporter {
        exporter.run(phase).await;
    }
    drop(ends);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_is_not_kept_leaves_the_next_one_free() {
        let first = Claim::take(Location::caller()).unwrap();
        let second = Claim::take(Location::caller()).unwrap_err();
        assert!(second.is_already_started());
        assert!(second.to_string().contains(file!()), "{second}");
        drop(first);
        drop(Claim::take(Location::caller()).unwrap());
    }
}

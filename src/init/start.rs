//! The start: the parts are built first, then the process's globals are taken, those that may refuse first.

use std::io::IsTerminal as _;
use std::panic::Location;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::watch;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt as _;

use super::background::Background;
use super::claim::Claim;
use super::guard::Observability;
use super::running::Running;
use super::summary::summary;
use super::voice::{Notices, say};
use super::{listen, sources};
use crate::admin;
use crate::bridge::{Bridge, is_installed};
use crate::config::{Config, Env, Options};
use crate::error::Error;
use crate::export::{Exporter, Weigh};
use crate::logs::{Lines, LogRecord, Logs, Records, write_panics};
use crate::metrics::{Recorder, Red};
use crate::record::Method;
use crate::resource::Resource;
use crate::signals::{self, Listening, Signals};
use crate::threads::{Phase, complain};
use crate::traces::{Record, Spans};

/// What runs behind the requests until everything has left.
struct Exporters {
    spans: Option<Exporter<Record>>,
    records: Option<Exporter<LogRecord>>,
}

/// What is built before anything global is taken. Dropped, nothing of it stays.
struct Parts {
    background: Background,
    signals: &'static Signals,
    recorder: Option<&'static Recorder>,
    exporters: Exporters,
    notices: Notices,
    globals: Globals,
    /// Does the recorder take what the `metrics` macros say?
    records: bool,
}

/// Whose are the process's globals?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Globals {
    /// Ours: subscriber, recorder, the `log` crate's logger.
    Taken,
    /// The user's, who adds our parts to them.
    Left,
}

#[track_caller]
pub(super) fn start(options: Options, globals: Globals) -> Result<Observability, Error> {
    let claim = Claim::take(Location::caller())?;
    let env = Env::of_process();
    let config = Config::choose(options, &env, std::io::stdout().is_terminal());
    let resource = config.options.general.resource();
    let parts = Parts::build(&config, &resource, globals)?;
    if let Err(error) = parts.take_globals() {
        // The lines' thread is not the background's: it is ended by its own word.
        parts.signals.lines.close(Duration::ZERO);
        return Err(error);
    }
    claim.keep();
    Ok(Observability::new(parts.run(&config, &resource, &env)))
}

impl Parts {
    fn build(config: &Config, resource: &Resource, globals: Globals) -> Result<Self, Error> {
        let Options { general, traces, logs, metrics, .. } = &config.options;
        let background = Background::start().map_err(|error| Error::thread("observability", error))?;
        let notices = Notices::default();
        let (spans, exporter) = if general.disabled {
            (Spans::off(), None)
        } else {
            Spans::new(traces, resource, notices.tell())
        };
        let (records, log_exporter) = match general.disabled {
            true => (None, None),
            false => Records::new(logs, resource, notices.tell()).unzip(),
        };
        let lines = if general.disabled { Lines::off() } else { lines(logs, resource) };
        let lines = lines.with_records(records);
        let counts = metrics.enabled && !general.disabled;
        // An exemplar shall open a trace, and without an exporter there is no such span.
        let metrics = if spans.is_on() { metrics.clone() } else { metrics.clone().without_exemplars() };
        let recorder = counts.then(|| &*Box::leak(Box::new(Recorder::new(&metrics))));
        let red = match recorder {
            Some(_) if metrics.installed => Red::of_process(),
            Some(recorder) => Red::new(recorder),
            None => Red::default(),
        };
        let observes = lines.is_on() || spans.is_on();
        let asks = observes && globals == Globals::Left;
        let listening = if asks { Listening::asking(is_installed) } else { Listening::default() };
        let signals = Signals { spans, lines, red, propagators: general.propagators, listening };
        let exporters = Exporters { spans: exporter, records: log_exporter };
        let signals = Box::leak(Box::new(signals));
        Ok(Self { background, signals, recorder, exporters, notices, globals, records: !metrics.installed })
    }

    /// Takes what may be somebody else's. An error leaves everything as it was.
    fn take_globals(&self) -> Result<(), Error> {
        if self.globals == Globals::Left {
            return Ok(());
        }
        let observes = self.signals.lines.is_on() || self.signals.spans.is_on();
        if observes && !self.background.subscriber_is_free {
            return Err(Error::subscriber_taken("it was there before `init`"));
        }
        if let Some(recorder) = self.recorder.filter(|_| self.records) {
            ::metrics::set_global_recorder(recorder).map_err(|_| Error::recorder_taken())?;
        }
        if observes {
            let subscriber = tracing_subscriber::registry().with(Bridge::new(self.signals));
            // Refused only if somebody else took it since we looked.
            tracing::subscriber::set_global_default(subscriber).map_err(Error::subscriber_taken)?;
        }
        Ok(())
    }

    /// Starts what runs behind the requests. Nothing from here on fails; it warns.
    fn run(self, config: &Config, resource: &Resource, env: &Env) -> &'static Running {
        let Options { general, traces, logs, metrics, admin, .. } = &config.options;
        let Self { background, signals, recorder, exporters, notices, globals, .. } = self;
        signals::set_global(signals);
        if let Some(methods) = general.methods.clone() {
            Method::know(methods);
        }
        if let Some(recorder) = recorder {
            sources::add_machine(recorder, metrics);
            sources::add(recorder, signals, resource, traces, logs);
        }
        let (listener, unserved) = listen::bind(admin);
        let orchestrated = env.value("KUBERNETES_SERVICE_HOST").is_some();
        let advice = listener.as_ref().and_then(|listener| listen::advice(config, orchestrated, listener));
        let admin_address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let state = Arc::new(listen::state(admin, signals, recorder));
        let troubles = [take_last_words(signals, globals), unserved, advice];
        announce(signals, config, &summary(config, resource, admin_address), troubles.into_iter().flatten());
        notices.begin(signals);

        let (phase, follow) = watch::channel(Phase::Running);
        let (exports, exported) = mpsc::channel();
        if let Some(listener) = listener {
            background.spawn(admin::serve(listener, Arc::clone(&state), follow.clone()));
        }
        background.spawn(tell_left_out(signals));
        background.spawn(export(exporters.spans, follow.clone(), exports.clone()));
        background.spawn(export(exporters.records, follow, exports));
        Box::leak(Box::new(Running {
            signals,
            background,
            admin: state,
            admin_address,
            phase: Arc::new(phase),
            exported: Mutex::new(exported),
            drain_delay: general.drain_delay(),
            timeout: general.shutdown_timeout,
            drain: Mutex::new(None),
        }))
    }
}

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
    if !signals.lines.is_on() {
        return None;
    }
    write_panics(&signals.lines);
    if globals == Globals::Left {
        return None;
    }
    let foreign = "another logger of the `log` crate is installed: its records do not become lines of ours";
    (!signals.lines.take_log_records()).then(|| foreign.to_owned())
}

/// The start-up line, then one line for everything that is wrong.
fn announce(signals: &Signals, config: &Config, summary: &str, troubles: impl Iterator<Item = String>) {
    if config.options.general.disabled {
        complain(format_args!("OTEL_SDK_DISABLED is true: no lines, no spans, no metrics"));
    }
    say(signals, Level::INFO, format_args!("{summary}"));
    let code = config.options.logs.complaint().map(|why| format!("the level given to `Logs::level`: {why}"));
    let environment = config.warnings.iter().map(ToString::to_string);
    let metrics = config.options.metrics.complaints().iter().cloned();
    environment
        .chain(code)
        .chain(metrics)
        .chain(troubles)
        .for_each(|trouble| say(signals, Level::WARN, format_args!("{trouble}")));
}

/// Says of each second what a place in the code was not allowed to write.
async fn tell_left_out(signals: &'static Signals) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        signals.lines.tell_left_out();
    }
}

/// Runs an exporter; that the sender is dropped tells of its end.
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

//! Owns the start: the parts are built first, then the process's globals are taken, those that may refuse first.

use std::io::IsTerminal as _;
use std::panic::Location;
use std::sync::{Arc, Mutex, mpsc};

use tokio::sync::watch;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt as _;

use super::background::Background;
use super::claim::Claim;
use super::guard::Observability;
use super::notices::Notices;
use super::running::Running;
use super::summary::summary;
use crate::admin::Readiness;
use crate::bridge::Bridge;
use crate::config::{Config, Env, Options};
use crate::error::Error;
use crate::hop::{self, Core};
use crate::logs::Lines;
use crate::metrics::{Recorder, Red};
use crate::pipeline::{Phase, complain};
use crate::resource::Resource;
use crate::spans::{Exporter, Spans};

/// What is built before anything global is taken. Dropped, nothing of it stays.
struct Parts {
    background: Background,
    core: &'static Core,
    recorder: Option<&'static Recorder>,
    exporter: Option<Exporter>,
    notices: Notices,
}

#[track_caller]
pub(super) fn start(options: Options) -> Result<Observability, Error> {
    let claim = Claim::take(Location::caller())?;
    let config = Config::choose(options, &Env::of_process(), std::io::stdout().is_terminal());
    let resource = config.options.general.resource();
    let parts = Parts::build(&config, &resource)?;
    parts.take_globals()?;
    claim.keep();
    Ok(Observability::new(parts.run(&config, &resource)))
}

impl Parts {
    fn build(config: &Config, resource: &Resource) -> Result<Self, Error> {
        let Options { general, traces, logs, metrics, .. } = &config.options;
        let background = Background::start().map_err(|error| Error::thread("observability", error))?;
        let notices = Notices::default();
        let (spans, exporter) =
            if general.disabled { (Spans::off(), None) } else { Spans::new(traces, resource, notices.tell()) };
        let lines = if general.disabled { Ok(Lines::off()) } else { Lines::start(logs, resource) };
        let lines = lines.map_err(|error| Error::thread("observability-log", error))?;
        let counts = metrics.enabled && !general.disabled;
        let recorder = counts.then(|| &*Box::leak(Box::new(Recorder::new(metrics))));
        let red = recorder.map(|recorder| Red::new(recorder)).unwrap_or_default();
        let core = Core { spans, lines, red, propagators: general.propagators };
        Ok(Self { background, core: Box::leak(Box::new(core)), recorder, exporter, notices })
    }

    /// Takes what may be somebody else's. An error leaves everything as it was.
    fn take_globals(&self) -> Result<(), Error> {
        let observes = self.core.lines.is_on() || self.core.spans.is_on();
        if observes && !self.background.subscriber_is_free {
            return Err(Error::subscriber_taken("it was there before `init`"));
        }
        if let Some(recorder) = self.recorder {
            ::metrics::set_global_recorder(recorder).map_err(|_| Error::recorder_taken())?;
        }
        if observes {
            let subscriber = tracing_subscriber::registry().with(Bridge::new(self.core));
            // Refused only if somebody else took it since we looked.
            tracing::subscriber::set_global_default(subscriber).map_err(Error::subscriber_taken)?;
        }
        Ok(())
    }

    /// Starts what runs behind the requests. Nothing from here on fails; it warns.
    fn run(self, config: &Config, resource: &Resource) -> &'static Running {
        let Self { background, core, exporter, notices, .. } = self;
        let general = &config.options.general;
        hop::set_global(core);
        let (phase, follow) = watch::channel(Phase::Running);
        let (exports, exported) = mpsc::channel::<()>();
        if let Some(exporter) = exporter {
            background.spawn(async move {
                exporter.run(follow).await;
                drop(exports);
            });
        }
        let running = Running {
            core,
            background,
            readiness: Arc::new(Readiness::default()),
            admin_address: None,
            phase: Arc::new(phase),
            exported: Mutex::new(exported),
            drain_delay: general.drain_delay(),
            timeout: general.shutdown_timeout,
            drain: Mutex::new(None),
        };
        announce(core, config, resource, &running);
        notices.begin(core);
        Box::leak(Box::new(running))
    }
}

/// The start-up line, then one line for everything that is wrong with the environment.
fn announce(core: &Core, config: &Config, resource: &Resource, running: &Running) {
    if config.options.general.disabled {
        return complain(format_args!("OTEL_SDK_DISABLED is true: no lines, no spans, no metrics"));
    }
    core.lines.say(Level::INFO, format_args!("{}", summary(config, resource, running.admin_address)));
    for warning in &config.warnings {
        core.lines.say(Level::WARN, format_args!("{warning}"));
    }
}

//! The builder: what the code chooses, before the environment has its say.

use std::time::Duration;

use super::observability::Observability;
use super::start::{self, Globals};
use crate::admin::Admin;
use crate::config::Options;
use crate::error::Error;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::names::attribute;
use crate::propagation::{Propagator, Propagators};
use crate::traces::Traces;

/// Everything that can be chosen in code. Nothing needs to be; the environment beats all of it.
///
/// ```no_run
/// use tower_observability::{Admin, Logs, Metrics, Traces};
///
/// let observability = tower_observability::builder("bookings")
///     .version(env!("CARGO_PKG_VERSION"))
///     .attribute("team", "workshop")
///     .traces(Traces::new())
///     .logs(Logs::new())
///     .metrics(Metrics::new())
///     .admin(Admin::new())
///     .init()?;
/// # drop(observability);
/// # Ok::<(), tower_observability::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing starts before `init()` or `build()`"]
pub struct Builder {
    options: Options,
}

/// Begins to choose, for the service of this name.
///
/// `init(name)` is `builder(name).init()`. Default of the name, if it is empty:
/// `unknown_service:<executable>`. Variable: `OTEL_SERVICE_NAME`.
pub fn builder(service: impl Into<String>) -> Builder {
    let mut options = Options::default();
    options.general.service = service.into();
    Builder { options }
}

impl Builder {
    /// The options of traces.
    pub fn traces(mut self, traces: Traces) -> Self {
        self.options.traces = traces;
        self
    }

    /// The options of logs: lines, and log records over OTLP.
    pub fn logs(mut self, logs: Logs) -> Self {
        self.options.logs = logs;
        self
    }

    /// The options of metrics.
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.options.metrics = metrics;
        self
    }

    /// The options of the admin listener.
    pub fn admin(mut self, admin: Admin) -> Self {
        self.options.admin = admin;
        self
    }

    /// The service's version, best `env!("CARGO_PKG_VERSION")`.
    ///
    /// It is the attribute `service.version`. Default: none.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.attribute(attribute::SERVICE_VERSION, version)
    }

    /// Adds a resource attribute: one fact about this process, the same on every span and in `target_info`.
    ///
    /// It beats the variable, attribute by attribute, as the specification says of resources; only the name
    /// of the service is the environment's before it is the code's.
    /// Default: none. Variable: `OTEL_RESOURCE_ATTRIBUTES`.
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        if key == attribute::SERVICE_NAME {
            self.options.general.service = value;
        } else {
            self.options.general.attributes.set(key, value);
        }
        self
    }

    /// The formats in which a context travels: all are written onto calls and messages, and each is read, in this order;
    /// a later one that finds something valid counts. Replaces an earlier list; an empty one passes no context on.
    ///
    /// Default: [`TraceContext`](Propagator::TraceContext) and [`Baggage`](Propagator::Baggage). Variable:
    /// `OTEL_PROPAGATORS`.
    pub fn propagators(mut self, formats: impl IntoIterator<Item = Propagator>) -> Self {
        let propagators = &mut self.options.general.propagators;
        *propagators = formats.into_iter().collect::<Propagators>().with_request_id(propagators.request_id);
        self
    }

    /// Is `x-request-id` read, echoed on the response, and written onto calls?
    ///
    /// Default: `true`. Variable: none.
    pub fn propagate_request_id(mut self, on: bool) -> Self {
        let propagators = &mut self.options.general.propagators;
        *propagators = propagators.with_request_id(on);
        self
    }

    /// From a termination signal, when `/ready` turns 503, until
    /// [`shutdown_signal`](Observability::shutdown_signal) resolves: so long the balancer may still send
    /// requests. Default: 5 s, on a terminal 0. Variable: `OBSERVABILITY_DRAIN_DELAY`.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.options.general.drain_delay = Some(delay);
        self
    }

    /// How long [`shutdown`](Observability::shutdown) may take to deliver what is queued.
    ///
    /// At least 0.2 s, so that what is lost is at least counted. Default: 5 s, on a terminal 1 s. Variable:
    /// `OBSERVABILITY_SHUTDOWN_TIMEOUT`.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.options.general.shutdown_timeout = Some(timeout);
        self
    }

    /// Reads the environment and starts everything.
    ///
    /// Works inside and outside of any runtime. Nothing of the environment makes it fail: a bad variable, an
    /// occupied admin port, a collector that is not there are warnings on the log.
    ///
    /// # Errors
    ///
    /// Misuse in code: a second `init` in one process, another global `tracing` subscriber or `metrics`
    /// recorder; or the system has no more threads. Nothing is left half-started then.
    #[track_caller]
    pub fn init(self) -> Result<Observability, Error> {
        start::start(self.options, Globals::Taken)
    }

    /// Starts everything beside a `tracing` registry or a `metrics` recorder of the service's own: neither is taken.
    ///
    /// Call it instead of [`init`](Self::init), and first; then add [`tracing_layer`](Observability::tracing_layer) to
    /// the registry. If the first request comes and no subscriber has the layer, one line on standard error says so.
    /// A recorder is needed for metrics of the service's own only; [`recorder`](Observability::recorder) and
    /// [`Metrics::installed_recorder`] are the two ways to have them on one page with ours.
    ///
    /// What it does take of the process, as `init` does: it is what every [`ObservabilityLayer`](crate::ObservabilityLayer)
    /// reports to, the admin listener's port, and the panic hook (the one before is called, too). The `log` crate's
    /// records come by whatever bridge the registry has.
    ///
    /// ```no_run
    /// use tower_observability::builder;
    /// use tracing_subscriber::prelude::*;
    ///
    /// let observability = builder("bookings").build()?;
    /// tracing_subscriber::registry().with(observability.tracing_layer()).init();
    /// # drop(observability);
    /// # Ok::<(), tower_observability::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A second `init` or `build` in one process; or the system has no more threads.
    #[track_caller]
    pub fn build(self) -> Result<Observability, Error> {
        start::start(self.options, Globals::Left)
    }
}

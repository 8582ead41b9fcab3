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
#[cfg(feature = "reports")]
use crate::reports::Reports;
use crate::traces::Traces;

/// All options of the process. None is required, and the environment overrides them.
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

/// A [`Builder`] for the service of this name.
///
/// `init(name)` is `builder(name).init()`. Default, if the name is empty: `unknown_service:<executable>`. Variable: `OTEL_SERVICE_NAME`.
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

    /// The options of error reports.
    #[cfg(feature = "reports")]
    pub fn reports(mut self, reports: Reports) -> Self {
        self.options.reports = reports;
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

    /// Adds a resource attribute: a fact about this process, on every span and in `target_info`.
    ///
    /// Unlike all other options it overrides the variable, attribute by attribute, as the specification requires for
    /// resources. Only for the service's name does the environment have precedence. Default: none. Variable: `OTEL_RESOURCE_ATTRIBUTES`.
    pub fn attribute(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        if key == attribute::SERVICE_NAME {
            self.options.general.service = value;
        } else {
            self.options.general.attributes.set(key, value);
        }
        self
    }

    /// The propagation formats. All are written to calls and messages, and all are read, in this order; the last valid one
    /// wins. Replaces an earlier list; with an empty list no context is passed on.
    ///
    /// Default: [`TraceContext`](Propagator::TraceContext) and [`Baggage`](Propagator::Baggage). Variable:
    /// `OTEL_PROPAGATORS`.
    pub fn propagators(mut self, formats: impl IntoIterator<Item = Propagator>) -> Self {
        let propagators = &mut self.options.general.propagators;
        *propagators = formats.into_iter().collect::<Propagators>().with_request_id(propagators.request_id);
        self
    }

    /// Whether `x-request-id` is read, returned on the response, and sent with calls.
    ///
    /// Default: `true`. Variable: none.
    pub fn propagate_request_id(mut self, on: bool) -> Self {
        let propagators = &mut self.options.general.propagators;
        *propagators = propagators.with_request_id(on);
        self
    }

    /// The system of the databases that sqlx asks, `db.system.name`: `postgresql`, `mysql`, `sqlite`. sqlx does not say it, and
    /// how quotes in a statement are read depends on it.
    ///
    /// Default: `postgresql` where a statement has the parameters `$1`, `$2`, else `other_sql`. Variable:
    /// `OBSERVABILITY_DB_SYSTEM`.
    pub fn database(mut self, system: impl Into<String>) -> Self {
        self.options.general.database = Some(system.into());
        self
    }

    /// The time from a termination signal, when `/ready` turns 503, until
    /// [`shutdown_signal`](Observability::shutdown_signal) resolves, so that the load balancer can notice. Default: 5 s; 0 if
    /// standard output or standard error is a terminal. Variable: `OBSERVABILITY_DRAIN_DELAY`.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.options.general.drain_delay = Some(delay);
        self
    }

    /// How long [`shutdown`](Observability::shutdown) may take to deliver what is queued.
    ///
    /// At least 0.2 s, so that losses can be counted. Default: 5 s; 1 s if standard output or standard error is a
    /// terminal. Variable:
    /// `OBSERVABILITY_SHUTDOWN_TIMEOUT`.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.options.general.shutdown_timeout = Some(timeout);
        self
    }

    /// Reads the environment and starts everything.
    ///
    /// Works inside and outside of a runtime. The environment cannot make it fail: a bad variable, a taken admin port or
    /// an absent collector is a warning in the log.
    ///
    /// # Errors
    ///
    /// Misuse in code: a second `init` in one process, another global `tracing` subscriber or `metrics`
    /// recorder; or no thread can be started. Nothing is left half-started.
    #[track_caller]
    pub fn init(self) -> Result<Observability, Error> {
        start::start(self.options, Globals::Taken)
    }

    /// Starts everything, but installs neither a `tracing` subscriber nor a `metrics` recorder, for a service that has its
    /// own.
    ///
    /// Call it instead of [`init`](Self::init), before anything else; then add
    /// [`tracing_layer`](Observability::tracing_layer) to your registry. If no subscriber has the layer at the first
    /// request, a line on standard error says so. A recorder is needed only for metrics of your own;
    /// [`recorder`](Observability::recorder) and [`Metrics::installed_recorder`] are the two ways to have them on one page
    /// with ours.
    ///
    /// Like `init` it becomes what every [`ObservabilityLayer`](crate::ObservabilityLayer) reports to, opens the admin
    /// port, and sets the panic hook (the previous one is called, too). Records of the `log` crate arrive through your
    /// registry's own bridge.
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
    /// A second `init` or `build` in one process; or no thread can be started.
    #[track_caller]
    pub fn build(self) -> Result<Observability, Error> {
        start::start(self.options, Globals::Left)
    }
}

//! What a service with a registry or a recorder of its own takes from us: the layer, the recorder.

use ::metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder as Facade, SharedString, Unit};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::Observability;
use crate::bridge::Bridge;
use crate::metrics::Recorder;

impl Observability {
    /// The layer for a `tracing` registry of the user's: events become lines, spans are recorded in their traces.
    ///
    /// After [`build`](crate::Builder::build). Add it once. It has a filter of its own (the
    /// [level](crate::Logs::level) and `/log-level` decide of lines), which takes nothing from other layers; what a
    /// filter of the whole registry leaves out, an `EnvFilter` beside it, say, does not come here either, whatever
    /// `/log-level` says. `Some(layer)` and `layer.with_filter(…)` work; in a `reload::Layer` put filters, not layers.
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
    /// Adding it panics where the subscriber below knows no filters of layers; every registry of
    /// `tracing-subscriber` does.
    #[must_use = "add it to a registry"]
    pub fn tracing_layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + 'static,
    {
        Bridge::new(self.running.signals).apart()
    }

    /// The same, but spans are another layer's business, so that none is recorded twice: tracing-opentelemetry's.
    ///
    /// Events become lines, with the fields of the spans around them; requests, calls and work keep their own spans.
    /// For the spans of the other layer to join their traces, see the module `interop` (feature
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
        Bridge::of_lines(self.running.signals).apart()
    }

    /// Our `metrics` recorder, to be installed or to be one of several.
    ///
    /// After [`build`](crate::Builder::build). What it is told is on `/metrics`. Requests are there without it being
    /// installed; the user's own metrics are not. Where metrics are off it keeps nothing.
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
}

/// Our recorder, in the hands of the user.
struct Handed(Option<&'static Recorder>);

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

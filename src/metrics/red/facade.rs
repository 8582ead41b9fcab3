//! The handles of a hop's metrics: registered by name and labels at the `metrics` facade; what our own recorder
//! hands out is reached directly, with the hop's trace.

use std::sync::Arc;

use ::metrics::{Counter, Gauge, GaugeFn, Histogram, Key, Label, Level, Metadata};

use crate::clock::Moment;
use crate::context::TraceContext;
use crate::metrics::Recorder;
use crate::metrics::exemplar::with_hop_trace;
use crate::metrics::family::Registrant;
use crate::metrics::recorder::TARGET;
use crate::metrics::{gauge, histogram};

const METADATA: Metadata<'static> = Metadata::new(TARGET, Level::INFO, Some(module_path!()));

/// Who keeps what hops record.
#[derive(Clone, Copy)]
pub(super) enum Keeper {
    Own(&'static Recorder),
    /// Any other of the facade; it gets exemplars only if it hands on to ours.
    Any(&'static (dyn ::metrics::Recorder + Sync)),
}

/// How many are in flight.
pub(super) enum Active {
    Own(Arc<gauge::Gauge>),
    Any(Gauge),
}

/// How long they took.
pub(super) enum Durations {
    Own(Arc<histogram::Histogram>),
    Fine(histogram::Fine),
    Any(Histogram),
}

impl Keeper {
    pub(super) fn recorder(self) -> &'static dyn ::metrics::Recorder {
        match self {
            Self::Own(recorder) => recorder,
            Self::Any(recorder) => recorder,
        }
    }

    pub(super) fn counter(self, name: &'static str, labels: Vec<Label>) -> Counter {
        self.recorder().register_counter(&Key::from_parts(name, labels), &METADATA)
    }

    /// Sets a gauge that changes rarely.
    pub(super) fn set(self, name: &'static str, labels: Vec<Label>, value: f64) {
        self.recorder().register_gauge(&Key::from_parts(name, labels), &METADATA).set(value);
    }

    pub(super) fn active(self, name: &'static str, labels: Vec<Label>) -> Active {
        let key = Key::from_parts(name, labels);
        match self {
            Self::Own(recorder) => {
                recorder.gauge(Registrant::Crate, &key).map_or(Active::Any(Gauge::noop()), Active::Own)
            }
            Self::Any(recorder) => Active::Any(recorder.register_gauge(&key, &METADATA)),
        }
    }

    pub(super) fn durations(self, name: &'static str, labels: Vec<Label>) -> Durations {
        let key = Key::from_parts(name, labels);
        match self {
            Self::Own(recorder) => recorder
                .histogram(Registrant::Crate, &key)
                .map_or(Durations::Any(Histogram::noop()), Durations::own),
            Self::Any(recorder) => Durations::Any(recorder.register_histogram(&key, &METADATA)),
        }
    }
}

impl Active {
    /// One more.
    #[inline]
    pub(super) fn enter(&self) {
        match self {
            Self::Own(gauge) => gauge.enter(),
            Self::Any(gauge) => gauge.increment(1.0),
        }
    }

    /// There is one, however often it is created.
    pub(super) fn exists(&self) {
        match self {
            Self::Own(gauge) => gauge.set(1.0),
            Self::Any(gauge) => gauge.set(1.0),
        }
    }

    /// One less.
    #[inline]
    pub(super) fn leave(&self) {
        match self {
            Self::Own(gauge) => gauge.leave(),
            Self::Any(gauge) => gauge.decrement(1.0),
        }
    }
}

impl Durations {
    fn own(histogram: Arc<histogram::Histogram>) -> Self {
        if histogram.has_exponential() {
            Self::Fine(histogram::Fine(histogram))
        } else {
            Self::Own(histogram)
        }
    }

    /// Records what ended at `at`; its trace is the exemplar's if it is sampled, else there is none.
    #[inline]
    pub(super) fn record(&self, seconds: f64, trace: TraceContext, at: Moment) {
        match self {
            Self::Own(histogram) => histogram.record_of(seconds, trace, at),
            Self::Fine(histogram) => histogram.record_of(seconds, trace, at),
            Self::Any(histogram) => with_hop_trace(trace, at, || histogram.record(seconds)),
        }
    }
}

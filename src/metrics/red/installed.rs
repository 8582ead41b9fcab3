//! Owns the way to the recorder that the process has installed, which may be later than our start.

use std::sync::Once;

use ::metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_recorder,
};

use crate::pipeline::complain;

/// Hands on to the recorder of the process, and says what the metrics are when it is asked for the first.
pub(super) struct Installed {
    asked: Once,
    describe: fn(&dyn Recorder),
}

impl Installed {
    pub(super) fn new(describe: fn(&dyn Recorder)) -> Self {
        Self { asked: Once::new(), describe }
    }

    fn with<T>(&self, register: impl FnOnce(&dyn Recorder) -> T) -> T {
        with_recorder(|recorder| {
            self.asked.call_once(|| {
                // The facade's own, which is there until somebody installs one, keeps nothing and has no size.
                if size_of_val(recorder) == 0 {
                    complain(format_args!(
                        "no `metrics` recorder is installed at the first request, so requests are not counted: \
                         install yours before, or leave out Metrics::installed_recorder()"
                    ));
                }
                (self.describe)(recorder);
            });
            register(recorder)
        })
    }
}

// Nothing is described before the first registration: until then there may be nobody to hear it.
impl Recorder for Installed {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.with(|recorder| recorder.register_counter(key, metadata))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.with(|recorder| recorder.register_gauge(key, metadata))
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.with(|recorder| recorder.register_histogram(key, metadata))
    }
}

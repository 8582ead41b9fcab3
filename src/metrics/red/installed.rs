//! The recorder that the process has installed, which may be later than our start.

use std::sync::Once;

use ::metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_recorder,
};

use crate::record::guarded;
use crate::threads::complain;

/// Passes registrations on to the recorder of the process, and describes the metrics before the first.
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
                if is_noop(recorder) {
                    complain(format_args!(
                        "no `metrics` recorder is installed at the first request, so requests are not counted: \
                         install yours before, or leave out Metrics::installed_recorder()"
                    ));
                }
                // If the recorder panics, only this description is lost, not every later request.
                guarded(|| (self.describe)(recorder));
            });
            register(recorder)
        })
    }
}

/// Is it the facade's own, which is there until one is installed, and keeps nothing?
///
/// The facade has no way to ask. That one has no size and is a static. An installed one is in a `Box`, and the address of
/// a boxed value without a size is its alignment, where no static can be. If this ever fails, a warning is missing.
fn is_noop(recorder: &dyn Recorder) -> bool {
    size_of_val(recorder) == 0 && std::ptr::from_ref(recorder).addr() != align_of_val(recorder)
}

// Nothing is described before the first registration: until then there may be no recorder.
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts what it is asked for, and panics when a metric is described.
    #[derive(Default)]
    struct Rude(AtomicUsize);

    impl Recorder for Rude {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
            panic!("for the test");
        }

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            self.0.fetch_add(1, Ordering::Relaxed);
            Counter::noop()
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn a_recorder_that_panics_at_a_description_ends_no_request() {
        let rude = Rude::default();
        let describe = |recorder: &dyn Recorder| recorder.describe_counter("calls".into(), None, "".into());
        let installed = Installed::new(describe);
        let metadata = Metadata::new("target", ::metrics::Level::INFO, None);
        ::metrics::with_local_recorder(&rude, || {
            for _ in 0..2 {
                let _ = installed.register_counter(&Key::from_static_name("calls"), &metadata);
            }
        });
        assert_eq!(rude.0.into_inner(), 2);
    }
}

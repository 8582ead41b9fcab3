//! Telemetry of our own threads is suppressed: what the libraries under an exporter say there must not become lines or
//! spans, or every batch would make the next one.
//!
//! A flag of the thread, because a scoped `tracing` subscriber would slow down every other thread's events.

use std::cell::Cell;

thread_local! {
    static SUPPRESSED: Cell<bool> = const { Cell::new(false) };
}

/// From now on, nothing that happens on this thread is observed. Called first on each of our threads.
pub(crate) fn suppress_telemetry() {
    SUPPRESSED.set(true);
}

/// Is nothing of this thread to be observed? What turns `tracing` events into anything asks this first.
pub(crate) fn is_suppressed() -> bool {
    SUPPRESSED.try_with(Cell::get).unwrap_or(true)
}

/// Runs what is to be observed although it is on one of our threads: our own notices.
pub(crate) fn unsuppressed<T>(observed: impl FnOnce() -> T) -> T {
    let was = SUPPRESSED.replace(false);
    let result = observed();
    SUPPRESSED.set(was);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_suppressed_and_no_other_and_a_notice_is_not() {
        let seen = std::thread::spawn(|| {
            suppress_telemetry();
            (is_suppressed(), unsuppressed(is_suppressed), is_suppressed())
        });
        assert_eq!(seen.join().unwrap(), (true, false, true));
        assert!(!is_suppressed());
    }
}

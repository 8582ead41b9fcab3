//! The silence of our own threads: what the libraries under an exporter say there must not become lines
//! or spans, or every batch would make the next one.
//!
//! A flag of the thread, because a scoped `tracing` subscriber would slow down every other thread's events.

use std::cell::Cell;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// From now on, nothing that happens on this thread is observed. Called first on each of our threads.
pub(crate) fn quiet_thread() {
    QUIET.with(|quiet| quiet.set(true));
}

/// Is this one of our own threads? Whoever turns `tracing` events into anything asks this first.
pub(crate) fn is_quiet() -> bool {
    QUIET.try_with(Cell::get).unwrap_or(true)
}

/// Runs what shall be heard although this thread is quiet: our own notices.
pub(crate) fn aloud<T>(speak: impl FnOnce() -> T) -> T {
    let was = QUIET.replace(false);
    let said = speak();
    QUIET.set(was);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_threads_silence_is_no_other_threads_and_a_notice_breaks_it() {
        let heard = std::thread::spawn(|| {
            quiet_thread();
            (is_quiet(), aloud(is_quiet), is_quiet())
        });
        assert_eq!(heard.join().unwrap(), (true, false, true));
        assert!(!is_quiet());
    }
}

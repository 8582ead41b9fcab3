//! How this library's threads share a processor with the requests.
//!
//! Constraint: a request that becomes ready while one of our threads runs on its processor waits until that thread
//! stops, so a run must be short. A lower priority makes our turns rarer and not shorter, and cannot be taken back when
//! a queue fills.
//!
//! ```text
//! the processor has idle time:     work 5 µs, yield, work 5 µs, yield, …
//! it has none (a yield was long):  work 50 µs, sleep 200 µs, work 50 µs, … for 50 ms, then a yield is tried again
//! a queue is half full:            work
//! ```
//!
//! Where there is idle time, what waits runs at the yield, and we are back when it waits in turn. Where there is none,
//! a thread that yields comes back after milliseconds, and the queue fills meanwhile; one that sleeps keeps its share of the processor,
//! and its runs are longer, since each sleep costs a switch. A queue does not count that no work of ours would free, such
//! as that of a collector that is gone.
//!
//! What it is worth is measured by `cargo bench --bench throughput`: the latency of requests at a quarter and at two
//! fifths of what the processor can do, and the throughput when it is full.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::clock::Moment;

/// The longest run between two yields.
const RUN: Duration = Duration::from_micros(5);
/// The longest run between two sleeps: as long as a few requests take.
const RUN_BETWEEN_SLEEPS: Duration = Duration::from_micros(50);
/// What a request that takes less is held up by once at the most. Timers of Windows may be late by fifteen milliseconds,
/// in which a queue fills: there is no sleep short enough.
const SLEEP: Duration = if cfg!(windows) { Duration::ZERO } else { Duration::from_micros(200) };
/// A yield that lasts longer found a processor without idle time.
const LONG_YIELD: Duration = Duration::from_micros(500);
/// So long a thread sleeps instead of yielding after a long yield.
const STAYS_BUSY: Duration = Duration::from_millis(50);

/// The clock is looked at once in so many short steps: it costs as much as a tenth of one. Looking at each costs 4 % of
/// all instructions of a request (`cargo bench -p benches --bench request`).
const STEPS: u32 = 8;

/// The run of one of our threads.
#[derive(Clone, Copy)]
struct Run {
    /// Something waits for what is done in it: it is not interrupted.
    hurries: bool,
    since: Moment,
    steps: u32,
    /// Until then the processor counts as one without idle time.
    busy_until: Option<Moment>,
}

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Yield,
    Sleep,
}

/// How much waits in a queue, of how much may wait.
type Fill = Box<dyn Fn() -> (usize, usize)>;

thread_local! {
    /// `None` on the user's threads: they never rest here.
    static RUNNING: Cell<Option<Run>> = const { Cell::new(None) };
    /// The queues that this thread empties.
    static QUEUES: RefCell<Vec<Fill>> = const { RefCell::new(Vec::new()) };
}

/// From now on this thread is one of ours, and rests between its runs. Called first on each of them.
pub(crate) fn share_processor() {
    RUNNING.set(Some(Run { hurries: false, since: Moment::now(), steps: 0, busy_until: None }));
}

/// This thread, if it is one of ours, empties a queue that is so full.
pub(crate) fn empties(fill: impl Fn() -> (usize, usize) + 'static) {
    if RUNNING.get().is_some() {
        QUEUES.with_borrow_mut(|queues| queues.push(Box::new(fill)));
    }
}

/// A run begins, after whatever this thread waited for; one that hurries is not interrupted.
pub(crate) fn begin_run(hurries: bool) {
    if let Some(run) = RUNNING.get() {
        RUNNING.set(Some(Run { hurries, since: Moment::now(), ..run }));
    }
}

/// Called between two steps that are much shorter than a run: rests if this thread is one of ours and its run was long
/// enough.
#[inline]
pub(crate) fn rest_if_due() {
    let Some(run) = RUNNING.get() else { return };
    if run.steps + 1 < STEPS {
        RUNNING.set(Some(Run { steps: run.steps + 1, ..run }));
    } else {
        rest_after_long_step();
    }
}

/// As [`rest_if_due`], between two steps that are nearly as long as a run.
pub(crate) fn rest_after_long_step() {
    let Some(run) = RUNNING.get() else { return };
    let rested = run.rest(Moment::now()).map_or(run, |rest| rest.take(run));
    RUNNING.set(Some(Run { steps: 0, ..rested }));
}

impl Run {
    fn rest(self, now: Moment) -> Option<Rest> {
        let ran = now.since(self.since);
        if self.hurries || ran < RUN {
            return None;
        }
        let is_half_full = |fill: &Fill| {
            let (held, capacity) = fill();
            held >= capacity.div_ceil(2)
        };
        if QUEUES.with_borrow(|queues| queues.iter().any(is_half_full)) {
            return None;
        }
        match self.busy_until.is_some_and(|until| now < until) {
            false => Some(Rest::Yield),
            true => (ran >= RUN_BETWEEN_SLEEPS).then_some(Rest::Sleep),
        }
    }

    /// The next run, after a yield that lasted so long.
    fn yielded(self, lasted: Duration, since: Moment) -> Self {
        let busy_until = (lasted > LONG_YIELD).then(|| since.after_nanos(STAYS_BUSY.as_nanos() as u64));
        Self { since, busy_until, ..self }
    }
}

impl Rest {
    /// Rests, and begins the next run.
    fn take(self, run: Run) -> Run {
        let before = Moment::now();
        match self {
            Self::Yield => {
                std::thread::yield_now();
                let since = Moment::now();
                run.yielded(since.since(before), since)
            }
            Self::Sleep => {
                if !SLEEP.is_zero() {
                    std::thread::sleep(SLEEP);
                }
                Run { since: Moment::now(), ..run }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    /// How this thread would rest after a run of `ran`.
    fn rest_after(ran: Duration) -> Option<Rest> {
        RUNNING.get().and_then(|run| run.rest(run.since.after_nanos(ran.as_nanos() as u64)))
    }

    fn of_ours(work: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(|| {
            share_processor();
            work();
        });
        thread.join().expect("no panic");
    }

    /// A yield lasted so long.
    fn yielded(lasted: Duration) {
        let run = RUNNING.get().expect("a thread of ours");
        RUNNING.set(Some(run.yielded(lasted, Moment::now())));
    }

    #[test]
    fn a_users_thread_never_rests() {
        empties(|| (0, 4));
        assert!(rest_after(STAYS_BUSY).is_none() && QUEUES.with_borrow(Vec::is_empty));
    }

    #[test]
    fn a_thread_of_ours_yields_after_a_short_run_unless_it_hurries() {
        of_ours(|| {
            assert_eq!(rest_after(RUN), Some(Rest::Yield));
            assert_eq!(rest_after(RUN / 2), None);
            begin_run(true);
            assert_eq!(rest_after(STAYS_BUSY), None);
            begin_run(false);
            assert_eq!(rest_after(RUN), Some(Rest::Yield));
        });
    }

    #[test]
    fn after_a_long_yield_it_sleeps_instead_and_for_a_while_only() {
        of_ours(|| {
            yielded(LONG_YIELD * 2);
            assert_eq!(rest_after(RUN), None);
            assert_eq!(rest_after(RUN_BETWEEN_SLEEPS), Some(Rest::Sleep));
            assert_eq!(rest_after(STAYS_BUSY), Some(Rest::Yield));
            yielded(LONG_YIELD);
            assert_eq!(rest_after(RUN), Some(Rest::Yield));
        });
    }

    #[test]
    fn a_queue_that_is_half_full_is_emptied_without_a_rest() {
        of_ours(|| {
            let held = Rc::new(Cell::new(1));
            let held_now = Rc::clone(&held);
            empties(|| (0, 4));
            empties(move || (held_now.get(), 4));
            assert_eq!(rest_after(RUN), Some(Rest::Yield));
            held.set(2);
            assert_eq!(rest_after(STAYS_BUSY), None);
        });
    }

    #[test]
    fn a_run_ends_as_soon_as_it_is_long_enough() {
        for is_busy in [false, true] {
            of_ours(move || {
                if is_busy {
                    yielded(LONG_YIELD * 2);
                }
                let begun = || RUNNING.get().map(|run| run.since);
                let (start, first) = (Moment::now(), begun());
                while begun() == first {
                    rest_if_due();
                }
                assert!(Moment::now().since(start) >= if is_busy { RUN_BETWEEN_SLEEPS + SLEEP } else { RUN });
            });
        }
    }
}

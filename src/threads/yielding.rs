//! How our own threads share a processor with the requests: they work in small pieces, and let others run after
//! each.
//!
//! Every request that is under way waits as long as a thread of ours runs, so a run must be short. Where the processor
//! has idle time, to yield is enough: whoever waits runs at once, and we are back as soon as he waits for something
//! himself. Where it has none, who yields comes back after milliseconds, and what he should have written or sent is
//! lost: he whose yield lasted that long sleeps for a while instead, in which pieces are longer, since each sleep costs
//! a switch. Who sleeps comes back soon, and keeps his share. A lower priority makes turns rarer and not shorter, with
//! the same end, and cannot be taken back when the queue fills.
//!
//! Sleeping bounds what a thread gets done, so its pauses become shorter as its queue fills, and end before it is full.
//! Unless somebody else keeps the queue full, such as a collector that is gone: then haste would free nothing.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use timer::PAUSE;

/// The longest run between two yields.
const SHORT: Duration = Duration::from_micros(5);
/// The longest run between two sleeps: what a few requests take. Shorter ones cost more in switching than they help.
const PIECE: Duration = Duration::from_micros(50);
/// A yield that lasts longer found a processor without idle time.
const CROWDED: Duration = Duration::from_micros(500);
/// So long it does not try again after the first such yield; each that follows at once doubles it.
const STAYS_CROWDED: Duration = Duration::from_millis(4);
const LONGEST_CROWDED: Duration = Duration::from_secs(1);
/// The clock is looked at once in so many short steps: it costs as much as a tenth of one.
const STEPS: u32 = 8;

#[cfg(not(windows))]
mod timer {
    use std::time::Duration;

    /// What an empty queue allows; a timer of Linux is late by some ten more. A request that takes less is held up once.
    pub(super) const PAUSE: Duration = Duration::from_micros(200);
}

/// Timers there may be late by fifteen milliseconds, in which a queue fills: no pause is short enough.
#[cfg(windows)]
mod timer {
    use std::time::Duration;

    pub(super) const PAUSE: Duration = Duration::ZERO;
}

#[derive(Clone, Copy)]
struct Breath {
    hurries: bool,
    since: Instant,
    steps: u32,
    /// Until then it sleeps where it would yield.
    crowded: Option<Instant>,
    /// How long it does so the next time.
    stays: Duration,
}

/// What ends a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Yield,
    Sleep(Duration),
}

/// How much waits in a queue that haste would free, of how much may wait.
type Fill = Box<dyn Fn() -> (usize, usize)>;

thread_local! {
    /// `None` where nobody said that the thread is ours: the user's never sleep.
    static BREATH: Cell<Option<Breath>> = const { Cell::new(None) };
    /// The queues that this thread empties. They are asked before each pause: a burst does not wait for a batch's end.
    static QUEUES: RefCell<Vec<Fill>> = const { RefCell::new(Vec::new()) };
}

/// From now on this thread works in small pieces. Called first on each of our threads.
pub(crate) fn work_in_pieces() {
    BREATH.set(Some(Breath::new()));
}

/// This thread, if it is one of ours, empties a queue that is so full; none of it counts while nothing that the thread
/// does would free it.
pub(crate) fn empties(fill: impl Fn() -> (usize, usize) + 'static) {
    if BREATH.get().is_some() {
        QUEUES.with_borrow_mut(|queues| queues.push(Box::new(fill)));
    }
}

/// A piece begins, after whatever this thread waited for; somebody may wait for what it does, and it does not pause.
pub(crate) fn begin_piece(hurries: bool) {
    if let Some(breath) = BREATH.get() {
        BREATH.set(Some(Breath { hurries, since: Instant::now(), steps: 0, ..breath }));
    }
}

/// Between two steps that are much shorter than a piece: sleeps if the piece is long enough and the thread is ours.
#[inline]
pub(crate) fn step() {
    let Some(breath) = BREATH.get() else { return };
    if breath.steps + 1 < STEPS {
        BREATH.set(Some(Breath { steps: breath.steps + 1, ..breath }));
    } else {
        breathe();
    }
}

/// The same between two steps that are nearly as long as a piece.
pub(crate) fn breathe() {
    let Some(breath) = BREATH.get() else { return };
    let rested = breath.rest(Instant::now()).map(|rest| rest.take(breath));
    BREATH.set(Some(Breath { steps: 0, ..rested.unwrap_or(breath) }));
}

impl Breath {
    fn new() -> Self {
        Self { hurries: false, since: Instant::now(), steps: 0, crowded: None, stays: STAYS_CROWDED }
    }

    /// The next piece begins after a yield that lasted so long.
    fn yielded(self, lasted: Duration, since: Instant) -> Self {
        if lasted <= CROWDED {
            return Self { since, crowded: None, stays: STAYS_CROWDED, ..self };
        }
        let stays = (self.stays * 2).min(LONGEST_CROWDED);
        Self { since, crowded: Some(since + self.stays), stays, ..self }
    }

    /// How it is to rest now; `None` if it goes on.
    fn rest(self, now: Instant) -> Option<Rest> {
        let ran = now - self.since;
        if self.hurries || ran < SHORT {
            return None;
        }
        let filled = QUEUES.with_borrow(|queues| queues.iter().map(|fill| share(fill())).fold(0.0, f64::max));
        // Who yields on a processor that just became crowded is away for milliseconds: there must be room for them.
        if filled < 0.5 && self.crowded.is_none_or(|until| until <= now) {
            return Some(Rest::Yield);
        }
        // None where three quarters are taken.
        (ran >= PIECE && filled < 0.75).then(|| Rest::Sleep(PAUSE.mul_f64(1.0 - filled)))
    }
}

impl Rest {
    /// Rests, and begins the next piece.
    fn take(self, breath: Breath) -> Breath {
        let Self::Sleep(pause) = self else {
            let before = Instant::now();
            std::thread::yield_now();
            let since = Instant::now();
            return breath.yielded(since - before, since);
        };
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        Breath { since: Instant::now(), ..breath }
    }
}

/// How much of a queue is taken.
fn share((held, capacity): (usize, usize)) -> f64 {
    held as f64 / capacity.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    /// How this thread would rest after a run of `ran`.
    fn rest_after(ran: Duration) -> Option<Rest> {
        BREATH.get().and_then(|breath| breath.rest(breath.since + ran))
    }

    fn of_ours(work: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(|| {
            work_in_pieces();
            work();
        });
        thread.join().expect("no panic");
    }

    /// A yield lasted so long.
    fn yielded(lasted: Duration) {
        let breath = BREATH.get().expect("a thread of ours");
        BREATH.set(Some(breath.yielded(lasted, Instant::now())));
    }

    /// The processor was found without idle time, again and again.
    fn crowd() {
        (0..16).for_each(|_| yielded(CROWDED * 2));
    }

    #[test]
    fn a_users_thread_never_rests() {
        empties(|| (0, 4));
        assert!(rest_after(PIECE).is_none() && QUEUES.with_borrow(Vec::is_empty));
    }

    #[test]
    fn a_thread_of_ours_yields_after_a_short_run_unless_it_hurries() {
        of_ours(|| {
            assert_eq!(rest_after(SHORT), Some(Rest::Yield));
            assert_eq!(rest_after(SHORT / 2), None);
            begin_piece(true);
            assert_eq!(rest_after(PIECE), None);
            begin_piece(false);
            assert_eq!(rest_after(PIECE), Some(Rest::Yield));
        });
    }

    #[test]
    fn where_the_processor_is_crowded_it_sleeps_the_shorter_the_fuller_its_queue() {
        of_ours(|| {
            crowd();
            assert_eq!(rest_after(SHORT), None);
            assert_eq!(rest_after(PIECE), Some(Rest::Sleep(PAUSE)));
            let held = Rc::new(Cell::new(0));
            let held_now = Rc::clone(&held);
            empties(move || (held_now.get(), 4));
            empties(|| (0, 4));
            held.set(2);
            assert_eq!(rest_after(PIECE), Some(Rest::Sleep(PAUSE / 2)));
            held.set(3);
            assert_eq!(rest_after(PIECE), None);
            held.set(0);
            assert_eq!(rest_after(LONGEST_CROWDED), Some(Rest::Yield));
        });
    }

    #[test]
    fn one_long_yield_says_less_than_many() {
        of_ours(|| {
            yielded(CROWDED * 2);
            assert!(matches!(rest_after(PIECE), Some(Rest::Sleep(_))));
            assert_eq!(rest_after(STAYS_CROWDED), Some(Rest::Yield));
            yielded(CROWDED * 2);
            assert!(matches!(rest_after(STAYS_CROWDED), Some(Rest::Sleep(_))));
            yielded(CROWDED);
            assert_eq!(rest_after(PIECE), Some(Rest::Yield));
            yielded(CROWDED * 2);
            assert_eq!(rest_after(STAYS_CROWDED), Some(Rest::Yield));
        });
    }

    #[test]
    fn a_queue_that_is_half_full_has_no_room_for_a_yield() {
        of_ours(|| {
            empties(|| (2, 4));
            assert_eq!(rest_after(SHORT), None);
            assert_eq!(rest_after(PIECE), Some(Rest::Sleep(PAUSE / 2)));
        });
    }

    #[test]
    fn steps_end_a_piece_as_soon_as_it_is_long_enough() {
        for is_crowded in [false, true] {
            of_ours(move || {
                if is_crowded {
                    crowd();
                }
                let begun = || BREATH.get().map(|breath| breath.since);
                let (start, first) = (Instant::now(), begun());
                while begun() == first {
                    step();
                }
                assert!(start.elapsed() >= if is_crowded { PIECE + PAUSE } else { SHORT });
            });
        }
    }
}

//! Owns how our own threads share a processor with the requests: they work in small pieces and sleep after each.
//!
//! On a busy processor every request that is under way waits as long as a thread of ours runs, so a run must be short.
//! Why asleep, and not by other means: a thread that only yields gives up the rest of its turn, so that on a processor
//! without idle time it comes back after milliseconds, and what it should have written or sent is lost. A lower
//! priority makes its turns rarer and not shorter, with the same end, and cannot be taken back when the queue fills.
//! Who sleeps comes back soon, and keeps its share.
//!
//! That bounds what a thread gets done, so its pauses become shorter as its queue fills, and end before it is full.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use timer::PAUSE;

/// The longest run: what a few requests take. Shorter ones cost more in switching than they help.
const PIECE: Duration = Duration::from_micros(50);
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
}

/// How much waits in a queue, of how much that may.
type Fill = Box<dyn Fn() -> (usize, usize)>;

thread_local! {
    /// `None` where nobody said that the thread is ours: the user's never sleep.
    static BREATH: Cell<Option<Breath>> = const { Cell::new(None) };
    /// The queues that this thread empties. They are asked before each pause: a burst does not wait for a batch's end.
    static QUEUES: RefCell<Vec<Fill>> = const { RefCell::new(Vec::new()) };
}

/// From now on this thread works in small pieces. Called first on each of our threads.
pub(crate) fn work_in_pieces() {
    BREATH.set(Some(Breath::begin(false)));
}

/// This thread, if it is one of ours, empties a queue that is so full.
pub(crate) fn empties(fill: impl Fn() -> (usize, usize) + 'static) {
    if BREATH.get().is_some() {
        QUEUES.with_borrow_mut(|queues| queues.push(Box::new(fill)));
    }
}

/// A piece begins, after whatever this thread waited for; somebody may wait for what it does, and it does not pause.
pub(crate) fn begin_piece(hurries: bool) {
    if BREATH.get().is_some() {
        BREATH.set(Some(Breath::begin(hurries)));
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
    let mut since = breath.since;
    let pause = breath.pause();
    if !pause.is_zero() {
        std::thread::sleep(pause);
        since = Instant::now();
    }
    BREATH.set(Some(Breath { since, steps: 0, ..breath }));
}

impl Breath {
    fn begin(hurries: bool) -> Self {
        Self { hurries, since: Instant::now(), steps: 0 }
    }

    /// How long to sleep now.
    fn pause(self) -> Duration {
        if self.hurries || self.since.elapsed() < PIECE {
            return Duration::ZERO;
        }
        QUEUES.with_borrow(|queues| queues.iter().map(|fill| pause(fill())).min()).unwrap_or(PAUSE)
    }
}

/// The fuller, the shorter; none where three quarters are taken.
fn pause((held, capacity): (usize, usize)) -> Duration {
    if held >= capacity - capacity / 4 {
        return Duration::ZERO;
    }
    PAUSE.mul_f64(1.0 - held as f64 / capacity as f64)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    /// How long this thread would sleep if its piece were long enough.
    fn pause_now() -> Option<Duration> {
        BREATH.get().map(|breath| Breath { since: Instant::now() - PIECE, ..breath }.pause())
    }

    #[test]
    fn only_threads_of_ours_pause_and_none_in_a_hurry_or_whose_queue_is_nearly_full() {
        empties(|| (0, 4));
        assert!(pause_now().is_none() && QUEUES.with_borrow(Vec::is_empty));
        let ours = std::thread::spawn(|| {
            work_in_pieces();
            assert_eq!(pause_now(), Some(PAUSE));
            let held = Rc::new(Cell::new(0));
            let (held_now, of) = (Rc::clone(&held), 4);
            empties(move || (held_now.get(), of));
            empties(|| (0, 4));
            held.set(3);
            assert_eq!(pause_now(), Some(Duration::ZERO));
            held.set(2);
            assert_eq!(pause_now(), Some(PAUSE / 2));
            begin_piece(true);
            assert_eq!(pause_now(), Some(Duration::ZERO));
            begin_piece(false);
            assert_eq!(pause_now(), Some(PAUSE / 2));
        });
        ours.join().expect("no panic");
    }

    #[test]
    fn a_piece_ends_with_a_pause_as_soon_as_it_is_long_enough() {
        let ours = std::thread::spawn(|| {
            work_in_pieces();
            let begun = || BREATH.get().map(|breath| breath.since);
            let (start, first) = (Instant::now(), begun());
            while begun() == first {
                step();
            }
            assert!(start.elapsed() >= PIECE + PAUSE);
        });
        ours.join().expect("no panic");
    }
}

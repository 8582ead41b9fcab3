//! Owns how our own threads share a processor with the requests: they work in small pieces and sleep after each.
//!
//! On a busy processor every request that is under way waits as long as a thread of ours runs, so a run must be short.
//! Why asleep, and not by other means: a thread that only yields gives up the rest of its turn, so that on a processor
//! without idle time it comes back after milliseconds, and what it should have written or sent is lost. A lower
//! priority makes its turns rarer and not shorter, with the same end, and cannot be taken back when the queue fills.
//! Who sleeps comes back soon, and keeps its share.
//!
//! That bounds what a thread gets done, so its pauses become shorter as its queue fills, and end before it is full.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The longest run: what a few requests take. Shorter ones cost more in switching than they help.
const PIECE: Duration = Duration::from_micros(25);
/// What an empty queue allows; a timer of Linux is late by some ten more. A request that takes less is held up once.
const PAUSE: Duration = Duration::from_micros(200);
/// The clock is looked at once in so many short steps: it costs as much as a tenth of one.
const STEPS: u32 = 8;

#[derive(Clone, Copy)]
struct Breath {
    pause: Duration,
    since: Instant,
    steps: u32,
}

thread_local! {
    /// `None` where nobody said that the thread is ours: the user's never sleep.
    static BREATH: Cell<Option<Breath>> = const { Cell::new(None) };
}

/// From now on this thread works in small pieces. Called first on each of our threads.
pub(crate) fn work_in_pieces() {
    BREATH.set(Some(Breath { pause: PAUSE, since: Instant::now(), steps: 0 }));
}

/// So much waits for this thread, of so much that may: where three quarters are taken, it goes on without a pause. Said
/// before a piece begins.
pub(crate) fn set_pace(held: usize, capacity: usize) {
    if BREATH.get().is_some() {
        let pause = if is_urgent(held, capacity) { Duration::ZERO } else { pause(held, capacity) };
        BREATH.set(Some(Breath { pause, since: Instant::now(), steps: 0 }));
    }
}

fn is_urgent(held: usize, capacity: usize) -> bool {
    held >= capacity - capacity / 4
}

fn pause(held: usize, capacity: usize) -> Duration {
    PAUSE.mul_f64(1.0 - held as f64 / capacity as f64)
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
    if !breath.pause.is_zero() && since.elapsed() >= PIECE {
        std::thread::sleep(breath.pause);
        since = Instant::now();
    }
    BREATH.set(Some(Breath { since, steps: 0, ..breath }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the thread pauses in so much work.
    fn pauses(work: Duration) -> usize {
        let start = Instant::now();
        let (mut pauses, mut begun) = (0, BREATH.get().map(|breath| breath.since));
        while start.elapsed() < work {
            step();
            let now = BREATH.get().map(|breath| breath.since);
            pauses += usize::from(now != begun);
            begun = now;
        }
        pauses
    }

    #[test]
    fn only_threads_of_ours_pause_and_none_whose_queue_is_nearly_full() {
        let work = 20 * (PIECE + PAUSE);
        assert_eq!(pauses(work), 0);
        std::thread::spawn(move || {
            work_in_pieces();
            assert!(pauses(work) > 0);
            set_pace(3, 4);
            assert_eq!(pauses(work), 0);
            set_pace(0, 4);
            assert!(pauses(work) > 0);
        })
        .join()
        .expect("no panic");
    }

    #[test]
    fn pauses_are_shorter_the_more_there_is_to_do() {
        assert_eq!((pause(0, 4), pause(2, 4)), (PAUSE, PAUSE / 2));
        assert_eq!([2, 3, 4].map(|held| is_urgent(held, 4)), [false, true, true]);
    }
}

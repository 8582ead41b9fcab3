//! The bounded buffer between requests and our threads: one stripe for a few threads, so that two requests
//! rarely meet, and one lock held for a push or a swap.
//!
//! When full, the newest is refused and counted. Everything that is counted is counted under the stripe's own lock.
//!
//! A push touches two lines of the cache however many threads there are: its stripe's, and that of the rough sum, which a
//! stripe changes only when its own weight passes a step. The rough sum is never below the true one, and above it by less
//! than a step for each stripe, an eighth of the capacity at most: so much earlier may a buffer be full that several
//! threads fill at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// A buffer of `T`, bounded by the sum of its items' weights.
#[derive(Debug)]
pub(crate) struct Stripes<T> {
    stripes: Box<[Stripe<T>]>,
    capacity: usize,
    /// A step is two to the power of this.
    step_bits: u32,
    rough: Rough,
}

/// The sum of the stripes' weights, each rounded up to a whole step.
#[derive(Debug)]
#[repr(align(128))]
struct Rough(AtomicUsize);

// On a cache line of its own, so that neighbours do not share it.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe<T> {
    held: Mutex<Contents<T>>,
    weight: AtomicUsize,
}

#[derive(Debug)]
struct Contents<T> {
    items: T,
    counted: Counted,
    closed: bool,
}

/// What a buffer counted by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Every push.
    pub(crate) created: u64,
    /// Refused, because the buffer was full.
    pub(crate) full: u64,
    /// Refused, because the buffer is closed.
    pub(crate) late: u64,
}

static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);
static STRIPES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from).next_power_of_two().min(8));

thread_local! {
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// How many stripes a buffer or a counter has: the processors, as a power of two, at most 8.
pub(crate) fn stripe_count() -> usize {
    *STRIPES
}

/// This thread's stripe, below `count`, which is a power of two.
#[inline]
pub(crate) fn stripe_of_thread(count: usize) -> usize {
    let number = THREAD
        .try_with(|thread| {
            if thread.get() == usize::MAX {
                thread.set(NEXT_THREAD.fetch_add(1, Ordering::Relaxed));
            }
            thread.get()
        })
        .unwrap_or(0);
    number & (count - 1)
}

impl<T: Default> Stripes<T> {
    /// With steps of at most `step`.
    pub(crate) fn new(capacity: usize, step: usize, count: usize) -> Self {
        let stripe = || Stripe {
            held: Mutex::new(Contents { items: T::default(), counted: Counted::default(), closed: false }),
            weight: AtomicUsize::new(0),
        };
        let count = count.next_power_of_two();
        let step_bits = step.min(capacity / count / 8).checked_ilog2().unwrap_or(0);
        let stripes = (0..count).map(|_| stripe()).collect();
        Self { stripes, capacity, step_bits, rough: Rough(AtomicUsize::new(0)) }
    }

    /// Adds what `add` writes, of this weight, or counts the refusal. Returns the weight held before.
    #[inline(always)]
    pub(crate) fn push(&self, weight: usize, add: impl FnOnce(&mut T)) -> Result<usize, ()> {
        let stripe = &self.stripes[stripe_of_thread(self.stripes.len())];
        let mut held = stripe.lock();
        if held.closed {
            held.counted.created += 1;
            held.counted.late += 1;
            return Err(());
        }
        self.add(stripe, &mut held, weight, add)
    }

    /// As [`Self::push`], but into a closed buffer: then nothing is counted either.
    pub(crate) fn push_in_time(&self, weight: usize, add: impl FnOnce(&mut T)) -> Result<usize, ()> {
        let stripe = &self.stripes[stripe_of_thread(self.stripes.len())];
        let mut held = stripe.lock();
        if held.closed { Err(()) } else { self.add(stripe, &mut held, weight, add) }
    }

    #[inline(always)]
    fn add(
        &self,
        stripe: &Stripe<T>,
        held: &mut Contents<T>,
        weight: usize,
        add: impl FnOnce(&mut T),
    ) -> Result<usize, ()> {
        held.counted.created += 1;
        let own = stripe.weight.load(Ordering::Relaxed);
        let before = self.rough.0.load(Ordering::Relaxed) - self.rounded(own) + own;
        if before + weight > self.capacity {
            held.counted.full += 1;
            return Err(());
        }
        add(&mut held.items);
        self.set_weight(stripe, own + weight);
        Ok(before)
    }

    /// Up to a whole step.
    #[inline(always)]
    fn rounded(&self, weight: usize) -> usize {
        let step = 1 << self.step_bits;
        (weight + (step - 1)) >> self.step_bits << self.step_bits
    }

    /// Called under this stripe's lock, so that a plain store is enough.
    #[inline(always)]
    fn set_weight(&self, stripe: &Stripe<T>, weight: usize) {
        let (before, now) = (self.rounded(stripe.weight.load(Ordering::Relaxed)), self.rounded(weight));
        stripe.weight.store(weight, Ordering::Relaxed);
        if now != before {
            self.rough.0.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
        }
    }

    /// Takes what one stripe holds, and gives it `spare` to go on with.
    pub(crate) fn swap(&self, stripe: usize, spare: T) -> T {
        let stripe = &self.stripes[stripe];
        let mut held = stripe.lock();
        self.set_weight(stripe, 0);
        std::mem::replace(&mut held.items, spare)
    }

    /// As [`Self::swap`], in place; of a stripe that holds nothing the spare stays where it is, with its room.
    pub(crate) fn exchange(&self, stripe: usize, spare: &mut T, is_empty: impl FnOnce(&T) -> bool) {
        let stripe = &self.stripes[stripe];
        let mut held = stripe.lock();
        if !is_empty(&held.items) {
            self.set_weight(stripe, 0);
            std::mem::swap(&mut held.items, spare);
        }
    }

    /// Has `take` take what one stripe holds, whose weight stays until [`Stripes::release`]: what is still held elsewhere
    /// counts towards the capacity.
    pub(crate) fn take(&self, stripe: usize, take: impl FnOnce(&mut T)) {
        take(&mut self.stripes[stripe].lock().items);
    }

    /// Releases the weight of what was taken. Only the sum counts, so any stripe may subtract it.
    pub(crate) fn release(&self, mut weight: usize) {
        for stripe in &self.stripes {
            let _held = stripe.lock();
            let now = stripe.weight.load(Ordering::Relaxed);
            let back = now.min(weight);
            self.set_weight(stripe, now - back);
            weight -= back;
        }
    }

    /// From now on every push is refused. What was pushed before can still be taken out.
    pub(crate) fn close(&self) {
        self.stripes.iter().for_each(|stripe| stripe.lock().closed = true);
    }

    pub(crate) fn count(&self) -> usize {
        self.stripes.len()
    }

    /// The sum of the weights that may be held.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The sum of the weights held now.
    pub(crate) fn weight(&self) -> usize {
        self.stripes.iter().map(|stripe| stripe.weight.load(Ordering::Relaxed)).sum()
    }

    /// As [`Self::weight`], but ordered with every push: a push that is not in the sum sees what this thread wrote before.
    pub(crate) fn weight_under_locks(&self) -> usize {
        let weight = |stripe: &Stripe<T>| {
            let _held = stripe.lock();
            stripe.weight.load(Ordering::Relaxed)
        };
        self.stripes.iter().map(weight).sum()
    }

    /// How many pushes there were, and how many of them were refused.
    pub(crate) fn counted(&self) -> Counted {
        self.stripes.iter().fold(Counted::default(), |sum, stripe| {
            let counted = stripe.lock().counted;
            Counted {
                created: sum.created + counted.created,
                full: sum.full + counted.full,
                late: sum.late + counted.late,
            }
        })
    }
}

impl<T> Stripe<T> {
    fn lock(&self) -> MutexGuard<'_, Contents<T>> {
        // A panic while adding leaves a batch that is whole up to the item before.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_full_the_newest_is_refused_and_counted() {
        let stripes = Stripes::<Vec<u32>>::new(2, 2, 4);
        let pushed: Vec<_> = (0..3).map(|n| stripes.push(1, |items| items.push(n)).is_ok()).collect();
        assert_eq!(pushed, [true, true, false]);
        assert_eq!(stripes.counted(), Counted { created: 3, full: 1, late: 0 });
        let held: Vec<u32> =
            (0..stripes.count()).flat_map(|stripe| stripes.swap(stripe, Vec::new())).collect();
        assert_eq!(held, [0, 1]);
        assert!(stripes.push(1, |items| items.push(9)).is_ok());
    }

    #[test]
    fn after_the_close_nothing_comes_in_and_all_that_was_there_can_be_taken() {
        let stripes = Stripes::<Vec<u32>>::new(usize::MAX, usize::MAX, 4);
        let taken = std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| while stripes.push(1, |items| items.push(1)).is_ok() {});
            }
            while stripes.counted().created < 1_000 {
                std::thread::yield_now();
            }
            stripes.close();
            (0..stripes.count()).map(|stripe| stripes.swap(stripe, Vec::new()).len() as u64).sum::<u64>()
        });
        let counted = stripes.counted();
        assert_eq!((counted.created - taken, counted.full, counted.late), (4, 0, 4));
        assert_eq!(stripes.weight(), 0);
    }

    #[test]
    fn what_was_taken_counts_until_it_is_released() {
        let stripes = Stripes::<Vec<u32>>::new(2, 2, 4);
        assert!(stripes.push(1, |items| items.push(1)).is_ok());
        assert!(stripes.push(1, |items| items.push(2)).is_ok());
        let mut taken = Vec::new();
        (0..stripes.count()).for_each(|stripe| stripes.take(stripe, |items| taken.append(items)));
        assert_eq!(taken.len(), 2);
        assert!(stripes.push(1, |items| items.push(3)).is_err());
        stripes.release(1);
        assert!(stripes.push(1, |items| items.push(4)).is_ok());
        assert_eq!(stripes.weight(), 2);
    }

    #[test]
    fn several_threads_never_hold_more_than_the_capacity_and_fill_seven_eighths_of_it() {
        const CAPACITY: usize = 4_096;
        let stripes = Stripes::<Vec<u32>>::new(CAPACITY, CAPACITY, 8);
        let fill = || {
            std::thread::scope(|scope| {
                (0..8).for_each(|_| {
                    drop(scope.spawn(|| while stripes.push(3, |items| items.push(1)).is_ok() {}))
                });
            });
        };
        for _ in 0..3 {
            fill();
            let held = stripes.weight();
            // A thread may look before another has counted what it adds.
            assert!((CAPACITY * 7 / 8 - 3..CAPACITY + 8 * 3).contains(&held), "{held}");
            (0..stripes.count()).for_each(|stripe| drop(stripes.swap(stripe, Vec::new())));
            assert_eq!((stripes.weight(), stripes.rough.0.load(Ordering::Relaxed)), (0, 0));
        }
    }

    #[test]
    fn threads_share_a_line_of_the_cache_only_once_in_a_step() {
        let stripes = Stripes::<Vec<usize>>::new(1 << 20, 8, 8);
        let shared = || stripes.rough.0.load(Ordering::Relaxed);
        let mut changes = 0;
        for number in 0..800 {
            let before = shared();
            assert!(stripes.push(1, |items| items.push(number)).is_ok());
            changes += usize::from(shared() != before);
        }
        assert_eq!(changes, 100);
        // All else that a push writes to is its stripe's own, on lines that no other stripe has.
        assert!(align_of::<Stripe<Vec<usize>>>() >= 128 && align_of::<Rough>() >= 128);
    }

    #[test]
    fn nothing_is_lost_or_doubled_between_threads() {
        let stripes = Stripes::<Vec<u32>>::new(usize::MAX, usize::MAX, 4);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let stripes = &stripes;
                scope.spawn(move || {
                    (0..1_000).for_each(|n| {
                        assert!(stripes.push(1, |items| items.push(thread * 1_000 + n)).is_ok())
                    })
                });
            }
        });
        let mut held: Vec<u32> =
            (0..stripes.count()).flat_map(|stripe| stripes.swap(stripe, Vec::new())).collect();
        held.sort_unstable();
        assert_eq!(held, (0..8_000).collect::<Vec<_>>());
    }
}

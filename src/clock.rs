//! Time: one monotonic reading serves as duration, span time, log time and UUID v7.
//!
//! Wall time is derived from a [`Moment`] by an offset that our background thread looks at every second while the time
//! is asked for, so that a request pays for one clock reading and still follows a clock that was stepped. Until it was,
//! the offset stays: a line and a record that are made of one moment at different times say the same time.

mod monotonic;

use std::num::NonZeroU64;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

/// A point in time, cheap to take and to compare.
// The monotonic clock's nanoseconds: half of an `Instant`, whose difference takes as long as its reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(NonZeroU64);

/// Unix nanoseconds at the monotonic clock's zero; renewed by [`resync`].
static OFFSET: LazyLock<AtomicI64> = LazyLock::new(|| AtomicI64::new(offset_now().0));

/// What two clocks may differ by that were not stepped.
const NOTICEABLE: u64 = 100_000;

/// The offset, and by how much it may be wrong: two clocks cannot be read at once, and we may be interrupted in between.
fn offset_now() -> (i64, u64) {
    let read = || {
        let before = monotonic::nanos();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let error = monotonic::nanos().saturating_sub(before);
        // 584 years fit.
        (unix.as_nanos() as i64 - (before + error / 2) as i64, error)
    };
    [read(), read(), read()].into_iter().min_by_key(|(_, error)| *error).unwrap_or_default()
}

static TICK: AtomicU64 = AtomicU64::new(1);
/// Was the time asked for since [`needed`] last looked?
static ASKED: AtomicBool = AtomicBool::new(false);
static WAKE: Notify = Notify::const_new();
/// The wall clock is looked at once in so long where the time is not asked for.
const IDLE: Duration = Duration::from_secs(60);

/// A number that changes about once a second, and never is zero: free where a clock's reading is not.
pub(crate) fn tick() -> u64 {
    note_asked();
    TICK.load(Ordering::Relaxed)
}

#[inline]
fn note_asked() {
    if !ASKED.load(Ordering::Relaxed) {
        wake();
    }
}

#[cold]
fn wake() {
    ASKED.store(true, Ordering::Relaxed);
    WAKE.notify_one();
}

/// Resolves when [`resync`] is to be called again: at once where the time was asked for meanwhile, else when it is, or
/// after a minute.
pub(crate) async fn needed() {
    if !ASKED.swap(false, Ordering::Relaxed) {
        let _ = tokio::time::timeout(IDLE, WAKE.notified()).await;
    }
}

/// Follows a wall clock that was stepped, and begins another tick; called about once a second while the time is asked
/// for, off the request's thread.
pub(crate) fn resync() {
    TICK.fetch_add(1, Ordering::Relaxed);
    let (offset, error) = offset_now();
    if offset.abs_diff(OFFSET.load(Ordering::Relaxed)) > error.max(NOTICEABLE) {
        OFFSET.store(offset, Ordering::Relaxed);
    }
}

impl Moment {
    /// Stands for the moment that is not known yet.
    pub(crate) const BLANK: Self = Self(NonZeroU64::MIN);

    /// Reads the monotonic clock once.
    #[must_use]
    #[inline]
    pub(crate) fn now() -> Self {
        Self(NonZeroU64::new(monotonic::nanos()).unwrap_or(NonZeroU64::MIN))
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    #[inline]
    pub(crate) fn nanos_since(self, earlier: Self) -> u64 {
        self.0.get().saturating_sub(earlier.0.get())
    }

    /// The moment so many nanoseconds later.
    #[must_use]
    pub(crate) fn after_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The moment so many nanoseconds earlier.
    #[must_use]
    pub(crate) fn before_nanos(self, nanos: u64) -> Self {
        Self(NonZeroU64::new(self.0.get().saturating_sub(nanos)).unwrap_or(NonZeroU64::MIN))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    #[inline]
    pub(crate) fn unix_nanos(self) -> u64 {
        note_asked();
        let offset = OFFSET.load(Ordering::Relaxed);
        u64::try_from(offset.saturating_add_unsigned(self.0.get())).unwrap_or(0)
    }

    /// This point as a [`SystemTime`].
    #[must_use]
    pub(crate) fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.unix_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_wall_time_is_the_wall_time() {
        let derived = Moment::now().system_time();
        let real = SystemTime::now();
        let drift = real.duration_since(derived).unwrap_or_else(|e| e.duration());
        assert!(drift < Duration::from_millis(50), "{drift:?} drift");
    }

    #[test]
    fn a_moment_is_one_wall_time_however_often_the_clock_is_looked_at() {
        let moment = Moment::now();
        let time = moment.unix_nanos();
        for _ in 0..1_000 {
            resync();
            assert_eq!(moment.unix_nanos(), time);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_is_looked_at_again_as_soon_as_the_time_is_asked_for() {
        // Other tests of this process ask as well, so that only what must not be slow can be tried.
        let before = tokio::time::Instant::now();
        for _ in 0..3 {
            tick();
            needed().await;
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
        needed().await;
        needed().await;
        assert!(before.elapsed() <= 2 * IDLE);
    }

    #[test]
    fn a_moment_before_an_earlier_one_is_no_time_after_it() {
        let first = Moment::now();
        let later = first.after_nanos(4);
        assert_eq!(first.since(later), Duration::ZERO);
        assert_eq!(later.since(first), Duration::from_nanos(4));
    }
}

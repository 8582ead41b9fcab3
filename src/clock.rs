//! Owns time: one monotonic reading serves as duration, span time, log time and UUID v7.
//!
//! Wall time is derived from a [`Moment`] by an offset that our background thread looks at every second, so that a
//! request pays for one clock reading and still follows a clock that was stepped. Until it was, the offset stays: a line
//! and a record that are made of one moment at different times say the same time.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time, cheap to take and to compare.
///
/// ```
/// use tower_observability::Moment;
///
/// let begin = Moment::now();
/// assert!(Moment::now().since(begin) < std::time::Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Instant);

struct Anchor {
    start: Instant,
    // Unix nanoseconds at `start`; renewed by `resync`.
    offset: AtomicI64,
}

static ANCHOR: LazyLock<Anchor> = LazyLock::new(|| {
    let start = Instant::now();
    Anchor { start, offset: AtomicI64::new(offset_at(start).0) }
});

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What two clocks may differ by that nobody stepped.
const NOTICEABLE: u64 = 100_000;

/// The offset, and by how much it may be wrong: two clocks cannot be read at once, and we may be interrupted in between.
fn offset_at(start: Instant) -> (i64, u64) {
    let read = || {
        let before = nanos(start.elapsed());
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let error = nanos(start.elapsed()).saturating_sub(before);
        (nanos(unix) as i64 - (before + error / 2) as i64, error)
    };
    [read(), read(), read()].into_iter().min_by_key(|(_, error)| *error).unwrap_or_default()
}

fn nanos(duration: Duration) -> u64 {
    // 584 years fit.
    duration.as_secs().saturating_mul(NANOS_PER_SECOND).saturating_add(duration.subsec_nanos().into())
}

static TICK: AtomicU64 = AtomicU64::new(1);

/// A number that changes about once a second, and never is zero: free where a clock's reading is not.
pub(crate) fn tick() -> u64 {
    TICK.load(Ordering::Relaxed)
}

/// Follows a wall clock that was stepped; called about once a second, off the request's thread.
pub(crate) fn resync() {
    TICK.fetch_add(1, Ordering::Relaxed);
    let (offset, error) = offset_at(ANCHOR.start);
    if offset.abs_diff(ANCHOR.offset.load(Ordering::Relaxed)) > error.max(NOTICEABLE) {
        ANCHOR.offset.store(offset, Ordering::Relaxed);
    }
}

impl Moment {
    /// Reads the monotonic clock once.
    #[must_use]
    #[inline]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    #[inline]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The moment so many nanoseconds later.
    #[must_use]
    pub fn after_nanos(self, nanos: u64) -> Self {
        Self(self.0.checked_add(Duration::from_nanos(nanos)).unwrap_or(self.0))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    #[inline]
    pub fn unix_nanos(self) -> u64 {
        let anchor = &*ANCHOR;
        let offset = anchor.offset.load(Ordering::Relaxed);
        // What was read before the anchor itself is taken for its moment.
        let after = nanos(self.0.saturating_duration_since(anchor.start));
        u64::try_from(offset.saturating_add_unsigned(after)).unwrap_or(0)
    }

    /// The same point as the standard library's wall clock type.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
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
        let apart = real.duration_since(derived).unwrap_or_else(|e| e.duration());
        assert!(apart < Duration::from_millis(50), "{apart:?} apart");
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

    #[test]
    fn a_moment_before_an_earlier_one_is_no_time_after_it() {
        let first = Moment::now();
        let later = first.after_nanos(4);
        assert_eq!(first.since(later), Duration::ZERO);
        assert_eq!(later.since(first), Duration::from_nanos(4));
    }
}

//! Owns time: one monotonic reading serves as duration, span time, log time and UUID v7.
//!
//! A [`Moment`] is nanoseconds since this process first asked. Wall time is derived from it by an offset that
//! our background thread renews every second, so that a request pays for one clock reading and still follows a clock
//! that was stepped.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time, cheap to take and to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

struct Anchor {
    start: Instant,
    // Unix nanoseconds at `start`; renewed by `resync`.
    offset: AtomicI64,
}

static ANCHOR: LazyLock<Anchor> = LazyLock::new(|| {
    let start = Instant::now();
    Anchor { start, offset: AtomicI64::new(offset_at(start)) }
});

fn offset_at(start: Instant) -> i64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let elapsed = start.elapsed();
    nanos(unix) as i64 - nanos(elapsed) as i64
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Follows a wall clock that was stepped or slewed; called about once a second, off the request's thread.
pub(crate) fn resync() {
    ANCHOR.offset.store(offset_at(ANCHOR.start), Ordering::Relaxed);
}

impl Moment {
    /// Reads the monotonic clock once.
    #[must_use]
    pub fn now() -> Self {
        Self(nanos(ANCHOR.start.elapsed()))
    }

    /// The time from `earlier` to here; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment so many nanoseconds later.
    #[must_use]
    pub fn after_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_nanos(self) -> u64 {
        let offset = ANCHOR.offset.load(Ordering::Relaxed);
        u64::try_from(offset.saturating_add_unsigned(self.0)).unwrap_or(0)
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
    fn a_moment_before_an_earlier_one_is_no_time_after_it() {
        let first = Moment(5);
        assert_eq!(Moment(3).since(first), Duration::ZERO);
        assert_eq!(Moment(9).since(first), Duration::from_nanos(4));
    }
}

//! The reading of the monotonic clock, as a plain number.

pub(super) use reading::nanos;

/// The standard library's `Instant` does not show its number, and reads the same clock; but on Apple's systems another
/// one, which stands still while the machine sleeps.
#[cfg(all(unix, not(target_vendor = "apple")))]
mod reading {
    use rustix::time::{ClockId, clock_gettime};

    const NANOS_PER_SECOND: u64 = 1_000_000_000;

    /// Nanoseconds since some moment before this process began.
    #[inline]
    pub(in crate::clock) fn nanos() -> u64 {
        let now = clock_gettime(ClockId::Monotonic);
        (now.tv_sec as u64).wrapping_mul(NANOS_PER_SECOND).wrapping_add(now.tv_nsec as u64)
    }
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
mod reading {
    use std::sync::LazyLock;
    use std::time::Instant;

    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);

    /// Nanoseconds since the first reading.
    #[inline]
    pub(in crate::clock) fn nanos() -> u64 {
        let first = *FIRST;
        u64::try_from(Instant::now().saturating_duration_since(first).as_nanos()).unwrap_or(u64::MAX)
    }
}

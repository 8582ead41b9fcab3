//! When each request of an open loop is due: evenly spaced, whatever became of those before.

use std::time::Duration;

/// So many requests, so many a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    rate: f64,
    count: u32,
}

impl Schedule {
    /// At least one request.
    pub(super) fn new(rate: f64, seconds: f64) -> Self {
        Self { rate, count: (rate * seconds).round().max(1.0) as u32 }
    }

    /// How long after the beginning each request is due.
    pub(super) fn times(self) -> impl Iterator<Item = Duration> {
        (0..self.count).map(move |number| Duration::from_secs_f64(f64::from(number) / self.rate))
    }

    /// When the time of the last one is over.
    pub(super) fn end(self) -> Duration {
        Duration::from_secs_f64(f64::from(self.count) / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_even_distances_without_a_sum_of_errors() {
        let schedule = Schedule::new(3.0, 1_000.0);
        let times: Vec<Duration> = schedule.times().collect();
        assert_eq!(times.len(), 3_000);
        assert_eq!(
            (times[0], times[3], times[2_997]),
            (Duration::ZERO, Duration::from_secs(1), Duration::from_secs(999))
        );
        assert_eq!(schedule.end(), Duration::from_secs(1_000));
    }

    #[test]
    fn there_is_always_one() {
        assert_eq!(Schedule::new(0.1, 1.0).times().count(), 1);
    }
}

//! What the users saw: each request's latency and how it ended. Quantiles are exact, since every request is kept.

use std::collections::BTreeMap;
use std::time::Duration;

/// One request, in microseconds, which for a load of an hour are few bytes.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// When it was due, since the beginning.
    due: u32,
    /// From then to the last byte of the answer, or to the error.
    took: u32,
    /// From then to when it was really sent.
    late: u32,
    failed: bool,
}

/// All requests of a load, or of one of its steps.
#[derive(Debug, Default)]
pub(super) struct Tally {
    seen: Vec<Seen>,
    /// How many failed of each class: a status, `timeout`, `connection_refused`.
    failed: BTreeMap<String, u64>,
    /// Due, but not sent: too many were under way.
    unsent: u64,
    /// From the first that was due to the last answer, or to the end of the schedule.
    elapsed: Duration,
}

/// What a plot shows of one second.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) at: f64,
    pub(super) requests: f64,
    pub(super) errors: f64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
}

impl Tally {
    pub(super) fn add(&mut self, due: Duration, late: Duration, took: Duration, failed: Option<String>) {
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let (due_at, took_for, late_by) = (micros(due), micros(took), micros(late));
        self.seen.push(Seen { due: due_at, took: took_for, late: late_by, failed: failed.is_some() });
        if let Some(class) = failed {
            *self.failed.entry(class).or_default() += 1;
        }
        self.lasted(due + took);
    }

    pub(super) fn add_unsent(&mut self) {
        self.unsent += 1;
    }

    /// It took at least so long.
    pub(super) fn lasted(&mut self, elapsed: Duration) {
        self.elapsed = self.elapsed.max(elapsed);
    }

    pub(super) fn elapsed(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }

    pub(super) fn sent(&self) -> u64 {
        self.seen.len() as u64
    }

    pub(super) fn unsent(&self) -> u64 {
        self.unsent
    }

    /// Answered well, a second.
    pub(super) fn rate(&self) -> f64 {
        let good = self.seen.iter().filter(|seen| !seen.failed).count();
        good as f64 / self.elapsed().max(1e-9)
    }

    /// How many failed of each class; what was due and not sent has failed as well.
    pub(super) fn classes(&self) -> BTreeMap<String, u64> {
        let mut classes = self.failed.clone();
        if self.unsent > 0 {
            classes.insert("not_sent".to_owned(), self.unsent);
        }
        classes
    }

    /// The share of a number among all that were due.
    pub(super) fn share(&self, number: u64) -> f64 {
        number as f64 / ((self.sent() + self.unsent) as f64).max(1.0)
    }

    pub(super) fn error_ratio(&self) -> f64 {
        self.share(self.classes().values().sum())
    }

    /// Seconds; `None` if nothing was sent.
    pub(super) fn latency(&self, share: f64) -> Option<f64> {
        quantile(self.seen.iter().map(|seen| seen.took), share)
    }

    /// By how many seconds requests were sent later than they were due.
    pub(super) fn lateness(&self, share: f64) -> Option<f64> {
        quantile(self.seen.iter().map(|seen| seen.late), share)
    }

    pub(super) fn seconds(&self) -> Vec<Second> {
        let mut seconds: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
        for seen in &self.seen {
            seconds.entry(seen.due / 1_000_000).or_default().push(*seen);
        }
        let second = |(at, seen): (u32, Vec<Seen>)| {
            let latency =
                |share| quantile(seen.iter().map(|seen| seen.took), share).unwrap_or_default() * 1e3;
            Second {
                at: f64::from(at),
                requests: seen.len() as f64,
                errors: seen.iter().filter(|seen| seen.failed).count() as f64,
                p50: latency(0.5),
                p95: latency(0.95),
                p99: latency(0.99),
            }
        };
        seconds.into_iter().map(second).collect()
    }
}

/// The smallest value, in seconds, that this share of all does not exceed.
fn quantile(micros: impl Iterator<Item = u32>, share: f64) -> Option<f64> {
    let mut values: Vec<u32> = micros.collect();
    let rank = (share * values.len() as f64).ceil().max(1.0) as usize - 1;
    let last = values.len().checked_sub(1)?;
    let (_, value, _) = values.select_nth_unstable(rank.min(last));
    Some(f64::from(*value) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let of = |count: u32, share| {
            quantile((1..=count).rev().map(|number| 1_000 * number), share).map(|s| (s * 1e3).round())
        };
        assert_eq!(
            (of(100, 0.5), of(100, 0.95), of(100, 0.99), of(100, 1.0)),
            (Some(50.0), Some(95.0), Some(99.0), Some(100.0))
        );
        assert_eq!(
            (of(1, 0.5), of(2, 0.95), of(3, 0.0), of(0, 0.5)),
            (Some(1.0), Some(2.0), Some(1.0), None)
        );
    }

    #[test]
    fn what_was_not_sent_counts_as_failed_and_has_no_latency() {
        let mut tally = Tally::default();
        for number in 0..8 {
            let failed = (number == 3).then(|| "503".to_owned());
            tally.add(MS * 250 * number, MS, MS * 10, failed);
        }
        tally.add_unsent();
        tally.add_unsent();
        assert_eq!((tally.sent(), tally.unsent()), (8, 2));
        assert_eq!(tally.classes(), [("503".to_owned(), 1), ("not_sent".to_owned(), 2)].into());
        assert!((tally.error_ratio() - 0.3).abs() < 1e-9);
        assert_eq!(tally.latency(0.99), Some(0.01));
        tally.lasted(MS * 2_000);
        assert!((tally.rate() - 3.5).abs() < 1e-9, "seven good answers in two seconds");
        let seconds = tally.seconds();
        assert_eq!(
            (seconds.len(), seconds[0].requests, seconds[0].errors, seconds[1].p95),
            (2, 4.0, 1.0, 10.0)
        );
    }

    #[test]
    fn nothing_sent_is_no_division_by_zero() {
        let tally = Tally::default();
        assert_eq!((tally.rate(), tally.error_ratio(), tally.latency(0.5)), (0.0, 0.0, None));
        assert!(tally.seconds().is_empty());
    }
}

//! Durations of requests, exactly or as a histogram counted them, and their quantiles.

/// Durations in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Durations {
    exact: Vec<f64>,
    /// Upper bounds, and one count more than those.
    bounds: Vec<f64>,
    counts: Vec<u64>,
}

impl Durations {
    pub(super) fn add(&mut self, millis: f64) {
        self.exact.push(millis);
    }

    /// What a histogram counted. Histograms with other bounds than the first cannot be added to it and are left out.
    pub(super) fn add_counts(&mut self, bounds: &[f64], factor: f64, counts: impl Iterator<Item = u64>) {
        if self.counts.is_empty() {
            self.bounds = bounds.iter().map(|bound| bound * factor).collect();
            self.counts = vec![0; bounds.len() + 1];
        }
        if self.bounds.len() == bounds.len()
            && self.bounds.iter().zip(bounds).all(|(one, other)| *one == other * factor)
        {
            self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_add(count));
        }
    }

    /// Sorts what is known exactly; quantiles want it.
    pub(super) fn sort(&mut self) {
        self.exact.sort_unstable_by(f64::total_cmp);
    }

    /// Half of all are below the quantile of 0.5. Within a bucket they are taken as evenly spread; what is above the last
    /// bound is taken as if it were there.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        if !self.exact.is_empty() {
            let place = (self.exact.len() as f64 * quantile).ceil() as usize;
            return self.exact.get(place.saturating_sub(1)).copied();
        }
        let all: f64 = self.counts.iter().map(|count| *count as f64).sum();
        let wanted = all * quantile;
        let mut below = 0.0;
        for (place, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            if below + count >= wanted {
                let lower = place
                    .checked_sub(1)
                    .and_then(|place| self.bounds.get(place))
                    .copied()
                    .unwrap_or_default();
                let upper = self.bounds.get(place).copied().unwrap_or(lower);
                return Some(lower + (upper - lower) * ((wanted - below) / count));
            }
            below += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_what_is_known_exactly() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile(0.5), None);
        (1..=100).rev().for_each(|millis| durations.add(f64::from(millis)));
        durations.sort();
        assert_eq!([0.5, 0.95, 0.99, 1.0].map(|q| durations.quantile(q).unwrap()), [50.0, 95.0, 99.0, 100.0]);
    }

    #[test]
    fn quantiles_of_a_histogram_lie_within_its_buckets() {
        let mut durations = Durations::default();
        durations.add_counts(&[0.1, 0.2], 1e3, [10, 10, 0].into_iter());
        durations.add_counts(&[0.1, 0.2], 1e3, [0, 0, 5].into_iter());
        durations.add_counts(&[7.0], 1e3, [1_000, 1_000].into_iter());
        assert_eq!(durations.quantile(0.4), Some(100.0));
        assert_eq!(durations.quantile(0.6), Some(150.0));
        assert_eq!(durations.quantile(0.99), Some(200.0), "the last bound stands for what is above it");
        durations = Durations::default();
        durations.add_counts(&[], 1.0, [3].into_iter());
        assert_eq!(durations.quantile(0.5), Some(0.0));
    }
}

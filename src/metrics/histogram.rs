//! The histogram: fixed buckets, one row of cells a stripe, an exemplar a bucket; nothing to keep up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ::metrics::HistogramFn;

use super::buckets::Bounds;
use super::exemplar::{Exemplar, Exemplars, source};
use super::exponential::Exponential;
#[cfg(feature = "otlp")]
use super::exponential::Spread;
use super::gauge::add;
use super::refused::{Reason, Refused};
use crate::account::{stripe_count, stripe_of_thread};
use crate::clock::Moment;
use crate::context::TraceContext;

// Rows are as long as whole lines of the cache, in words.
const LINE: usize = 16;

/// A histogram of fixed buckets.
#[derive(Debug)]
pub(super) struct Histogram {
    bounds: Arc<Bounds>,
    // For each stripe the sum's bits, then a count for each bucket, then nothing up to a whole line.
    cells: Box<[AtomicU64]>,
    stripes: usize,
    // How many cells a stripe has.
    row: usize,
    // `None` where exemplars are off; inside, nothing until the first sampled value.
    exemplars: Option<OnceLock<Exemplars>>,
    // Written by who records through [`Fine`] only.
    exponential: Option<Exponential>,
    refused: Arc<Refused>,
}

/// A histogram that has exponential buckets as well. Who records into one that has none passes no branch for them.
#[derive(Debug)]
pub(super) struct Fine(pub(super) Arc<Histogram>);

/// One histogram at one moment; a scrape uses one for all its histograms.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) counts: Vec<u64>,
    pub(super) sum: f64,
}

impl Histogram {
    pub(super) fn new(bounds: Arc<Bounds>, exemplars: bool, refused: Arc<Refused>) -> Self {
        let (stripes, row) = (stripe_count(), (1 + bounds.buckets()).next_multiple_of(LINE));
        let cells = (0..stripes * row).map(|_| AtomicU64::new(0)).collect();
        let exemplars = exemplars.then(OnceLock::new);
        Self { bounds, cells, stripes, row, exemplars, exponential: None, refused }
    }

    /// The same with exponential buckets beside the fixed ones.
    pub(super) fn with_exponential(mut self) -> Self {
        self.exponential = Some(Exponential::new());
        self
    }

    pub(super) fn has_exponential(&self) -> bool {
        self.exponential.is_some()
    }

    /// What is in the exponential buckets.
    #[cfg(feature = "otlp")]
    pub(super) fn spread(&self) -> Option<Spread> {
        self.exponential.as_ref().map(Exponential::read)
    }

    pub(super) fn read(&self, reading: &mut Reading) {
        reading.counts.clear();
        reading.counts.resize(self.bounds.buckets(), 0);
        reading.sum = 0.0;
        for row in self.cells.chunks_exact(self.row) {
            let Some((sum, counts)) = row.split_first() else { continue };
            reading.sum += f64::from_bits(sum.load(Ordering::Relaxed));
            for (total, count) in reading.counts.iter_mut().zip(counts) {
                *total += count.load(Ordering::Relaxed);
            }
        }
    }

    pub(super) fn exemplar(&self, bucket: usize) -> Option<Exemplar> {
        self.exemplars.as_ref()?.get()?.of(bucket)
    }

    /// Records a hop's value; its trace is the exemplar's if it is sampled.
    #[inline]
    pub(super) fn record_of(&self, value: f64, trace: TraceContext, at: Moment) {
        let Some(bucket) = self.count(value, 1) else { return };
        if trace.flags.is_sampled() {
            self.offer(bucket, value, trace, at);
        }
    }

    /// The bucket that the value fell into.
    #[inline]
    fn count(&self, value: f64, count: u64) -> Option<usize> {
        if !value.is_finite() {
            self.refuse(value);
            return None;
        }
        let bucket = self.bounds.bucket_of(value);
        let start = stripe_of_thread(self.stripes) * self.row;
        let [sum, counts @ ..] = self.cells.get(start..start + self.row)? else { return None };
        counts.get(bucket)?.fetch_add(count, Ordering::Relaxed);
        add(sum, value * count as f64);
        Some(bucket)
    }

    #[cold]
    fn refuse(&self, value: f64) {
        let message =
            format_args!("a histogram was given {value}, which is left out; such values are counted");
        self.refused.count(Reason::NotFinite, message);
    }

    #[inline]
    fn offer(&self, bucket: usize, value: f64, trace: TraceContext, at: Moment) {
        let Some(exemplars) = &self.exemplars else { return };
        exemplars.get_or_init(|| Exemplars::new(self.bounds.buckets())).offer(bucket, value, trace, at);
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        let Some(bucket) = self.count(value, count as u64) else { return };
        if self.exemplars.is_some()
            && let Some((trace, at)) = source()
        {
            self.offer(bucket, value, trace, at);
        }
    }
}

impl Fine {
    /// Records a hop's value in both kinds of buckets.
    #[inline]
    pub(super) fn record_of(&self, value: f64, trace: TraceContext, at: Moment) {
        self.0.record_of(value, trace, at);
        self.count(value, 1);
    }

    #[inline]
    fn count(&self, value: f64, count: u64) {
        if let Some(exponential) = self.0.exponential.as_ref().filter(|_| value.is_finite()) {
            exponential.count(value, count);
        }
    }
}

impl HistogramFn for Fine {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.0.record_many(value, count);
        self.count(value, count as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(bounds: &[f64]) -> Histogram {
        Histogram::new(Arc::new(Bounds::new(bounds)), true, Arc::default())
    }

    #[test]
    fn every_value_is_in_one_bucket_and_in_the_sum() {
        let histogram = histogram(&[1.0, 2.0]);
        [0.5, 1.0, 1.5, 9.0].into_iter().for_each(|value| histogram.record(value));
        histogram.record_many(2.0, 3);
        let mut reading = Reading::default();
        histogram.read(&mut reading);
        assert_eq!((&*reading.counts, reading.sum), (&[2, 4, 1][..], 18.0));
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_counted() {
        let histogram = histogram(&[1.0]);
        histogram.record(f64::NAN);
        histogram.record(f64::INFINITY);
        let mut reading = Reading::default();
        histogram.read(&mut reading);
        assert_eq!((&*reading.counts, reading.sum), (&[0, 0][..], 0.0));
        assert!(histogram.refused.counts().any(|counted| counted == ("not_finite", 2)));
    }

    #[test]
    fn a_million_values_take_no_more_room_than_one() {
        let histogram = histogram(&[1.0, 2.0]);
        let before = histogram.cells.len();
        (0..1_000_000).for_each(|n| histogram.record(f64::from(n % 3)));
        assert_eq!(histogram.cells.len(), before);
        let mut reading = Reading::default();
        histogram.read(&mut reading);
        assert_eq!(reading.counts.iter().sum::<u64>(), 1_000_000);
    }
}

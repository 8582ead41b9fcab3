//! The base-2 exponential histogram: eight buckets to each power of two, beside the fixed ones where it is asked for.
//!
//! A bucket is found by the bits of the value, and all that is else to do, such as merging buckets until they are few,
//! is done by who reads. Between a 17th of a millionth and 2⁴⁰ a quantile is wrong by at most 4.4 %.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::account::{stripe_count, stripe_of_thread};

/// The scale of what is counted: each bucket is 2^(1/8) as wide as the one before.
pub(super) const SCALE: i32 = 3;
const OF_OCTAVE: usize = 1 << SCALE;
/// The power of two up to which values are zero.
const LOWEST: i32 = -24;
/// Up to there values are zero.
pub(super) const ZERO: f64 = 1.0 / (1 << 24) as f64;
const OCTAVES: usize = 64;
const BUCKETS: usize = OCTAVES * OF_OCTAVE;
/// As many as the specification's default has.
const MOST: usize = 160;
// Rows are as long as whole lines of the cache, in words; the first word counts zeros.
const ROW: usize = (1 + BUCKETS).next_multiple_of(16);

const MANTISSA: u64 = (1 << 52) - 1;
const BIAS: i32 = 1_023;
/// The mantissas of 2^(0/8) to 2^(7/8).
const BOUNDS: [u64; OF_OCTAVE] = [
    0,
    1.090_507_732_665_257_7_f64.to_bits() & MANTISSA,
    1.189_207_115_002_721_f64.to_bits() & MANTISSA,
    1.296_839_554_651_009_6_f64.to_bits() & MANTISSA,
    std::f64::consts::SQRT_2.to_bits() & MANTISSA,
    1.542_210_825_407_940_7_f64.to_bits() & MANTISSA,
    1.681_792_830_507_429_f64.to_bits() & MANTISSA,
    1.834_008_086_409_342_4_f64.to_bits() & MANTISSA,
];

/// The counts of one series.
#[derive(Debug)]
pub(super) struct Exponential {
    // For each stripe the count of zeros, then a count for each bucket.
    cells: Box<[AtomicU64]>,
    stripes: usize,
    /// Durations and sizes are never below zero; what is has buckets once there is one.
    negative: OnceLock<Box<[AtomicU64]>>,
}

/// Neighbouring buckets; the first has the index `offset`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) offset: i32,
    pub(super) counts: Vec<u64>,
}

/// One exponential histogram at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spread {
    pub(super) scale: i32,
    pub(super) zero: u64,
    pub(super) positive: Buckets,
    pub(super) negative: Buckets,
}

impl Exponential {
    pub(super) fn new() -> Self {
        let stripes = stripe_count();
        let cells = (0..stripes * ROW).map(|_| AtomicU64::new(0)).collect();
        Self { cells, stripes, negative: OnceLock::new() }
    }

    /// Counts a value that is finite.
    #[inline]
    pub(super) fn count(&self, value: f64, count: u64) {
        let cell = match place_of(value.abs()) {
            Some(place) if value < 0.0 => {
                let make = || (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
                self.negative.get_or_init(make).get(place)
            }
            place => {
                let start = stripe_of_thread(self.stripes) * ROW;
                self.cells.get(start + place.map_or(0, |place| 1 + place))
            }
        };
        if let Some(cell) = cell {
            cell.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Spread {
        let mut counts = vec![0; 1 + BUCKETS];
        for row in self.cells.chunks_exact(ROW) {
            for (total, count) in counts.iter_mut().zip(row) {
                *total += count.load(Ordering::Relaxed);
            }
        }
        let (zero, positive) = counts.split_first().map_or((0, &[][..]), |(zero, rest)| (*zero, rest));
        let negative: Vec<_> = self
            .negative
            .get()
            .map(|cells| cells.iter().map(|cell| cell.load(Ordering::Relaxed)).collect())
            .unwrap_or_default();
        Spread { scale: SCALE, zero, positive: Buckets::of(positive), negative: Buckets::of(&negative) }
    }
}

/// Where the value is counted; `None` if it is as good as zero. What is too large is in the last bucket.
#[inline]
fn place_of(value: f64) -> Option<usize> {
    let bits = value.to_bits();
    let mantissa = bits & MANTISSA;
    let exponent = (bits >> 52) as i32 - BIAS;
    // A bucket does not include its lower bound, but its upper one.
    let above = BOUNDS.partition_point(|bound| *bound < mantissa) as i32;
    let place = (exponent - LOWEST) * OF_OCTAVE as i32 + above - 1;
    usize::try_from(place).ok().map(|place| place.min(BUCKETS - 1))
}

impl Buckets {
    /// What is there of all of them.
    fn of(all: &[u64]) -> Self {
        let Some(first) = all.iter().position(|count| *count > 0) else { return Self::default() };
        let last = all.iter().rposition(|count| *count > 0).unwrap_or(first);
        let counts = all.get(first..=last).unwrap_or_default().to_vec();
        Self { offset: LOWEST * OF_OCTAVE as i32 + first as i32, counts }
    }

    /// What was added since.
    fn since(&self, earlier: &Self) -> Self {
        let before = |index: i32| {
            let place = usize::try_from(index - earlier.offset).ok();
            place.and_then(|place| earlier.counts.get(place)).copied().unwrap_or(0)
        };
        let counts = self.counts.iter().zip(self.offset..);
        let counts = counts.map(|(count, index)| count.saturating_sub(before(index))).collect();
        Self { offset: self.offset, counts }
    }

    /// With half as many buckets: each has what two had.
    fn halved(&self) -> Self {
        let offset = self.offset >> 1;
        let mut counts = vec![0; (self.counts.len() + 2) / 2];
        for (count, index) in self.counts.iter().zip(self.offset..) {
            if let Some(merged) =
                usize::try_from((index >> 1) - offset).ok().and_then(|place| counts.get_mut(place))
            {
                *merged += count;
            }
        }
        while counts.last() == Some(&0) {
            counts.pop();
        }
        Self { offset: if counts.is_empty() { 0 } else { offset }, counts }
    }
}

impl Spread {
    pub(super) fn count(&self) -> u64 {
        self.zero + self.positive.counts.iter().chain(&self.negative.counts).sum::<u64>()
    }

    /// What was added since; both are as they were counted.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            scale: self.scale,
            zero: self.zero.saturating_sub(earlier.zero),
            positive: self.positive.since(&earlier.positive),
            negative: self.negative.since(&earlier.negative),
        }
    }

    /// With so wide buckets that there are few.
    pub(super) fn with_few_buckets(mut self) -> Self {
        while self.positive.counts.len().max(self.negative.counts.len()) > MOST {
            let (positive, negative) = (self.positive.halved(), self.negative.halved());
            self = Self { scale: self.scale - 1, positive, negative, ..self };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[f64]) -> Spread {
        let exponential = Exponential::new();
        values.iter().for_each(|value| exponential.count(*value, 1));
        exponential.read()
    }

    /// The bounds of the bucket of this index, the upper one within it.
    fn bounds(scale: i32, index: i32) -> (f64, f64) {
        let bound = |index: i32| (f64::from(index) * (-f64::from(scale)).exp2()).exp2();
        (bound(index), bound(index + 1))
    }

    #[test]
    fn a_power_of_two_is_in_the_bucket_below_it() {
        for (value, index) in [(1.0, -1), (1.000_001, 0), (2.0, 7), (0.5, -9), (0.25, -17), (8.0, 23)] {
            assert_eq!(read(&[value]).positive, Buckets { offset: index, counts: vec![1] }, "{value}");
        }
    }

    #[test]
    fn what_is_as_good_as_zero_is_zero_and_what_is_below_has_buckets_of_its_own() {
        let spread = read(&[0.0, -0.0, ZERO, 1e-300, f64::MIN_POSITIVE / 2.0, -1e-30, -1.0, -1.0, 1.0]);
        assert_eq!((spread.zero, spread.count()), (6, 9));
        assert_eq!(spread.negative, Buckets { offset: -1, counts: vec![2] });
        assert_eq!(spread.positive, Buckets { offset: -1, counts: vec![1] });
        assert_eq!(read(&[1e300]).positive.offset, 40 * 8 - 1);
    }

    proptest! {
        #[test]
        fn every_value_is_between_the_bounds_of_its_bucket(value in 1e-7_f64..1e12) {
            let spread = read(&[value]);
            let (lower, upper) = bounds(SCALE, spread.positive.offset);
            // The bounds here are wrong in their last digits.
            prop_assert!(lower * (1.0 - 1e-12) < value && value <= upper * (1.0 + 1e-12), "{lower} {value} {upper}");
        }

        #[test]
        fn merged_buckets_count_the_same_between_wider_bounds(
            values in proptest::collection::vec(1e-6_f64..1e10, 1..200),
        ) {
            let spread = read(&values).with_few_buckets();
            prop_assert!(spread.positive.counts.len() <= MOST);
            prop_assert_eq!(spread.count(), values.len() as u64);
            for (count, index) in spread.positive.counts.iter().zip(spread.positive.offset..) {
                let (lower, upper) = bounds(spread.scale, index);
                let expected = values.iter().filter(|value| lower < **value && **value <= upper).count();
                prop_assert_eq!(*count, expected as u64);
            }
        }

        #[test]
        fn what_was_added_since_is_what_was_added(
            first in proptest::collection::vec(-1e3_f64..1e3, 0..50),
            second in proptest::collection::vec(-1e3_f64..1e3, 1..50),
        ) {
            let earlier = read(&first);
            let both = read(&[first, second.clone()].concat());
            let (added, expected) = (both.since(&earlier), read(&second));
            prop_assert_eq!((added.zero, added.count()), (expected.zero, expected.count()));
            for (count, index) in expected.positive.counts.iter().zip(expected.positive.offset..) {
                prop_assert_eq!(added.positive.counts[(index - added.positive.offset) as usize], *count);
            }
        }
    }
}

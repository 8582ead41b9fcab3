//! How many reports of one fingerprint leave: a flood of the same error is a few reports and a number.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Moment;
use crate::threads::lock;

/// So many reports of one fingerprint leave in a [`WINDOW`].
pub(super) const MOST: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// So many fingerprints are told apart; those beyond share one budget.
const FINGERPRINTS: usize = 1_024;

/// The budgets of all fingerprints.
#[derive(Debug, Default)]
pub(super) struct Budget {
    of: Mutex<HashMap<u64, Spent>>,
    left_out: AtomicU64,
    said: Mutex<Said>,
}

#[derive(Clone, Copy, Debug)]
struct Spent {
    since: Moment,
    count: u32,
    /// How many were left out since one left.
    left_out: u64,
}

/// What was said of those that were left out.
#[derive(Debug, Default)]
struct Said {
    count: u64,
    at: Option<Moment>,
}

/// What stands for the fingerprints beyond [`FINGERPRINTS`].
const OTHERS: u64 = 0;

impl Budget {
    /// May a report of this fingerprint leave? How many were left out before it, if it may.
    pub(super) fn spend(&self, fingerprint: u64, now: Moment) -> Option<u64> {
        let mut of = lock(&self.of);
        let mut key = fingerprint;
        if of.len() >= FINGERPRINTS && !of.contains_key(&key) {
            of.retain(|_, spent| now.since(spent.since) < WINDOW);
            if of.len() >= FINGERPRINTS {
                key = OTHERS;
            }
        }
        let spent = of.entry(key).or_insert(Spent { since: now, count: 0, left_out: 0 });
        if now.since(spent.since) >= WINDOW {
            (spent.since, spent.count) = (now, 0);
        }
        if spent.count >= MOST {
            spent.left_out += 1;
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        spent.count += 1;
        Some(std::mem::take(&mut spent.left_out))
    }

    /// How many were left out.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// How many were left out that were not told yet, at most once in a [`WINDOW`].
    pub(super) fn to_say(&self, now: Moment) -> Option<u64> {
        let count = self.left_out();
        let mut said = lock(&self.said);
        let is_due = said.at.is_none_or(|at| now.since(at) >= WINDOW);
        (is_due && count > said.count).then(|| {
            said.at = Some(now);
            count - std::mem::replace(&mut said.count, count)
        })
    }

    /// Was something left out that was not told yet?
    pub(super) fn has_to_say(&self) -> bool {
        self.left_out() > lock(&self.said).count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(now: Moment, seconds: u64) -> Moment {
        now.after_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_flood_of_one_fingerprint_is_a_few_reports_and_a_number() {
        let (budget, now) = (Budget::default(), Moment::now());
        let left = (0..1_000).filter(|_| budget.spend(1, now).is_some()).count();
        assert_eq!((left, budget.left_out()), (MOST as usize, 990));
        assert_eq!(budget.spend(2, now), Some(0), "another error has its own budget");
        assert_eq!(budget.spend(1, later(now, 61)), Some(990), "the next one says how many were left out");
        assert_eq!(budget.spend(1, later(now, 62)), Some(0));
    }

    #[test]
    fn what_was_left_out_is_said_once_a_minute() {
        let (budget, now) = (Budget::default(), Moment::now());
        assert_eq!((0..MOST + 5).filter_map(|_| budget.spend(1, now)).count(), MOST as usize);
        assert_eq!(budget.to_say(now), Some(5));
        budget.spend(1, now);
        assert_eq!((budget.to_say(now), budget.has_to_say()), (None, true));
        assert_eq!(budget.to_say(later(now, 61)), Some(1));
        assert!(!budget.has_to_say());
    }

    #[test]
    fn fingerprints_that_never_come_again_do_not_grow_the_memory() {
        let (budget, now) = (Budget::default(), Moment::now());
        assert!((1..=5_000).filter_map(|fingerprint| budget.spend(fingerprint, now)).count() > FINGERPRINTS);
        assert!(lock(&budget.of).len() <= FINGERPRINTS + 1);
        assert_eq!(budget.spend(9_999, later(now, 61)), Some(0), "room is made of what is over");
        assert!(lock(&budget.of).len() <= 2);
    }
}

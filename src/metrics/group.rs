//! One family's series: each label set once, bounded, the rest gathered in one overflow series.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use super::label::OVERFLOW;

/// Maximum number of label sets of one family, the specification's default.
pub(super) const MOST_SERIES: usize = 2_000;
// The same labels in another order are another key of the facade; their memory is bounded as well.
const MOST_KEYS: usize = 4 * MOST_SERIES;
// How many series leave the family at once.
const FEW: usize = 16;

/// The series of one family, by their label text: that is also their order on the page.
#[derive(Debug)]
pub(super) struct Group<I>(Mutex<Held<I>>);

#[derive(Debug)]
struct Held<I> {
    series: BTreeMap<Arc<str>, Arc<I>>,
    keys: usize,
}

/// Some series of one family, with their labels.
pub(super) type Few<I> = SmallVec<[(Arc<str>, Arc<I>); FEW]>;

/// What a key of the facade became.
#[derive(Debug)]
pub(super) struct Placed<I> {
    pub(super) instrument: Arc<I>,
    /// May the facade's key be remembered? Not for the overflow: its keys are without bound.
    pub(super) remember: bool,
    pub(super) overflowed: bool,
}

impl<I> Default for Group<I> {
    fn default() -> Self {
        Self(Mutex::new(Held { series: BTreeMap::new(), keys: 0 }))
    }
}

impl<I> Group<I> {
    fn lock(&self) -> MutexGuard<'_, Held<I>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series of these labels, made by `make` if it is new and there is room.
    pub(super) fn place(&self, labels: String, make: impl Fn() -> I) -> Placed<I> {
        let mut held = self.lock();
        held.keys = held.keys.saturating_add(1);
        let remember = held.keys <= MOST_KEYS;
        if let Some(known) = held.series.get(labels.as_str()) {
            return Placed { instrument: Arc::clone(known), remember, overflowed: false };
        }
        let overflow = held.series.contains_key(OVERFLOW);
        let full = held.series.len() - usize::from(overflow) >= MOST_SERIES && labels != OVERFLOW;
        let labels = if full { OVERFLOW.into() } else { labels.into() };
        let instrument = held.series.entry(labels).or_insert_with(|| Arc::new(make()));
        Placed { instrument: Arc::clone(instrument), remember: remember && !full, overflowed: full }
    }

    /// The next few series, in order, after these labels or from the first; empty after the last one. The family is
    /// locked for the copying of so many references only.
    pub(super) fn after(&self, labels: Option<&str>) -> Few<I> {
        let start = labels.map_or(Bound::Unbounded, Bound::Excluded);
        let held = self.lock();
        let next = held.series.range::<str, _>((start, Bound::Unbounded)).take(FEW);
        next.map(|(labels, instrument)| (Arc::clone(labels), Arc::clone(instrument))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(group: &Group<u8>) -> Vec<Arc<str>> {
        let (mut all, mut last) = (Vec::new(), None::<Arc<str>>);
        loop {
            let few = group.after(last.as_deref());
            let Some((labels, _)) = few.last() else { return all };
            last = Some(Arc::clone(labels));
            all.extend(few.into_iter().map(|(labels, _)| labels));
        }
    }

    #[test]
    fn series_leave_in_order_each_once_and_new_ones_beyond_the_last_follow() {
        let group = Group::<u8>::default();
        let place = |n: usize| group.place(format!("n=\"{n:03}\""), || 0);
        (0..FEW).for_each(|n| drop(place(2 * n)));
        let few = group.after(None);
        assert_eq!(few.len(), FEW);
        let last = few.last().map(|(labels, _)| Arc::clone(labels));
        assert!(group.after(last.as_deref()).is_empty());
        place(1);
        place(999);
        let rest: Vec<_> = group.after(last.as_deref()).into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(rest.iter().map(|labels| &**labels).collect::<Vec<_>>(), ["n=\"999\""]);
        assert!(all(&group).is_sorted() && all(&group).len() == FEW + 2);
    }

    #[test]
    fn beyond_the_limit_everything_is_one_overflow_series() {
        let group = Group::<u8>::default();
        let placed: Vec<_> = (0..MOST_SERIES + 5).map(|n| group.place(format!("n=\"{n}\""), || 0)).collect();
        assert_eq!(placed.iter().filter(|placed| placed.overflowed).count(), 5);
        assert!(placed.iter().all(|placed| placed.remember != placed.overflowed));
        assert_eq!(all(&group).len(), MOST_SERIES + 1);
        assert!(!group.place("n=\"0\"".into(), || 0).overflowed);
        assert!(Arc::ptr_eq(&group.place(OVERFLOW.into(), || 0).instrument, &placed[MOST_SERIES].instrument));
    }
}

//! Owns one family's series: each label set once, bounded, the rest gathered in one overflow series.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::label::OVERFLOW;

/// How many label sets one family tells apart, the specification's default.
pub(super) const MOST_SERIES: usize = 2_000;
// The same labels in another order are another key of the facade; their memory is bounded as well.
const MOST_KEYS: usize = 4 * MOST_SERIES;

/// The series of one family, by their label text: that is also their order on the page.
#[derive(Debug)]
pub(super) struct Group<I>(Mutex<Held<I>>);

#[derive(Debug)]
struct Held<I> {
    series: BTreeMap<Arc<str>, Arc<I>>,
    keys: usize,
}

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

    /// All series as they are now, in order; the family is locked for the copying of references only.
    pub(super) fn series(&self) -> Vec<(Arc<str>, Arc<I>)> {
        self.lock()
            .series
            .iter()
            .map(|(labels, instrument)| (Arc::clone(labels), Arc::clone(instrument)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_everything_is_one_overflow_series() {
        let group = Group::<u8>::default();
        let placed: Vec<_> = (0..MOST_SERIES + 5).map(|n| group.place(format!("n=\"{n}\""), || 0)).collect();
        assert_eq!(placed.iter().filter(|placed| placed.overflowed).count(), 5);
        assert!(placed.iter().all(|placed| placed.remember != placed.overflowed));
        assert_eq!(group.series().len(), MOST_SERIES + 1);
        assert!(!group.place("n=\"0\"".into(), || 0).overflowed);
        assert!(Arc::ptr_eq(&group.place(OVERFLOW.into(), || 0).instrument, &placed[MOST_SERIES].instrument));
    }
}

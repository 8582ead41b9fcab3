//! The lookup of a label set's handle: its facts packed into one number, an open table without locks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::metrics::Label;

use super::facade::{Durations, Keeper};
use crate::names::label;
use crate::threads::complain;

/// How many label sets one metric tells apart, the specification's default.
pub(super) const MOST: usize = 2_000;
// Twice the series, so that a search stays short.
const BITS: u32 = 12;
const SLOTS: usize = 1 << BITS;

/// One metric's handles.
pub(super) struct Table {
    name: &'static str,
    // Made at the first hop: most services have no client, or no jobs.
    slots: OnceLock<Box<[Slot]>>,
    used: AtomicUsize,
    overflow: OnceLock<Durations>,
}

/// A packed label set and its handle.
type Slot = OnceLock<(u64, Durations)>;

/// Where the search for a key begins.
fn place_of(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BITS)) as usize
}

impl Table {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, slots: OnceLock::new(), used: AtomicUsize::new(0), overflow: OnceLock::new() }
    }

    /// The handle of these facts; the first time, `labels` says them. Beyond the limit all share one series.
    pub(super) fn get(&self, key: u64, keeper: Keeper, labels: impl Fn() -> Vec<Label>) -> &Durations {
        for slot in self.slots(key) {
            let known = match slot.get() {
                Some(known) => known,
                None if self.used.load(Ordering::Relaxed) >= MOST => break,
                None => slot.get_or_init(|| {
                    self.used.fetch_add(1, Ordering::Relaxed);
                    (key, keeper.durations(self.name, labels()))
                }),
            };
            if known.0 == key {
                return &known.1;
            }
        }
        self.overflow(keeper)
    }

    /// The handle of these facts, if they were seen before.
    pub(super) fn find(&self, key: u64) -> Option<&Durations> {
        // Nearly always it is the first one looked at, which costs no search.
        let first = self.slots.get()?.get(place_of(key))?.get()?;
        let is_it = |known: &&(u64, Durations)| known.0 == key;
        let known = Some(first).filter(is_it);
        known.or_else(|| self.slots(key).map_while(OnceLock::get).find(is_it)).map(|known| &known.1)
    }

    /// All slots, in the order in which this key is searched.
    fn slots(&self, key: u64) -> impl Iterator<Item = &Slot> {
        let slots = self.slots.get_or_init(|| (0..SLOTS).map(|_| OnceLock::new()).collect());
        let (before, from) = slots.split_at(place_of(key).min(slots.len()));
        from.iter().chain(before)
    }

    fn overflow(&self, keeper: Keeper) -> &Durations {
        self.overflow.get_or_init(|| {
            complain(format_args!(
                "{} has {MOST} label sets; the further ones are one series, otel_metric_overflow",
                self.name
            ));
            let labels = vec![Label::from_static_parts(label::OTEL_METRIC_OVERFLOW, "true")];
            keeper.durations(self.name, labels)
        })
    }
}

//! The limit of each place in the code: how many lines it wrote within this second, and how many it has not.
//!
//! A table of fixed size, found by the address of the place's metadata, without a lock: an event below the limit
//! costs one addition that it shares with the events of the same place only.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tracing::{Event, Level, Metadata};
use tracing_log::NormalizeEvent as _;

use crate::account::Tally;
use crate::clock::tick;

/// The places of one process.
#[derive(Debug)]
pub(in crate::logs) struct Sites {
    limit: u32,
    slots: Box<[Slot]>,
    /// Something was left out that nobody was told of.
    untold: AtomicBool,
    left_out: Tally,
}

/// One place's account.
#[derive(Debug, Default)]
struct Slot {
    /// Which place; 0 if none. An address is even, what stands for a record of the `log` crate is odd.
    key: AtomicUsize,
    /// The second in the upper half, the events within it in the lower.
    window: AtomicU64,
    untold: AtomicU64,
    site: OnceLock<Site>,
}

/// A place in the code that writes lines.
#[derive(Debug)]
pub(in crate::logs) struct Site {
    pub(in crate::logs) level: Level,
    pub(in crate::logs) target: Cow<'static, str>,
    pub(in crate::logs) origin: Option<(Cow<'static, str>, u32)>,
}

/// A power of two. A program has a few hundred places that write at all.
const SLOTS: usize = 2_048;
/// How many slots are looked at. What finds none has no limit: that needs thousands of places.
const PROBES: usize = 16;

impl Sites {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            untold: AtomicBool::new(false),
            left_out: Tally::default(),
        }
    }

    /// May this event have its line? If not, it is counted.
    #[inline]
    pub(super) fn admit(&self, event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        let slot = if metadata.target() == "log" {
            self.slot_of_record(event)
        } else {
            self.slot(ptr::from_ref(metadata).addr(), || Site::of(metadata))
        };
        let Some(slot) = slot else { return true };
        slot.admits(tick(), self.limit) || self.leave_out(slot)
    }

    /// A record of the `log` crate: all of a level come with the same metadata, what tells them apart is in their
    /// fields.
    #[cold]
    fn slot_of_record(&self, event: &Event<'_>) -> Option<&Slot> {
        let metadata = event.normalized_metadata()?;
        let mut hasher = DefaultHasher::new();
        (metadata.target(), metadata.file(), metadata.line(), metadata.level().as_str()).hash(&mut hasher);
        self.slot(hasher.finish() as usize | 1, || Site::copy(&metadata))
    }

    #[inline]
    fn slot(&self, key: usize, site: impl Fn() -> Site) -> Option<&Slot> {
        let first = place_of(key);
        let slots = (first..first + PROBES).map_while(|place| self.slots.get(place % SLOTS));
        for slot in slots {
            match slot.key.load(Ordering::Relaxed) {
                found if found == key => return Some(slot),
                0 if slot.take(key, &site) => return Some(slot),
                0 => return self.slot_again(key),
                _ => {}
            }
        }
        None
    }

    /// Somebody took the free slot meanwhile: for the same place, most likely. If not, this one event has no limit.
    #[cold]
    fn slot_again(&self, key: usize) -> Option<&Slot> {
        let first = place_of(key);
        let mut slots = (first..first + PROBES).map_while(|place| self.slots.get(place % SLOTS));
        slots.find(|slot| slot.key.load(Ordering::Relaxed) == key)
    }

    #[cold]
    fn leave_out(&self, slot: &Slot) -> bool {
        self.left_out.one();
        slot.untold.fetch_add(1, Ordering::Relaxed);
        if !self.untold.load(Ordering::Relaxed) {
            self.untold.store(true, Ordering::Release);
        }
        false
    }

    /// Tells of each place what was left out since this was last asked.
    pub(super) fn tell(&self, mut say: impl FnMut(&Site, u64, u32)) {
        if !self.untold.swap(false, Ordering::AcqRel) {
            return;
        }
        for slot in &self.slots {
            let Some(site) = slot.site.get() else { continue };
            let count = slot.untold.swap(0, Ordering::Relaxed);
            if count > 0 {
                say(site, count, self.limit);
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.left_out.count()
    }
}

/// Where the search begins: the upper bits of a product, which depend on all bits of the key.
#[inline]
fn place_of(key: usize) -> usize {
    const BITS: u32 = SLOTS.trailing_zeros();
    ((key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

impl Slot {
    /// Takes the slot for a place; false if somebody else was faster.
    #[cold]
    fn take(&self, key: usize, site: &impl Fn() -> Site) -> bool {
        let taken = self.key.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if taken {
            let _ = self.site.set(site());
        }
        taken
    }

    /// Counts an event of this second; false if there were enough.
    #[inline]
    fn admits(&self, second: u64, limit: u32) -> bool {
        let seen = self.window.fetch_add(1, Ordering::Relaxed);
        // Another thread may have seen the next second begin: then this counts in that one.
        let seen = if seen >> 32 < second { self.begin(second) } else { seen };
        (seen as u32) < limit
    }

    /// A second begins; says how many events were in it before this one.
    #[cold]
    fn begin(&self, second: u64) -> u64 {
        let begun = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| {
            (window >> 32 < second).then_some(second << 32 | 1)
        });
        if begun.is_ok() { 0 } else { self.window.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Site {
    fn of(metadata: &'static Metadata<'static>) -> Self {
        let origin = metadata.file().zip(metadata.line());
        Self {
            level: *metadata.level(),
            target: Cow::Borrowed(metadata.target()),
            origin: origin.map(|(file, line)| (Cow::Borrowed(file), line)),
        }
    }

    fn copy(metadata: &Metadata<'_>) -> Self {
        let origin = metadata.file().zip(metadata.line());
        Self {
            level: *metadata.level(),
            target: Cow::Owned(metadata.target().to_owned()),
            origin: origin.map(|(file, line)| (Cow::Owned(file.to_owned()), line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_own_events_and_an_earlier_reading_counts_in_the_later_one() {
        let slot = Slot::default();
        let admitted = |second| (0..5).filter(|_| slot.admits(second, 3)).count();
        assert_eq!([admitted(0), admitted(0), admitted(7), admitted(6), admitted(8)], [3, 0, 3, 0, 3]);
    }

    #[test]
    fn a_place_keeps_its_slot_and_a_full_neighbourhood_has_no_limit() {
        let sites = Sites::new(1);
        let site = || Site { level: Level::INFO, target: "somewhere".into(), origin: None };
        // All of these begin at the same slot.
        let same: Vec<usize> =
            (1..).map(|n| n * 2).filter(|key| place_of(*key) == SLOTS - 1).take(PROBES + 1).collect();
        let found: Vec<_> = same.iter().map(|key| sites.slot(*key, site).map(ptr::from_ref)).collect();
        assert!(found[..PROBES].iter().all(Option::is_some));
        assert_eq!(found[PROBES], None);
        let again: Vec<_> = same.iter().map(|key| sites.slot(*key, site).map(ptr::from_ref)).collect();
        assert_eq!(found, again);
    }

    #[test]
    fn threads_at_one_place_share_its_limit() {
        let slot = Slot::default();
        let admitted: usize = std::thread::scope(|scope| {
            let admitted = |_| scope.spawn(|| (0..1_000).filter(|_| slot.admits(4, 500)).count());
            let threads: Vec<_> = (0..4).map(admitted).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        // Who counted before the second began has counted for nothing.
        assert!((500..=503).contains(&admitted), "{admitted}");
    }
}

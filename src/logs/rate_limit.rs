//! The rate limit of each call site: how many lines one `tracing` or `log` macro may write within a second.
//!
//! A table of fixed size, found by the address of the call site's metadata, without a lock: an event below the limit
//! costs one addition that it shares with the events of the same call site only.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tracing::{Event, Level, Metadata};
use tracing_log::NormalizeEvent as _;

use crate::account::Tally;
use crate::clock::tick;
use crate::record::is_log_record;

/// The call sites of one process.
#[derive(Debug)]
pub(super) struct RateLimit {
    limit: u32,
    slots: Box<[Slot]>,
    /// Something was left out that was not reported yet.
    unreported: AtomicBool,
    left_out: Tally,
}

/// One call site's account.
#[derive(Debug, Default)]
struct Slot {
    /// Which call site; 0 if none. An address is even, what stands for a record of the `log` crate is odd.
    key: AtomicUsize,
    /// The second in the upper half, the events within it in the lower.
    window: AtomicU64,
    unreported: AtomicU64,
    site: OnceLock<CallSite>,
}

/// A place in the code that writes lines.
#[derive(Debug)]
pub(super) struct CallSite {
    pub(super) level: Level,
    pub(super) target: Cow<'static, str>,
    pub(super) origin: Option<(Cow<'static, str>, u32)>,
}

/// A power of two. A program has a few hundred call sites that write at all.
const SLOTS: usize = 2_048;
/// How many slots are looked at. What finds none has no limit: that needs thousands of call sites.
const PROBES: usize = 16;

impl RateLimit {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            unreported: AtomicBool::new(false),
            left_out: Tally::default(),
        }
    }

    /// May this event have its line? If not, it is counted.
    #[inline]
    pub(super) fn admits(&self, event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        let slot = if is_log_record(event) {
            self.slot_of_record(event)
        } else {
            self.slot(ptr::from_ref(metadata).addr(), || CallSite::of(metadata))
        };
        let Some(slot) = slot else { return true };
        slot.admits(tick(), self.limit) || self.leave_out(slot)
    }

    /// A record of the `log` crate: all of a level share their metadata; what distinguishes them is in their
    /// fields.
    #[cold]
    fn slot_of_record(&self, event: &Event<'_>) -> Option<&Slot> {
        let metadata = event.normalized_metadata()?;
        let mut hasher = DefaultHasher::new();
        (metadata.target(), metadata.file(), metadata.line(), metadata.level().as_str()).hash(&mut hasher);
        self.slot(hasher.finish() as usize | 1, || CallSite::copy(&metadata))
    }

    #[inline]
    fn slot(&self, key: usize, site: impl Fn() -> CallSite) -> Option<&Slot> {
        let first = first_slot(key);
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

    /// Another thread took the free slot meanwhile: for the same call site, most likely. If not, this one event has no limit.
    #[cold]
    fn slot_again(&self, key: usize) -> Option<&Slot> {
        let first = first_slot(key);
        let mut slots = (first..first + PROBES).map_while(|place| self.slots.get(place % SLOTS));
        slots.find(|slot| slot.key.load(Ordering::Relaxed) == key)
    }

    #[cold]
    fn leave_out(&self, slot: &Slot) -> bool {
        self.left_out.one();
        slot.unreported.fetch_add(1, Ordering::Relaxed);
        if !self.unreported.load(Ordering::Relaxed) {
            self.unreported.store(true, Ordering::Release);
        }
        false
    }

    /// Hands out each call site whose lines were left out since this was last called.
    pub(super) fn report(&self, mut report: impl FnMut(&CallSite, u64, u32)) {
        if !self.unreported.swap(false, Ordering::AcqRel) {
            return;
        }
        for slot in &self.slots {
            let Some(site) = slot.site.get() else { continue };
            let count = slot.unreported.swap(0, Ordering::Relaxed);
            if count > 0 {
                report(site, count, self.limit);
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.left_out.count()
    }
}

/// Where the search begins: the upper bits of a product, which depend on all bits of the key.
#[inline]
fn first_slot(key: usize) -> usize {
    const BITS: u32 = SLOTS.trailing_zeros();
    ((key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

impl Slot {
    /// Takes the slot for a call site; false if another thread was faster.
    #[cold]
    fn take(&self, key: usize, site: &impl Fn() -> CallSite) -> bool {
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

impl CallSite {
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
        let sites = RateLimit::new(1);
        let site = || CallSite { level: Level::INFO, target: "somewhere".into(), origin: None };
        // All of these begin at the same slot.
        let same: Vec<usize> =
            (1..).map(|n| n * 2).filter(|key| first_slot(*key) == SLOTS - 1).take(PROBES + 1).collect();
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
        // What was counted before the second began is lost.
        assert!((500..=503).contains(&admitted), "{admitted}");
    }
}

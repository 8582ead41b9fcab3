//! Why a trace that the sampler left out is kept after all.

use std::sync::atomic::{AtomicU8, Ordering};

/// The reason, as `observability.kept` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeepReason {
    /// A request, call or job failed.
    Error,
    /// One panicked.
    Panic,
    /// One took longer than its threshold.
    Slow,
    /// An ERROR event happened in it.
    ErrorEvent,
    /// `request::keep` was called.
    Requested,
    /// Its route had not been answered like this for a while.
    Rare,
    /// Another service of the trace keeps it.
    Peer,
    /// Its route is observed in detail for a while.
    Detailed,
}

/// Whether one hop can be kept, and why it is: the first reason counts.
#[derive(Debug, Default)]
pub(crate) struct Kept(AtomicU8);

/// It is not held: nothing keeps it.
const NOT_HELD: u8 = 0;
/// It is held until its trace turns out to matter. The reasons follow.
const HELD: u8 = 1;

impl KeepReason {
    pub(crate) const ALL: [Self; 8] = [
        Self::Error,
        Self::Panic,
        Self::Slow,
        Self::ErrorEvent,
        Self::Requested,
        Self::Rare,
        Self::Peer,
        Self::Detailed,
    ];

    /// The word in spans and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Slow => "slow",
            Self::ErrorEvent => "error_event",
            Self::Requested => "requested",
            Self::Rare => "rare",
            Self::Peer => "peer",
            Self::Detailed => "detailed",
        }
    }

    /// Its place among all, for counters.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl Kept {
    /// That of a hop which is held.
    pub(crate) fn held() -> Self {
        Self(AtomicU8::new(HELD))
    }

    /// Is the hop held, kept or not?
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NOT_HELD
    }

    /// Sets the reason; false if there was one before, or the hop is not held.
    pub(crate) fn set(&self, reason: KeepReason) -> bool {
        let code = HELD + 1 + reason as u8;
        self.0.compare_exchange(HELD, code, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Sets the reason of a hop that nothing else keeps, held or not.
    #[cold]
    pub(crate) fn set_unheld(&self, reason: KeepReason) {
        if !self.set(reason) {
            let code = HELD + 1 + reason as u8;
            let _ = self.0.compare_exchange(NOT_HELD, code, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// The reason; `None` while the hop is not kept.
    #[inline]
    pub(crate) fn reason(&self) -> Option<KeepReason> {
        let code = self.0.load(Ordering::Relaxed);
        code.checked_sub(HELD + 1).and_then(|place| KeepReason::ALL.get(usize::from(place)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts_and_each_has_its_own_place_and_word() {
        for (place, reason) in KeepReason::ALL.into_iter().enumerate() {
            let kept = Kept::held();
            assert_eq!((kept.reason(), kept.is_held()), (None, true));
            assert!(kept.set(reason));
            assert!(!kept.set(KeepReason::Peer));
            assert_eq!((kept.reason(), reason.index()), (Some(reason), place));
            assert_eq!(KeepReason::ALL.iter().filter(|one| one.as_str() == reason.as_str()).count(), 1);
            let sampled_or_off = Kept::default();
            assert!(!sampled_or_off.set(reason) && sampled_or_off.reason().is_none());
        }
    }
}

//! The account of what the metrics themselves refused, by reason; each reason is said once.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::threads::{Once, complain};

/// Why something did not become what the user meant; the value of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A label set beyond the family's limit: gathered in the overflow series.
    Overflow,
    /// A name that another type has already.
    NameClash,
    /// A name beyond the limit of families.
    Families,
    /// A value that is not a number, or infinite, in a histogram.
    NotFinite,
}

const REASONS: [Reason; 4] = [Reason::Overflow, Reason::NameClash, Reason::Families, Reason::NotFinite];

/// The account.
#[derive(Debug, Default)]
pub(super) struct Refused {
    counts: [(AtomicU64, Once); REASONS.len()],
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::NameClash => "name_clash",
            Self::Families => "too_many_families",
            Self::NotFinite => "not_finite",
        }
    }
}

impl Refused {
    /// Counts one, and says the first of its reason.
    pub(super) fn count(&self, reason: Reason, message: fmt::Arguments<'_>) {
        let Some((count, said)) = self.counts.get(reason as usize) else { return };
        count.fetch_add(1, Ordering::Relaxed);
        if said.first() {
            complain(message);
        }
    }

    /// Each reason with its count, also those at zero.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS
            .iter()
            .zip(&self.counts)
            .map(|(reason, (count, _))| (reason.as_str(), count.load(Ordering::Relaxed)))
    }
}

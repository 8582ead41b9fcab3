//! The account of what the metrics themselves refused, by reason. Each reason is reported once, and of names each name.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::source::Samples;
use crate::names::{label, metric};
use crate::threads::{Once, complain};

/// Why something did not become what the user meant; the value of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A label set beyond the family's limit: gathered in the overflow series.
    Overflow,
    /// A name that another type has already, or that is one of this crate's.
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
    // The names that were reported.
    names: Mutex<HashSet<String>>,
}

/// The most names that are reported: names made of an id would never end.
const MOST_NAMES: usize = 32;

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
    /// Counts one, and reports the first of its reason.
    pub(super) fn count(&self, reason: Reason, message: fmt::Arguments<'_>) {
        let Some((count, said)) = self.counts.get(reason as usize) else { return };
        count.fetch_add(1, Ordering::Relaxed);
        if said.first() {
            complain(message);
        }
    }

    /// Counts a name that could not be taken, and reports each name once.
    pub(super) fn name(&self, name: &str, message: fmt::Arguments<'_>) {
        if let Some((count, _)) = self.counts.get(Reason::NameClash as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < MOST_NAMES && !names.contains(name) {
            names.insert(name.to_owned());
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

    pub(super) fn show(&self, samples: &mut Samples) {
        let asked = samples.family(metric::OBSERVABILITY_METRICS_REFUSED);
        for (reason, count) in self.counts() {
            asked.sample(&[(label::REASON, reason)], count as f64);
        }
    }
}

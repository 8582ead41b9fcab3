//! One metric's series: the handle of each label set, registered when it is first seen.

use std::hash::Hash;
use std::sync::OnceLock;

use ::metrics::Label;

use super::facade::{Durations, Keeper};
use crate::account::Table;
use crate::names::label;
use crate::threads::complain;

/// Maximum number of label sets of one metric, the specification's default.
const MOST: usize = 2_000;

/// The facts of a hop that are labels.
pub(super) trait LabelSet: Copy + Eq + Hash {
    fn labels(self) -> Vec<Label>;

    /// The set that the same hop would have had in its commonest failure, where `increase()` is asked for the first one:
    /// it sees a failure only if the series was there before, at zero.
    fn failed(self) -> Option<Self> {
        None
    }
}

pub(super) struct RedSeries<K> {
    name: &'static str,
    known: Table<K, Durations>,
    overflow: OnceLock<Durations>,
}

impl<K: LabelSet> RedSeries<K> {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, known: Table::new(MOST), overflow: OnceLock::new() }
    }

    /// The handle of this label set. Beyond the limit all share one series.
    pub(super) fn of(&self, labels: K, keeper: Keeper) -> &Durations {
        self.known.find(&labels).map_or_else(|| self.first(labels, keeper), |(_, durations)| durations)
    }

    #[cold]
    fn first(&self, labels: K, keeper: Keeper) -> &Durations {
        if let Some(failed) = labels.failed() {
            self.add(failed, keeper);
        }
        self.add(labels, keeper).unwrap_or_else(|| self.overflow(keeper))
    }

    fn add(&self, labels: K, keeper: Keeper) -> Option<&Durations> {
        let make = || (labels, keeper.durations(self.name, labels.labels()));
        self.known.find_or_add(&labels, make).map(|(_, durations)| durations)
    }

    fn overflow(&self, keeper: Keeper) -> &Durations {
        self.overflow.get_or_init(|| {
            complain(format_args!(
                "{} has {MOST} label sets; further ones share one series, otel_metric_overflow",
                self.name
            ));
            let labels = vec![Label::from_static_parts(label::OTEL_METRIC_OVERFLOW, "true")];
            keeper.durations(self.name, labels)
        })
    }
}

//! A bounded memory of the messages that were processed: which ids there were of late, and the last version of each key.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;

use crate::context::TraceContext;
use crate::threads::lock;

/// What is remembered of the messages that this process has processed.
#[derive(Debug, Default)]
pub(crate) struct Order {
    hashes: RandomState,
    ids: Mutex<Generations<TraceContext>>,
    versions: Mutex<Generations<(u64, TraceContext)>>,
}

/// What the memory says of a message that begins to be processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// It was processed already, in this trace.
    pub(crate) duplicate_of: Option<TraceContext>,
    /// A newer version of its key was processed already, in this trace.
    pub(crate) newer: Option<(u64, TraceContext)>,
}

/// Two generations: when the young one is full, it becomes the old one, and what is in that one is forgotten.
#[derive(Debug)]
struct Generations<V> {
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
}

/// A generation holds so many: the last ten thousand are known in any case, twice as many at most.
const GENERATION: usize = 10_000;

impl<V> Default for Generations<V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<V: Copy> Generations<V> {
    fn get(&self, key: u64) -> Option<V> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    fn set(&mut self, key: u64, value: V) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

impl Order {
    /// What stands for this text of a destination.
    pub(crate) fn hash(&self, destination: &str, text: &str) -> u64 {
        self.hashes.hash_one((destination, text))
    }

    /// What is known of a message with this id, or of the key with this version.
    pub(crate) fn look(&self, id: Option<u64>, version: Option<(u64, u64)>) -> Verdict {
        let duplicate_of = id.and_then(|id| lock(&self.ids).get(id));
        let last = version.and_then(|(key, own)| Some((own, lock(&self.versions).get(key)?)));
        let newer = last.filter(|(own, (last, _))| last > own).map(|(_, last)| last);
        Verdict { duplicate_of, newer }
    }

    /// Remembers that it was processed, in this trace.
    pub(crate) fn processed(&self, id: Option<u64>, version: Option<(u64, u64)>, trace: TraceContext) {
        if let Some(id) = id {
            let mut ids = lock(&self.ids);
            // The first one stays the one to look at.
            if ids.get(id).is_none() {
                ids.set(id, trace);
            }
        }
        if let Some((key, own)) = version {
            let mut versions = lock(&self.versions);
            if versions.get(key).is_none_or(|(last, _)| last <= own) {
                versions.set(key, (own, trace));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Flags, SpanId, TraceId};

    fn trace() -> TraceContext {
        TraceContext::new(TraceId::random(), SpanId::random(), Flags::SAMPLED)
    }

    #[test]
    fn a_version_is_compared_with_the_newest_and_an_id_with_all_of_late() {
        let (order, first, second) = (Order::default(), trace(), trace());
        let key = order.hash("customers", "4711");
        order.processed(Some(1), Some((key, 5)), first);
        assert_eq!(order.look(Some(1), Some((key, 5))), Verdict { duplicate_of: Some(first), newer: None });
        assert_eq!(order.look(Some(2), Some((key, 4))).newer, Some((5, first)));
        order.processed(Some(2), Some((key, 4)), second);
        assert_eq!(order.look(None, Some((key, 4))).newer, Some((5, first)), "the newest stays");
        order.processed(Some(1), Some((key, 6)), second);
        assert_eq!(
            order.look(Some(1), Some((key, 5))),
            Verdict { duplicate_of: Some(first), newer: Some((6, second)) }
        );
        assert_ne!(key, order.hash("vehicles", "4711"));
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_the_last_ten_thousand() {
        let (order, one) = (Order::default(), trace());
        (0..50_000).for_each(|id| order.processed(Some(id), Some((id, 1)), one));
        let (ids, versions) = (lock(&order.ids), lock(&order.versions));
        assert!(ids.young.len() + ids.old.len() <= 2 * GENERATION);
        assert!(versions.young.len() + versions.old.len() <= 2 * GENERATION);
        drop((ids, versions));
        assert!((40_000..50_000).all(|id| order.look(Some(id), None).duplicate_of.is_some()));
        assert_eq!(order.look(Some(0), Some((0, 0))), Verdict::default());
    }
}

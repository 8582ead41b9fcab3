//! One copy of each resource, however often it is sent.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::model::{Resource, now};

/// Their number is bounded as well, since each new one is compared with all.
const MOST: usize = 1_000;

/// The copies. One that nothing uses any more is given up when there is no room for another.
#[derive(Debug)]
pub(crate) struct Resources {
    limit: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Each with the time at which it was last sent, in microseconds since 1970.
    all: Vec<(Arc<Resource>, i64)>,
    bytes: usize,
}

impl Resources {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, known: Mutex::default() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// All that are known, each with the time at which it was last sent.
    pub(crate) fn all(&self) -> Vec<(Arc<Resource>, i64)> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).all.clone()
    }

    /// The copy of this one; None if there is no room for it.
    pub(crate) fn intern(&self, resource: Resource) -> Option<Arc<Resource>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((found, last)) = known.all.iter_mut().find(|(found, _)| **found == resource) {
            *last = now();
            return Some(found.clone());
        }
        let bytes = resource.bytes();
        let has_room = |known: &Known| known.all.len() < MOST && known.bytes + bytes <= self.limit;
        if !has_room(&known) {
            known.all.retain(|(one, _)| Arc::strong_count(one) > 1);
            known.bytes = known.all.iter().map(|(one, _)| one.bytes()).sum();
        }
        has_room(&known).then(|| {
            let resource = Arc::new(resource);
            known.all.push((resource.clone(), now()));
            known.bytes += bytes;
            resource
        })
    }
}

#[cfg(test)]
#[test]
fn a_resource_is_held_once_and_given_up_when_nothing_uses_it() {
    let of = |name: &str| Resource { service: name.into(), ..Resource::default() };
    let resources = Resources::new(2 * of("a").bytes());
    let one = resources.intern(of("a")).unwrap();
    assert!(Arc::ptr_eq(&one, &resources.intern(of("a")).unwrap()));
    drop(resources.intern(of("b")));
    assert!(resources.intern(of("c")).is_some(), "nothing used b");
    let held = resources.intern(of("c"));
    assert!(resources.intern(of("d")).is_none(), "both are in use");
    assert_eq!(resources.bytes(), 2 * of("a").bytes());
    drop((one, held));
}

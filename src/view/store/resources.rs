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

    /// The copy of this one; if there is no room for it, it comes back.
    pub(super) fn intern(&self, resource: Resource) -> Result<Arc<Resource>, Resource> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((found, last)) = known.all.iter_mut().find(|(found, _)| **found == resource) {
            *last = now();
            return Ok(found.clone());
        }
        let bytes = resource.bytes();
        let has_room = |known: &Known| known.all.len() < MOST && known.bytes + bytes <= self.limit;
        if !has_room(&known) {
            known.all.retain(|(one, _)| Arc::strong_count(one) > 1);
            known.bytes = known.all.iter().map(|(one, _)| one.bytes()).sum();
        }
        if !has_room(&known) {
            return Err(resource);
        }
        let resource = Arc::new(resource);
        known.all.push((resource.clone(), now()));
        known.bytes += bytes;
        Ok(resource)
    }

    /// Those last heard longest ago, and not since this time, that have to go so that this one has room. A sixteenth of all
    /// at least, so that the next new one does not go through all that is held again. None if there is no room even then.
    pub(super) fn silent(&self, since: i64, resource: &Resource) -> Option<Vec<Arc<Resource>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<_> = known.all.iter().filter(|(_, last)| *last < since).collect();
        order.sort_by_key(|(_, last)| *last);
        let needed = (known.bytes + resource.bytes()).saturating_sub(self.limit);
        let (mut silent, mut bytes) = (Vec::new(), 0);
        for (one, _) in order {
            if bytes >= needed && silent.len() > known.all.len() / 16 {
                break;
            }
            bytes += one.bytes();
            silent.push(one.clone());
        }
        (bytes >= needed && !silent.is_empty()).then_some(silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Resource {
        Resource { service: name.into(), ..Resource::default() }
    }

    #[test]
    fn a_resource_is_held_once_and_given_up_when_nothing_uses_it() {
        let resources = Resources::new(2 * of("a").bytes());
        let one = resources.intern(of("a")).unwrap();
        assert!(Arc::ptr_eq(&one, &resources.intern(of("a")).unwrap()));
        drop(resources.intern(of("b")));
        assert!(resources.intern(of("c")).is_ok(), "nothing used b");
        let held = resources.intern(of("c"));
        assert!(resources.intern(of("d")).is_err(), "both are in use");
        assert_eq!(resources.bytes(), 2 * of("a").bytes());
        let silent = resources.silent(i64::MAX, &of("d")).unwrap();
        assert!(Arc::ptr_eq(&silent[0], &one) && silent.len() == 1, "{silent:?}");
        assert!(resources.silent(0, &of("d")).is_none(), "all were heard since");
        assert!(resources.silent(i64::MAX, &of(&"d".repeat(1_000))).is_none(), "larger than all the room");
        drop((one, held));
    }

    #[test]
    fn a_number_that_is_none_takes_one_place() {
        let value = super::super::super::model::Value::Float(f64::NAN);
        let attributes = super::super::super::model::Attributes([("x".into(), value)].into());
        let resources = Resources::new(1 << 20);
        let intern = || resources.intern(Resource { attributes: attributes.clone(), ..of("a") }).unwrap();
        assert!(Arc::ptr_eq(&intern(), &intern()));
    }
}

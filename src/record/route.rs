//! The routes that this process knows: each text once, forever, bounded.
//!
//! A route becomes a number, so that a request neither copies its text nor hashes it again for metrics. The
//! table never forgets, because the routes of a program are few; when it is fed with paths instead, it is
//! full at [`CAPACITY`] and everything further is one route named `_OTHER`.

use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

/// How many different routes, and client destinations, one process tells apart.
pub(crate) const CAPACITY: usize = 2_000;
const SLOTS: usize = 4_096;

/// A route of this process; two of the same text are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route(u16);

/// A route that becomes known once; a number beside the routes' own says that it is not yet.
#[derive(Debug)]
pub(crate) struct RouteCell(AtomicU16);

const UNKNOWN: u16 = u16::MAX;

struct RouteTable {
    slots: Box<[OnceLock<Box<str>>]>,
    used: AtomicUsize,
}

static TABLE: LazyLock<RouteTable> = LazyLock::new(|| RouteTable {
    slots: (0..SLOTS).map(|_| OnceLock::new()).collect(),
    used: AtomicUsize::new(0),
});

#[inline]
fn slot_of(text: &[u8]) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = text.len() as u64;
    let mut mix = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(MIX);
    let (words, rest) = text.as_chunks();
    words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
    match text.last_chunk() {
        Some(last) => mix(u64::from_le_bytes(*last)),
        None => mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
    }
    (hash >> 52) as usize % SLOTS
}

impl Route {
    /// What everything beyond the table's capacity is called.
    pub(crate) const OTHER: Self = Self(SLOTS as u16);

    /// The route of this text, remembered from now on.
    #[inline]
    pub(crate) fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// The route of this text, given as bytes. They are checked to be UTF-8 only when the route is new.
    #[inline]
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let start = slot_of(bytes);
        for step in 0..SLOTS {
            let place = (start + step) % SLOTS;
            let slot = &TABLE.slots[place];
            let known = match slot.get() {
                Some(known) => known,
                None if TABLE.used.load(Ordering::Relaxed) >= CAPACITY => return Self::OTHER,
                None => {
                    let Ok(text) = std::str::from_utf8(bytes) else { return Self::OTHER };
                    slot.get_or_init(|| {
                        TABLE.used.fetch_add(1, Ordering::Relaxed);
                        text.into()
                    })
                }
            };
            if known.as_bytes() == bytes {
                return Self(place as u16);
            }
        }
        Self::OTHER
    }

    /// The route of this text, if it is one already.
    pub(crate) fn known(text: &str) -> Option<Self> {
        let start = slot_of(text.as_bytes());
        let places = (0..SLOTS).map(|step| (start + step) % SLOTS);
        let mut known = places.map_while(|place| Some((place, TABLE.slots[place].get()?)));
        known.find(|(_, known)| ***known == *text).map(|(place, _)| Self(place as u16))
    }

    /// The route's text.
    pub(crate) fn as_str(self) -> &'static str {
        TABLE.slots.get(usize::from(self.0)).and_then(|slot| slot.get()).map_or("_OTHER", |text| text)
    }

    /// A small number, unique to the route.
    pub(crate) fn index(self) -> u16 {
        self.0
    }
}

impl RouteCell {
    #[inline]
    pub(crate) fn new(route: Option<Route>) -> Self {
        Self(AtomicU16::new(route.map_or(UNKNOWN, |route| route.0)))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Route> {
        let number = self.0.load(Ordering::Relaxed);
        (number != UNKNOWN).then_some(Route(number))
    }

    /// Sets it; only the first call counts, and the others fail with the route that is known.
    pub(crate) fn set(&self, route: Route) -> Result<(), Route> {
        let set = self.0.compare_exchange(UNKNOWN, route.0, Ordering::Relaxed, Ordering::Relaxed);
        set.map(drop).map_err(Route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_route_that_is_known_stays() {
        let cell = RouteCell::new(None);
        assert_eq!(cell.get(), None);
        assert_eq!(cell.set(Route::OTHER), Ok(()));
        assert_eq!(cell.set(Route::of("/late")), Err(Route::OTHER));
        assert_eq!((cell.get(), RouteCell::new(cell.get()).get()), (Some(Route::OTHER), Some(Route::OTHER)));
    }

    #[test]
    fn the_same_text_is_the_same_route() {
        let first = Route::of("/users/{id}");
        assert_eq!(first, Route::of("/users/{id}"));
        assert_eq!(first.as_str(), "/users/{id}");
        assert_ne!(first, Route::of("/users/{id}/cars"));
        assert_eq!(Route::OTHER.as_str(), "_OTHER");
    }

    #[test]
    fn asking_whether_a_route_is_known_makes_none() {
        assert_eq!((Route::known("asked.For/Twice"), Route::known("asked.For/Twice")), (None, None));
        let made = Route::of("asked.For/Twice");
        assert_eq!(Route::known("asked.For/Twice"), Some(made));
    }
}

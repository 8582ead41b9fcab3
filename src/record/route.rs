//! The routes that this process knows: each text once, forever, bounded.
//!
//! A route becomes a number, so that a request neither copies its text nor hashes it again for metrics. The
//! table never forgets, because the routes of a program are few; when it is fed with paths instead, it is
//! full at [`CAPACITY`] and everything further is one route named `_OTHER`.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::account::Table;

/// Maximum number of different routes, and of client destinations, in one process.
pub(crate) const CAPACITY: usize = 2_000;

/// A route of this process; two of the same text are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Route(u16);

/// A route that becomes known once; a number beside the routes' own says that it is not yet.
#[derive(Debug)]
pub(crate) struct RouteCell(AtomicU16);

const UNKNOWN: u16 = u16::MAX;

static ROUTES: Table<Box<str>, ()> = Table::new(CAPACITY);

impl Route {
    /// What everything beyond the table's capacity is called.
    pub(crate) const OTHER: Self = Self(UNKNOWN - 1);

    /// The route of this text, remembered from now on.
    #[inline]
    pub(crate) fn of(text: &str) -> Self {
        let known = ROUTES.find_or_add(text, || (text.into(), ()));
        known.map_or(Self::OTHER, |(number, ())| Self(number as u16))
    }

    /// The route of this text, if it is one already.
    pub(crate) fn known(text: &str) -> Option<Self> {
        ROUTES.find(text).map(|(number, ())| Self(number as u16))
    }

    /// The texts of all, in alphabetical order.
    pub(crate) fn all() -> Vec<&'static str> {
        let mut all: Vec<_> = ROUTES.entries().map(|(text, ())| &**text).collect();
        all.sort_unstable();
        all
    }

    /// Its number, for [`Route::numbered`].
    pub(super) fn number(self) -> u16 {
        self.0
    }

    /// The route of a number that a route had.
    pub(super) fn numbered(number: u16) -> Self {
        Self(number)
    }

    /// The route's text.
    pub(crate) fn as_str(self) -> &'static str {
        ROUTES.entry(usize::from(self.0)).map_or("_OTHER", |(text, ())| text)
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

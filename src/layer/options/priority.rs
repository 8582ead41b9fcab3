//! How much a route matters: stated by the user, shown on span, line and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::metrics::Red;
use crate::names::attribute;
use crate::record::{Hop, Piece, Route};
use crate::threads::{Once, complain};

/// More than the routes of one service.
const MOST: usize = 500;

static TOO_MANY: Once = Once::new();

/// How urgent a failing route is. Alerting rules take their severity from it.
///
/// ```
/// use tower_observability::{ObservabilityLayer, Priority};
///
/// let layer = ObservabilityLayer::new()
///     .priority("/bookings", Priority::High)
///     .priority("/reports/{month}", Priority::Low);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Priority {
    /// Customers cannot do the main thing without it: its alerts page somebody.
    High,
    /// Somebody looks at it within the working day. What every route is unless stated.
    #[default]
    Medium,
    /// Nobody is disturbed by it.
    Low,
}

/// The stated priorities of one layer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Priorities {
    routes: Vec<(Route, Priority)>,
    /// Shared by the layer's clones: the series are created once.
    exposed: Arc<AtomicBool>,
}

impl Priority {
    /// `high`, `medium` or `low`: the value of the label and of the attribute.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl Priorities {
    pub(super) fn state(&mut self, route: &str, priority: Priority) {
        let route = Route::of(route);
        self.exposed = Arc::default();
        if let Some((_, stated)) = self.routes.iter_mut().find(|(known, _)| *known == route) {
            *stated = priority;
        } else if self.routes.len() < MOST && route != Route::OTHER {
            self.routes.push((route, priority));
        } else if TOO_MANY.first() {
            complain(format_args!("more than {MOST} routes have a priority; further ones have the default"));
        }
    }

    /// Shows the priorities on `/metrics`, once.
    #[inline]
    pub(crate) fn expose(&self, red: &Red) {
        if !self.routes.is_empty() && red.is_on() && !self.exposed.swap(true, Ordering::Relaxed) {
            self.routes.iter().for_each(|(route, priority)| red.priority(*route, priority.as_str()));
        }
    }

    /// Records the priority of the hop's route, or of its gRPC method, if one is stated and the route is known.
    pub(super) fn record(&self, hop: &Hop, route: Option<Route>) {
        if self.routes.is_empty() {
            return;
        }
        let method = || hop.http().and_then(|http| Route::known(http.piece(Piece::Path).strip_prefix('/')?));
        let stated = |route| self.routes.iter().find(|(known, _)| *known == route);
        if let Some((_, priority)) = route.or_else(method).and_then(stated) {
            hop.add(attribute::ROUTE_PRIORITY, priority.as_str());
        }
    }
}

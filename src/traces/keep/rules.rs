//! What keeps a trace, and how much may be held until that is known.

use std::time::Duration;

use crate::record::{End, Hop, KeepReason, Kind, Outcome, Subject};
use crate::traces::attributes::rpc_span_name;

/// The rules in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeepRules {
    /// Failed requests, calls and jobs, panics, ERROR events.
    pub(crate) errors: bool,
    /// Requests and messages that take longer.
    pub(crate) slow: Option<Duration>,
    /// Those of one route, or messages of one name, that take longer; in the place of `slow`.
    pub(crate) slow_routes: Vec<(String, Duration)>,
    /// Those whose route was not answered with this status for a while.
    pub(crate) rare: bool,
    /// At most this many bytes are held.
    pub(crate) memory: usize,
    /// No trace is held for longer.
    pub(crate) time: Duration,
}

/// How much is held unless another limit is chosen.
pub(crate) const MEMORY: usize = 16 * 1024 * 1024;

/// How long a trace is held unless another time is chosen.
pub(crate) const TIME: Duration = Duration::from_secs(10);

/// No time is longer.
const LONGEST_TIME: Duration = Duration::from_secs(86_400);

/// So many routes may have a time of their own.
pub(crate) const MOST_ROUTES: usize = 256;

impl Default for KeepRules {
    fn default() -> Self {
        Self { errors: false, slow: None, slow_routes: Vec::new(), rare: false, memory: MEMORY, time: TIME }
    }
}

impl KeepRules {
    /// Is any trace kept at all?
    pub(crate) fn is_on(&self) -> bool {
        self.errors || self.slow.is_some() || !self.slow_routes.is_empty() || self.rare
    }

    /// For how long a trace is held: what is held for ever is never discarded, and an instant that no clock reaches cannot be
    /// computed.
    pub(crate) fn set_time(&mut self, time: Duration) {
        self.time = time.min(LONGEST_TIME);
    }

    /// From when on this route is slow; of too many routes, the first ones count.
    pub(crate) fn set_slow_route(&mut self, route: String, from: Duration) {
        self.slow_routes.retain(|(known, _)| *known != route);
        if self.slow_routes.len() < MOST_ROUTES {
            self.slow_routes.push((route, from));
        }
    }

    /// Why a hop that has ended like this is kept.
    pub(super) fn reason(&self, hop: &Hop, end: &End) -> Option<KeepReason> {
        match end.outcome {
            Outcome::Panic if self.errors => Some(KeepReason::Panic),
            Outcome::ServerError | Outcome::Timeout | Outcome::BodyError if self.errors => {
                Some(KeepReason::Error)
            }
            // A connection that became another protocol lasts as long as that wants.
            Outcome::Upgraded => None,
            _ => self.is_slow(hop, end).then_some(KeepReason::Slow),
        }
    }

    fn is_slow(&self, hop: &Hop, end: &End) -> bool {
        // A slow call is seen in whoever waited for it.
        let waits = matches!(hop.kind, Kind::Server | Kind::Consumer);
        let limit = if waits { self.limit_of(hop, end) } else { None };
        limit.is_some_and(|limit| u128::from(end.at.nanos_since(hop.start)) >= limit.as_nanos())
    }

    fn limit_of(&self, hop: &Hop, end: &End) -> Option<Duration> {
        if self.slow_routes.is_empty() {
            return self.slow;
        }
        let name = name_of(hop, end);
        let own = self.slow_routes.iter().find(|(route, _)| Some(route.as_str()) == name);
        own.map(|(_, limit)| *limit).or(self.slow)
    }
}

/// What a hop is called among others of its kind: its route, the method of gRPC, or the name of the work.
pub(super) fn name_of<'a>(hop: &'a Hop, end: &End) -> Option<&'a str> {
    match (&hop.subject, end.rpc) {
        (Subject::Work(work), _) => Some(&work.name),
        (Subject::Http(_), Some(rpc)) => Some(rpc_span_name(rpc)),
        (Subject::Http(_), None) => hop.route.get().map(|route| route.as_str()),
    }
}

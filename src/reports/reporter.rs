//! The handle that the request's thread uses: a hop that has failed, an error outside of any and a panic become reports.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Level;

use super::budget::{Budget, MOST};
use super::crumbs::Crumbs;
use super::filed::{Cause, Filed, Report, What};
use super::options::Reports;
use super::way::Way;
use super::way_out::LeftOutCounts;
use crate::account::{FlowReport, LeftOut};
use crate::clock::Moment;
use crate::export::{Exporter, Tell};
use crate::logs::{Lines, crumb};
use crate::names::attribute;
use crate::record::{End, Event, Hop, Kind, Outcome, Severity, Snapshot, Subject, Trail};
use crate::resource::Resource;

const TARGET: &str = "tower_observability";

/// What takes errors. Without a way out it does nothing.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    ways: Vec<Way>,
    shared: Arc<Shared>,
    sample_rate: f64,
    hashes: RandomState,
}

/// What each way out tells its receiver of those that were left out before it.
#[derive(Debug, Default)]
struct Shared {
    budget: Budget,
    sampled: AtomicU64,
}

impl LeftOutCounts for Shared {
    fn sampled(&self) -> u64 {
        self.sampled.load(Ordering::Relaxed)
    }

    fn limited(&self) -> u64 {
        self.budget.left_out()
    }
}

impl Reporter {
    /// The handle, and the exporters to run on a thread of ours.
    pub(crate) fn new(
        reports: &Reports,
        resource: &Resource,
        tell: impl Fn() -> Tell,
    ) -> (Self, Vec<Exporter<Filed>>) {
        let shared = Arc::<Shared>::default();
        let left_out = || Arc::clone(&shared) as Arc<dyn LeftOutCounts>;
        let ways = Way::all(reports, resource, tell, left_out);
        let (ways, exporters) = ways.into_iter().unzip();
        let sample_rate = reports.sample_rate;
        (Self { ways, shared, sample_rate, hashes: RandomState::new() }, exporters)
    }

    /// Is anything reported?
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        !self.ways.is_empty()
    }

    /// The ways out.
    pub(crate) fn ways(&'static self) -> impl Iterator<Item = &'static Way> {
        self.ways.iter()
    }

    /// Has a hop that begins keep its trail; `outer` is the hop that it is made in.
    #[inline]
    pub(crate) fn follow(&self, hop: &mut Hop, outer: Option<&Arc<Hop>>) {
        if self.is_on() {
            hop.within = outer.map(Arc::downgrade).unwrap_or_default();
            hop.notes().get_or_insert_default().trail = Some(Box::new(Trail::new(Box::<Crumbs>::default())));
        }
    }

    /// Takes an event: onto the trail of what it happened in, and an ERROR outside of all as a report of its own.
    pub(crate) fn event(&self, said: &Snapshot) {
        if !self.is_on() || self.keep(said.info.hop.as_ref(), |crumbs| crumbs.add(said)) {
            return;
        }
        if said.info.severity == Severity::Error {
            self.file_event(said);
        }
    }

    /// Takes a panic: the cause of what its request ends by, or a report of its own.
    pub(crate) fn panic(&self, said: &Snapshot) {
        if self.is_on() && !self.keep(said.info.hop.as_ref(), |crumbs| crumbs.add_panic(said)) {
            self.file_event(said);
        }
    }

    /// Has the hop that will be reported keep something; false if there is none, or it has ended.
    fn keep(&self, hop: Option<&Arc<Hop>>, add: impl FnOnce(&mut Crumbs)) -> bool {
        let Some(hop) = hop.map(outermost).filter(|hop| is_reported(hop.kind) && hop.end().is_none()) else {
            return false;
        };
        let mut notes = hop.notes();
        let trail = notes.as_mut().and_then(|notes| notes.trail.as_mut());
        trail.and_then(|trail| trail.lines.downcast_mut()).map(add).is_some()
    }

    /// Takes a hop that has ended, before any other signal does.
    #[inline]
    pub(crate) fn end(&self, hop: &Arc<Hop>, end: &End) {
        if self.is_on() {
            self.ended(hop, end);
        }
    }

    fn ended(&self, hop: &Arc<Hop>, end: &End) {
        // The others keep the hop for a while, and need it not.
        let trail = hop.notes().as_mut().and_then(|notes| notes.trail.take());
        if let Some(outer) = hop.outer() {
            let said = crumb(hop, end);
            self.keep(Some(&outer), |crumbs| crumbs.add(&said));
            if !always_reported(hop.kind) {
                return;
            }
        }
        let Some(mut trail) = trail.filter(|_| is_reported(hop.kind)) else { return };
        let crumbs = trail.lines.downcast_mut::<Crumbs>().map(std::mem::take).unwrap_or_default();
        if !has_failed(end.outcome) && crumbs.panic.is_none() {
            return;
        }
        let cause = cause(hop, end, &trail, &crumbs);
        if let Some(id) = self.file(end.at, cause, What::Hop(Arc::clone(hop), trail, Box::new(crumbs))) {
            let mut notes = hop.notes();
            // Also where there are as many as a user may have.
            notes.get_or_insert_default().fields.set_within(
                usize::MAX,
                attribute::REPORT_ID.as_bytes(),
                id.as_str().into(),
            );
        }
    }

    fn file_event(&self, said: &Snapshot) {
        let kind =
            if said.info.severity == Severity::Fatal { PANIC.into() } else { text(said.event().target()) };
        let route = said.info.hop.as_deref().map(route).unwrap_or_default();
        let cause = Cause { kind, place: place(said.event()), route, chosen: None };
        self.file(said.info.at, cause, What::Event(Box::new(said.clone())));
    }

    /// Hands a report to each way out, unless it is left out; its id.
    fn file(&self, at: Moment, cause: Cause, what: What) -> Option<String> {
        if self.sample_rate < 1.0 && rand::random::<f64>() >= self.sample_rate {
            self.shared.sampled.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let left_out = self.shared.budget.spend(self.hashes.hash_one(cause.fingerprint()), at)?;
        let id = uuid::Uuid::new_v4().simple().to_string();
        let report = Filed(Arc::new(Report { id: id.clone(), at, what, cause, left_out }));
        self.ways.iter().for_each(|way| way.push(report.clone()));
        Some(id)
    }

    /// Says how many were left out for their budget; true while there is more to say.
    pub(crate) fn report_left_out(&self, lines: &Lines) -> bool {
        let budget = &self.shared.budget;
        if let Some(count) = budget.to_say(Moment::now()) {
            let message = format!(
                "{count} error reports were not sent: {MOST} a minute are of one cause, and the next one says how many \
                 there were"
            );
            lines.say(Level::WARN, TARGET, &message, &[]);
        }
        budget.has_to_say() | self.ways.iter().map(Way::report_lost).fold(false, |any, one| any | one)
    }

    /// What became of the reports, over all ways out; `None` where none leave.
    pub(crate) fn report(&self) -> Option<FlowReport> {
        let mut all = self.ways.iter().map(Way::report).reduce(FlowReport::with)?;
        let Shared { budget, sampled } = &*self.shared;
        let counts =
            [(LeftOut::Sampled, sampled.load(Ordering::Relaxed)), (LeftOut::Limited, budget.left_out())];
        all = all.leaving_out(counts.into_iter().filter(|(_, count)| *count > 0).collect());
        Some(all)
    }

    /// Has the reports that wait now sent.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<> {
        let flushes: Vec<_> = self.ways.iter().map(Way::flush).collect();
        async move {
            for flush in flushes {
                flush.await;
            }
        }
    }
}

/// The kind of a panic.
const PANIC: &str = "panic";

/// Is it reported by itself, wherever it is made?
fn always_reported(kind: Kind) -> bool {
    matches!(kind, Kind::Server | Kind::Consumer)
}

/// Is it reported at all? Whoever makes a call handles its failure.
fn is_reported(kind: Kind) -> bool {
    always_reported(kind) || kind == Kind::Internal
}

fn has_failed(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::ServerError | Outcome::Timeout | Outcome::Panic | Outcome::BodyError)
}

/// The hop that is reported of what happens in this one.
fn outermost(hop: &Arc<Hop>) -> Arc<Hop> {
    let mut hop = Arc::clone(hop);
    while !always_reported(hop.kind)
        && let Some(outer) = hop.outer()
    {
        hop = outer;
    }
    hop
}

/// What makes a failed hop one issue with others.
fn cause(hop: &Hop, end: &End, trail: &Trail, crumbs: &Crumbs) -> Cause {
    let (route, chosen) = (route(hop), trail.fingerprint.clone());
    if let Some(panic) = &crumbs.panic {
        return Cause { kind: PANIC.to_owned(), place: place(panic.event()), route, chosen };
    }
    if hop.notes().as_ref().is_some_and(|notes| notes.error.is_some()) {
        let kind = trail.types.first().cloned().unwrap_or_else(|| "Error".to_owned());
        let place = trail.place.map(|place| (place.file().to_owned(), place.line()));
        return Cause { kind, place, route, chosen };
    }
    if let Some(error) = &crumbs.error {
        return Cause { kind: text(error.event().target()), place: place(error.event()), route, chosen };
    }
    let kind = end.error_type.with_str(str::to_owned).unwrap_or_else(|| end.outcome.as_str().to_owned());
    Cause { kind, place: None, route, chosen }
}

fn route(hop: &Hop) -> String {
    match &hop.subject {
        Subject::Work(work) => work.name.clone().into_owned(),
        Subject::Http(_) => hop.route.get().map(|route| route.as_str().to_owned()).unwrap_or_default(),
    }
}

fn place(event: Event<'_>) -> Option<(String, u32)> {
    event.origin().map(|(file, line)| (text(file), line))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! All that is held, behind one lock, and what was given up.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use super::super::decode::Decoded;
use super::super::model::{Line, Resource, Sample, Span, now};
use super::lines::Lines;
use super::metrics::{self, Metrics};
use super::resources::Resources;
use super::traces::{Gone, Traces};

/// So far, in microseconds, may another clock be ahead of ours.
const TOLERANCE: i64 = 60_000_000;

/// Shared by the receivers and the page.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limit: usize,
    pub(crate) resources: Resources,
    held: RwLock<Held>,
    change: watch::Sender<Change>,
}

/// What those who wait are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Something came; how often that was so far.
    Version(u64),
    /// The view ends.
    End,
}

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) traces: Traces,
    pub(crate) lines: Lines,
    pub(crate) dropped: Dropped,
    pub(crate) metrics: Metrics,
    /// The newest time of a span or a point, microseconds since 1970.
    pub(crate) newest: i64,
    /// How often anything came.
    pub(crate) version: u64,
}

/// What was not kept, or not for long.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct Dropped {
    pub(crate) spans: u64,
    pub(crate) lines: u64,
    pub(crate) points: u64,
    /// The reasons, each with how many spans, lines and points it was.
    pub(crate) why: BTreeMap<&'static str, u64>,
}

impl Store {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            resources: Resources::new(limit / 16),
            held: RwLock::default(),
            change: watch::Sender::new(Change::Version(0)),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its value changes whenever something comes.
    pub(crate) fn changes(&self) -> watch::Receiver<Change> {
        self.change.subscribe()
    }

    /// Tells all who wait that this is the end.
    pub(crate) fn end(&self) {
        self.change.send_replace(Change::End);
    }

    /// The one copy of a resource. Where there is no room for another, those go that were silent for the longest, with all
    /// that they sent; those that were heard since this time, in microseconds since 1970, stay. None if that is not enough.
    pub(crate) fn intern(&self, resource: Resource, since: i64) -> Option<Arc<Resource>> {
        let resource = match self.resources.intern(resource) {
            Ok(known) => return Some(known),
            Err(resource) => resource,
        };
        let silent = self.resources.silent(since, &resource)?;
        self.change(|held| held.forget(&silent));
        drop(silent);
        self.resources.intern(resource).ok()
    }

    /// How many bytes all of it takes.
    pub(crate) fn bytes(&self, held: &Held) -> usize {
        self.resources.bytes() + held.traces.bytes + held.lines.bytes + held.metrics.bytes
    }

    pub(crate) fn add_spans(&self, decoded: Decoded<Span>) {
        self.change(|held| {
            let (mut gone, now) = (Gone::default(), now());
            for span in decoded.items {
                held.see(span.end(), now);
                held.traces.add(span, self.limit / 2, &mut gone);
            }
            let dropped = &mut held.dropped;
            dropped.spans += gone.full + gone.too_many + gone.too_large + decoded.invalid + decoded.homeless;
            dropped.because("the memory for spans is full: the oldest traces went", gone.full);
            dropped.because("a trace has too many spans", gone.too_many);
            dropped.because("a trace is larger than the memory for spans", gone.too_large);
            dropped.because("a span has no valid id", decoded.invalid);
            dropped.because("there are too many resources", decoded.homeless);
        });
    }

    pub(crate) fn add_lines(&self, decoded: Decoded<Line>) {
        self.change(|held| {
            let (mut full, mut too_large) = (0, 0);
            for line in decoded.items {
                match held.lines.add(line, self.limit / 4) {
                    Some(gone) => full += gone,
                    None => too_large += 1,
                }
            }
            held.dropped.lines += full + too_large + decoded.homeless;
            held.dropped.because("a line is larger than the memory for lines", too_large);
            held.dropped.because("the memory for lines is full: the oldest went", full);
            held.dropped.because("there are too many resources", decoded.homeless);
        });
    }

    pub(crate) fn add_samples(&self, decoded: Decoded<Sample>) {
        self.change(|held| {
            let (mut gone, now) = (metrics::Gone::default(), now());
            for mut sample in decoded.items {
                // One of next year must not have all that follow be late.
                sample.point.at = sample.point.at.min(now.saturating_add(TOLERANCE));
                held.see(sample.point.at, now);
                held.metrics.add(sample, self.limit / 8, &mut gone);
            }
            held.dropped.points += gone.full + gone.late + gone.too_large + decoded.homeless;
            held.dropped.because("the memory for metrics is full: the oldest points went", gone.full);
            held.dropped.because("a series is larger than the memory for metrics", gone.too_large);
            held.dropped.because("a point came twice, or after a later one of its series", gone.late);
            held.dropped.because("there are too many resources", decoded.homeless);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        let version = {
            let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
            change(&mut held);
            held.version += 1;
            held.version
        };
        self.change.send_if_modified(|change| {
            // Another thread may have told of a later one already, or of the end, which stays.
            let is_news = matches!(change, Change::Version(told) if *told < version);
            if is_news {
                *change = Change::Version(version);
            }
            is_news
        });
    }
}

impl Held {
    pub(crate) fn spans(&self) -> usize {
        self.traces.spans
    }

    pub(crate) fn points(&self) -> usize {
        self.metrics.points
    }

    /// Gives up all that these sent.
    fn forget(&mut self, resources: &[Arc<Resource>]) {
        let gone: HashSet<_> = resources.iter().map(Arc::as_ptr).collect();
        let is_gone = |resource: &Arc<Resource>| gone.contains(&Arc::as_ptr(resource));
        let (spans, lines) = (self.traces.forget(is_gone), self.lines.forget_those(is_gone));
        let points = self.metrics.forget(is_gone);
        self.dropped.spans += spans;
        self.dropped.lines += lines;
        self.dropped.points += points;
        let why = "there are too many resources: what those sent that were silent for the longest went";
        self.dropped.because(why, spans + lines + points);
    }

    /// Times are looked at backwards from the newest that came. A clock that goes wrong by years must not hide the others.
    fn see(&mut self, at: i64, now: i64) {
        if at <= now.saturating_add(TOLERANCE) {
            self.newest = self.newest.max(at);
        }
    }
}

impl Dropped {
    fn because(&mut self, why: &'static str, how_many: u64) {
        if how_many > 0 {
            *self.why.entry(why).or_default() += how_many;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::{Attributes, Instrument, Point};
    use super::*;

    #[test]
    fn the_end_stays_the_end() {
        let store = Store::new(1 << 20);
        store.change(|_| ());
        assert_eq!(*store.changes().borrow(), Change::Version(1));
        store.change.send_replace(Change::Version(7));
        store.change(|_| ());
        assert_eq!(*store.changes().borrow(), Change::Version(7), "an older one does not take its place");
        store.end();
        store.add_lines(Decoded::default());
        assert_eq!(*store.changes().borrow(), Change::End);
    }

    #[test]
    fn a_point_of_the_future_does_not_silence_its_series() {
        let store = Store::new(1 << 20);
        let resource: Arc<Resource> = Arc::default();
        let sample = |at: i64, value: f64| Sample {
            resource: resource.clone(),
            scope: "s".into(),
            name: "m".into(),
            unit: "1".into(),
            instrument: Instrument::Gauge,
            labels: Attributes::default(),
            is_delta: false,
            bounds: Box::default(),
            point: Point { at, value, ..Point::default() },
            exemplars: Vec::new(),
        };
        let add = |sample| store.add_samples(Decoded { items: vec![sample], ..Decoded::default() });
        add(sample(i64::MAX, 1.0));
        let first = store.read().metrics.iter().next().unwrap().points[0].at;
        assert!(first <= now() + TOLERANCE, "{first}");
        // The clock goes on by itself.
        while now() + TOLERANCE <= first {}
        add(sample(first + 1, 2.0));
        add(sample(first, 3.0));
        let held = store.read();
        assert_eq!((held.points(), held.dropped.points), (2, 1));
        assert_eq!(held.dropped.why.len(), 1, "{:?}", held.dropped.why);
    }
}

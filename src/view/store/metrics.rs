//! Series of metrics: of each its latest points. Where there is no room, all series give up the older half of theirs, and
//! then those go that were silent for the longest.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::model::{Attributes, Exemplar, Instrument, MOST_EXEMPLARS, Point, Resource, Sample};

/// Of each series; at one every two seconds it is 24 minutes.
const MOST_POINTS: usize = 720;
/// What a series costs beside its texts and points: its place in the map, and the texts of its key.
const OF_A_SERIES: usize = size_of::<Series>() * 3 / 2 + MOST_EXEMPLARS * size_of::<Exemplar>();

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    all: HashMap<String, Series>,
    pub(super) bytes: usize,
    pub(super) points: usize,
}

#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) unit: Arc<str>,
    pub(crate) instrument: Instrument,
    pub(crate) labels: Attributes,
    pub(crate) bounds: Box<[f64]>,
    /// Each counts since the start, whatever was sent. In the order of their times.
    pub(crate) points: VecDeque<Point>,
    pub(crate) exemplars: VecDeque<Exemplar>,
    bytes: usize,
}

/// What became of points that were added.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// They, or older ones, had no room.
    pub(super) full: u64,
    /// Their series has one of that time, or of a later one.
    pub(super) late: u64,
    /// With them their series would be larger than all the room.
    pub(super) too_large: u64,
}

impl Metrics {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Series> {
        self.all.values()
    }

    pub(super) fn add(&mut self, sample: Sample, limit: usize, gone: &mut Gone) {
        let key = key(&sample);
        // All others would go, and then this one.
        if Series::bytes(&sample, key.len()) + sample.point.bytes() > limit {
            gone.too_large += 1;
            return;
        }
        if !self.all.contains_key(&key) {
            let series = Series::new(&sample, key.len());
            self.bytes += series.bytes;
            self.all.insert(key.clone(), series);
        }
        if let Some(series) = self.all.get_mut(&key) {
            let (bytes, points) = (series.bytes, series.points.len());
            gone.late += u64::from(!series.add(sample));
            self.bytes = self.bytes + series.bytes - bytes;
            self.points = self.points + series.points.len() - points;
        }
        if self.bytes > limit {
            gone.full += self.halve();
        }
        if self.bytes > limit {
            gone.full += self.give_up_silent(limit);
        }
    }

    /// Gives up the series of such resources. Returns how many points that were.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&Arc<Resource>) -> bool) -> u64 {
        let before = self.points;
        self.all.retain(|_, series| !is_gone(&series.resource));
        self.count();
        (before - self.points) as u64
    }

    fn halve(&mut self) -> u64 {
        let before = self.points;
        self.all.values_mut().for_each(Series::halve);
        self.count();
        (before - self.points) as u64
    }

    /// A quarter more than has to go, so that the next one does not go through all of them again.
    fn give_up_silent(&mut self, limit: usize) -> u64 {
        let before = self.points;
        let last = |series: &Series| series.points.back().map_or(0, |point| point.at);
        let mut order: Vec<_> =
            self.all.iter().map(|(key, series)| (last(series), series.bytes, key.clone())).collect();
        order.sort_unstable();
        for (_, bytes, key) in order {
            if self.bytes <= limit / 4 * 3 {
                break;
            }
            self.all.remove(&key);
            self.bytes -= bytes;
        }
        self.count();
        (before - self.points) as u64
    }

    fn count(&mut self) {
        self.bytes = self.all.values().map(|series| series.bytes).sum();
        self.points = self.all.values().map(|series| series.points.len()).sum();
    }
}

impl Series {
    /// What it takes before it has any point.
    fn bytes(sample: &Sample, key: usize) -> usize {
        let texts = key * 2
            + sample.scope.len()
            + sample.name.len()
            + sample.unit.len()
            + size_of_val(&*sample.bounds);
        OF_A_SERIES + texts + sample.labels.bytes()
    }

    fn new(sample: &Sample, key: usize) -> Self {
        Self {
            resource: sample.resource.clone(),
            scope: sample.scope.clone(),
            name: sample.name.clone(),
            unit: sample.unit.clone(),
            instrument: sample.instrument,
            labels: sample.labels.clone(),
            bounds: sample.bounds.clone(),
            points: VecDeque::new(),
            exemplars: VecDeque::new(),
            bytes: Self::bytes(sample, key),
        }
    }

    /// Is it later than all before it? Others are not taken.
    fn add(&mut self, sample: Sample) -> bool {
        for exemplar in sample.exemplars {
            if self.exemplars.len() >= MOST_EXEMPLARS {
                self.exemplars.pop_front();
            }
            self.exemplars.push_back(exemplar);
        }
        let mut point = sample.point;
        let bounds = sample.bounds;
        if sample.is_delta {
            // What is none would be none in all sums that follow.
            point.value = if point.value.is_finite() { point.value } else { 0.0 };
            point.sum = if point.sum.is_finite() { point.sum } else { 0.0 };
        }
        match self.points.back() {
            // Sent again, or late.
            Some(last) if point.at <= last.at => return false,
            Some(last) if sample.is_delta && bounds == self.bounds => add_up(&mut point, last),
            _ => {}
        }
        if bounds != self.bounds {
            self.clear();
            self.bytes = self.bytes + size_of_val(&*bounds) - size_of_val(&*self.bounds);
            self.bounds = bounds;
        }
        let count = self.points.len();
        if count >= 2 && self.points[count - 1].is_same(&point) && self.points[count - 2].is_same(&point) {
            // A series that rests needs no more than both ends of its rest.
            self.points[count - 1].at = point.at;
            return true;
        }
        self.bytes += point.bytes();
        self.points.push_back(point);
        if self.points.len() > MOST_POINTS {
            self.drop_first(1);
        }
        true
    }

    fn halve(&mut self) {
        self.drop_first(self.points.len() / 2);
        self.points.shrink_to_fit();
    }

    fn clear(&mut self) {
        self.drop_first(self.points.len());
    }

    fn drop_first(&mut self, how_many: usize) {
        self.bytes -= self.points.drain(..how_many).map(|point| point.bytes()).sum::<usize>();
    }
}

/// A delta becomes what is counted since the start.
fn add_up(point: &mut Point, last: &Point) {
    point.start = last.start;
    point.value += last.value;
    point.sum += last.sum;
    point.count = point.count.saturating_add(last.count);
    for (bucket, before) in point.buckets.iter_mut().zip(&last.buckets) {
        *bucket = bucket.saturating_add(*before);
    }
}

/// A series is told from all others by it. The resource lives as long as the series, so that its place is its name.
fn key(sample: &Sample) -> String {
    let names = (&*sample.scope, &*sample.name, &*sample.unit, &sample.labels);
    let names = serde_json::to_string(&names).unwrap_or_default();
    format!("{:p} {names}", Arc::as_ptr(&sample.resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(labels: &str, at: i64, value: f64, is_delta: bool) -> Sample {
        let text = |text: &str| super::super::super::model::Value::Text(text.into());
        Sample {
            resource: Arc::default(),
            scope: "s".into(),
            name: "m".into(),
            unit: "1".into(),
            instrument: Instrument::Counter,
            labels: Attributes([("l".into(), text(labels))].into()),
            is_delta,
            bounds: Box::default(),
            point: Point { at, start: if is_delta { at } else { 1 }, value, ..Point::default() },
            exemplars: Vec::new(),
        }
    }

    fn values(series: &Series) -> Vec<(i64, f64)> {
        series.points.iter().map(|point| (point.at, point.value)).collect()
    }

    #[test]
    fn deltas_are_added_up_and_a_rest_keeps_its_ends() {
        let mut series = Series::new(&sample("", 0, 0.0, true), 0);
        for (at, value) in [(1, 2.0), (2, 3.0), (2, 9.0), (3, 0.0), (4, 0.0), (5, 0.0), (6, 1.0)] {
            series.add(sample("", at, value, true));
        }
        assert_eq!(values(&series), [(1, 2.0), (2, 5.0), (5, 5.0), (6, 6.0)]);
        for (at, value) in [(7, f64::NAN), (8, f64::INFINITY), (9, 1.0)] {
            series.add(sample("", at, value, true));
        }
        assert_eq!(values(&series).last(), Some(&(9, 7.0)), "what is no number adds nothing");
    }

    #[test]
    fn a_name_of_two_scopes_or_units_is_two_series() {
        let (mut metrics, mut gone) = (Metrics::default(), Gone::default());
        let of = |scope: &str, unit: &str| Sample {
            scope: scope.into(),
            unit: unit.into(),
            ..sample("", 1, 1.0, false)
        };
        let resource: Arc<Resource> = Arc::default();
        for (scope, unit) in [("a", "s"), ("b", "s"), ("a", "ms"), ("a", "s")] {
            metrics.add(Sample { resource: resource.clone(), ..of(scope, unit) }, 1 << 20, &mut gone);
        }
        assert_eq!((metrics.iter().count(), gone.late), (3, 1));
    }

    #[test]
    fn the_memory_is_bounded_and_the_account_adds_up() {
        let (mut metrics, limit) = (Metrics::default(), 64 << 10);
        let resource: Arc<Resource> = Arc::default();
        let mut gone = Gone::default();
        for number in 0..5_000 {
            let sample = sample(&format!("{}", number % 300), number, number as f64, false);
            metrics.add(Sample { resource: resource.clone(), ..sample }, limit, &mut gone);
            assert!(metrics.bytes <= limit, "{} bytes", metrics.bytes);
        }
        let held: usize = metrics.iter().map(|series| series.points.len()).sum();
        assert_eq!((held, gone.full + held as u64), (metrics.points, 5_000));
        let all: usize = metrics.iter().map(|series| series.bytes).sum();
        assert_eq!(all, metrics.bytes);
    }
}

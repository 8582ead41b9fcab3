//! A walk through all families, a few series at a time, each of which becomes a data point.

use std::sync::Arc;
use std::vec;

use super::Temporality;
use super::ledger::{Ledger, Value};
use super::point::{Attribute, Form, Head, Number, Period, Point, exponential, histogram, number};
use crate::metrics::Recorder;
use crate::metrics::buckets::Bounds;
use crate::metrics::exemplar::Exemplar;
use crate::metrics::family::{Families, Family, Kind as Shown, Series};
use crate::metrics::histogram::{Histogram, Reading};
use crate::metrics::label::labels_of;
use crate::metrics::source::{Asked, Shape};
use crate::metrics::unit::ucum;
use crate::names::instrument::{self, Kind, Type};
use crate::otlp::Scope;

const OURS: Scope<'static> = Scope { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
/// The facade does not say which library a metric is of.
const THEIRS: Scope<'static> = Scope { name: "", version: "" };

/// The times of a collection, in Unix nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// When everything was zero.
    pub(super) start: u64,
    /// That of the last collection that arrived.
    pub(super) before: u64,
    pub(super) now: u64,
}

/// One collection.
pub(super) struct Walk<'a> {
    families: &'a Families,
    coming: vec::IntoIter<Coming>,
    open: Option<(Arc<Family>, Stream, Option<Arc<str>>)>,
    reading: Reading,
    temporality: Temporality,
    times: Times,
}

enum Coming {
    Kept(Arc<Family>),
    Asked(Asked),
}

/// What the series of one family have in common.
struct Stream {
    family: String,
    /// The user's family; `None` of this crate's own.
    theirs: Option<Arc<Family>>,
    kind: Kind,
    head: Arc<Head>,
}

/// What only histograms have.
#[derive(Default)]
struct More<'a> {
    bounds: Option<&'a Bounds>,
    exemplars: Vec<Exemplar>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(recorder: &'a Recorder, temporality: Temporality, times: Times) -> Self {
        let families = recorder.families();
        // Metrics of one scope stay together.
        let (ours, theirs): (Vec<_>, Vec<_>) =
            families.all().into_iter().partition(|family| family.called.is_none());
        let samples = recorder.samples().into_families();
        let asked = samples.filter(|asked| asked.shape != Shape::Info).map(Coming::Asked);
        let coming = ours.into_iter().map(Coming::Kept).chain(asked);
        let coming: Vec<_> = coming.chain(theirs.into_iter().map(Coming::Kept)).collect();
        Self {
            families,
            coming: coming.into_iter(),
            open: None,
            reading: Reading::default(),
            temporality,
            times,
        }
    }

    /// The points of the next few series; `None` after the last ones.
    pub(super) fn next(&mut self, ledger: &mut Ledger) -> Option<Vec<Point>> {
        if let Some((family, stream, last)) = self.open.take() {
            let (points, last) = self.few(&family, &stream, last.as_deref(), ledger);
            self.open = last.map(|last| (family, stream, Some(last)));
            return Some(points);
        }
        match self.coming.next()? {
            Coming::Kept(family) => {
                let stream = self.kept(&family);
                self.open = Some((family, stream, None));
                Some(Vec::new())
            }
            Coming::Asked(asked) => Some(self.asked(&asked, ledger)),
        }
    }

    fn kept(&self, family: &Arc<Family>) -> Stream {
        let shown = family.series.kind();
        let described = self.families.description(shown, &family.name);
        let unit = described.as_ref().and_then(|described| described.unit);
        let help = described.map(|described| described.help.into_owned()).unwrap_or_default();
        match &family.called {
            None => self.ours(&family.name, shown, help, true),
            Some(called) => {
                let kind = kind_of(shown);
                let head = Head {
                    scope: THEIRS,
                    name: called.clone(),
                    description: help,
                    unit: ucum(&family.name, unit).to_owned(),
                    form: self.form(kind),
                    is_delta: self.is_delta(kind, true),
                };
                let theirs = Some(Arc::clone(family));
                Stream { family: family.name.clone(), theirs, kind, head: Arc::new(head) }
            }
        }
    }

    fn ours(&self, family: &str, shown: Shown, description: String, is_kept: bool) -> Stream {
        let known = instrument::of(family);
        let kind = known.map_or_else(|| kind_of(shown), |known| known.kind);
        let head = Head {
            scope: OURS,
            name: known.map_or(family, |known| known.name).to_owned(),
            description,
            unit: known.map_or("", |known| known.unit).to_owned(),
            form: self.form(kind),
            is_delta: self.is_delta(kind, is_kept),
        };
        Stream { family: family.to_owned(), theirs: None, kind, head: Arc::new(head) }
    }

    fn form(&self, kind: Kind) -> Form {
        match kind {
            Kind::Histogram if self.families.has_exponential() => Form::Exponential,
            Kind::Histogram => Form::Histogram,
            Kind::Counter | Kind::OlderCounter => Form::Monotonic,
            Kind::UpDownCounter => Form::Sum,
            Kind::Gauge => Form::Gauge,
        }
    }

    fn is_delta(&self, kind: Kind, is_kept: bool) -> bool {
        let adds_up = matches!(kind, Kind::Histogram | Kind::Counter | Kind::OlderCounter);
        adds_up
            && match self.temporality {
                Temporality::Cumulative => false,
                Temporality::Delta => true,
                Temporality::LowMemory => is_kept,
            }
    }

    /// The points of the next few series after these labels, and the labels of the last one.
    fn few(
        &mut self,
        family: &Family,
        stream: &Stream,
        after: Option<&str>,
        ledger: &mut Ledger,
    ) -> (Vec<Point>, Option<Arc<str>>) {
        let (mut points, mut last) = (Vec::new(), None);
        let mut add = |walk: &Self, labels: Arc<str>, value, more| {
            points.extend(walk.point(stream, &labels, value, more, ledger));
            last = Some(labels);
        };
        match &family.series {
            Series::Counters(group) => {
                for (labels, counter) in group.after(after) {
                    add(self, labels, Value::Int(counter.count()), More::default());
                }
            }
            Series::Gauges(group) => {
                for (labels, gauge) in group.after(after) {
                    add(self, labels, Value::Float(gauge.value()), More::default());
                }
            }
            Series::Histograms(bounds, group) => {
                for (labels, histogram) in group.after(after) {
                    let value = self.read(&histogram);
                    let exemplars = (0..bounds.buckets()).filter_map(|bucket| histogram.exemplar(bucket));
                    let exemplars = exemplars.filter(|exemplar| exemplar.unix_nanos > self.times.before);
                    let more = More { bounds: Some(bounds), exemplars: exemplars.collect() };
                    add(self, labels, value, more);
                }
            }
        }
        (points, last)
    }

    fn read(&mut self, histogram: &Histogram) -> Value {
        histogram.read(&mut self.reading);
        let sum = self.reading.sum;
        match histogram.spread() {
            Some(spread) => Value::Spread { spread, sum },
            None => Value::Fixed { counts: self.reading.counts.clone(), sum },
        }
    }

    /// The points of a family that was asked.
    fn asked(&self, asked: &Asked, ledger: &mut Ledger) -> Vec<Point> {
        let shown = if asked.shape == Shape::Counter { Shown::Counter } else { Shown::Gauge };
        let stream = self.ours(asked.name, shown, asked.help.to_owned(), false);
        let points = asked.samples.iter().filter_map(|(labels, value)| {
            self.point(&stream, &Arc::from(labels.as_str()), Value::Float(*value), More::default(), ledger)
        });
        points.collect()
    }

    /// The point of a series; `None` where there is nothing to tell.
    fn point(
        &self,
        stream: &Stream,
        labels: &Arc<str>,
        value: Value,
        more: More<'_>,
        ledger: &mut Ledger,
    ) -> Option<Point> {
        let start = (stream.kind != Kind::OlderCounter).then_some(self.times.start);
        let (value, start, fate) = if stream.head.is_delta {
            let (value, start, fate) =
                ledger.delta((&stream.family, labels), value, start, self.times.now)?;
            (value, start, Some(fate))
        } else {
            let start = start.filter(|_| stream.kind != Kind::Gauge);
            (value, start.unwrap_or(0), None)
        };
        let period = Period { start, end: self.times.now };
        let attributes = Self::attributes(stream, labels);
        let More { bounds, exemplars } = more;
        // A sum that may fall is none.
        let sum_of =
            |sum: f64| Some(sum).filter(|sum| *sum >= 0.0 && !bounds.is_some_and(Bounds::has_negative));
        let bytes = match value {
            Value::Int(count) => number(period, &attributes, Number::Int(count.cast_signed())),
            Value::Float(value) if is_whole(stream) => {
                number(period, &attributes, Number::Int(value.round() as i64))
            }
            Value::Float(value) => number(period, &attributes, Number::Float(value)),
            Value::Fixed { counts, sum } => {
                let bounds = bounds.map(Bounds::values).unwrap_or_default();
                histogram(period, &attributes, (&counts, bounds), sum_of(sum), &exemplars)
            }
            Value::Spread { spread, sum } => {
                let sum = sum_of(sum).filter(|_| spread.negative.counts.is_empty());
                exponential(period, &attributes, &spread.with_few_buckets(), sum, &exemplars)
            }
        };
        Some(Point { head: Arc::clone(&stream.head), bytes, fate })
    }

    fn attributes(stream: &Stream, labels: &str) -> Vec<Attribute> {
        let theirs = stream.theirs.as_ref();
        let attributes = labels_of(labels).map(|(label, value)| {
            let ours = instrument::attribute(label).filter(|_| theirs.is_none() || label == OVERFLOW);
            let (name, of) = ours.map_or_else(
                || {
                    let spelling = theirs.and_then(|family| family.spelling(label));
                    (spelling.unwrap_or_else(|| label.to_owned()), Type::Text)
                },
                |(name, of)| (name.to_owned(), of),
            );
            (name, value, of)
        });
        attributes.collect()
    }
}

const OVERFLOW: &str = crate::names::label::OTEL_METRIC_OVERFLOW;

fn kind_of(shown: Shown) -> Kind {
    match shown {
        Shown::Counter => Kind::Counter,
        Shown::Gauge => Kind::Gauge,
        Shown::Histogram => Kind::Histogram,
    }
}

/// Things are counted whole; times and shares are not.
fn is_whole(stream: &Stream) -> bool {
    stream.kind != Kind::Gauge && !matches!(&*stream.head.unit, "s" | "{cpu}")
}

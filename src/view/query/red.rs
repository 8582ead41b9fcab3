//! `/api/red`: rate, errors and duration of each route, from the histograms of its service where they are sent, else from
//! spans.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::model::{Attributes, Exemplar, Instrument, Point, Span, route};
use super::super::store::{Held, Series};
use super::durations::Durations;
use super::parameters::{Parameters, Wrong};
use super::window::{SLICES, Window};

const MOST_EXEMPLARS: usize = 20;
const MOST_ROUTES: usize = 1_000;
/// The histograms of what comes in, by the conventions of now and before, and whose they are.
const HISTOGRAMS: [(&str, &str); 6] = [
    ("http.server.request.duration", "http"),
    ("http.server.duration", "http"),
    ("rpc.server.call.duration", "rpc"),
    ("rpc.server.duration", "rpc"),
    ("messaging.process.duration", "messaging"),
    ("work.duration", "work"),
];

#[derive(Serialize)]
pub(crate) struct Red {
    version: u64,
    routes: Vec<Route>,
}

#[derive(Serialize)]
struct Route {
    #[serde(flatten)]
    name: Name,
    source: Source,
    requests: u64,
    errors: u64,
    /// Per second.
    rate: f64,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    points: Vec<Slice>,
    exemplars: Vec<Exemplar>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Name {
    service: String,
    method: String,
    route: String,
    kind: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Metrics,
    Spans,
}

#[derive(Serialize)]
struct Slice {
    at: i64,
    requests: u64,
    errors: u64,
    p95: Option<f64>,
}

/// What one route, or a slice of its time, adds up to.
#[derive(Default)]
struct Sum {
    requests: u64,
    errors: u64,
    durations: Durations,
}

#[derive(Default)]
struct Sums {
    all: Sum,
    slices: BTreeMap<usize, Sum>,
    exemplars: Vec<Exemplar>,
}

pub(crate) fn red(held: &Held, asked: &Parameters) -> Result<Red, Wrong> {
    let mut window = Window::of(held, asked)?;
    let service = asked.text("service");
    let is_wanted = |name: &str| service.is_none_or(|service| service == name);
    let mut by_metrics: BTreeMap<Name, Sums> = BTreeMap::new();
    for (series, kind) in held.metrics.iter().filter_map(|series| Some((series, kind_of(series)?))) {
        if is_wanted(&series.resource.service) {
            add_series(&mut by_metrics, &mut window, series, kind);
        }
    }
    // A service whose histograms are sent has all its requests in them, also those that were not sampled.
    let counted: BTreeSet<_> = by_metrics.keys().map(|name| (name.service.clone(), name.kind)).collect();
    let mut by_spans: BTreeMap<Name, Sums> = BTreeMap::new();
    let whole = window;
    let spans = held.traces.iter().flat_map(|(_, trace)| &trace.spans);
    let entries = spans
        .filter(|span| span.kind.is_entry() && whole.has(span.end()) && is_wanted(&span.resource.service));
    for span in entries {
        let name = Name::of_span(span);
        if !counted.contains(&(name.service.clone(), name.kind)) {
            add_span(sums(&mut by_spans, name), &mut window, span);
        }
    }
    let routes = by_metrics.into_iter().map(|(name, sums)| sums.route(name, Source::Metrics, window));
    let routes = routes.filter(|route| route.requests > 0 || !route.exemplars.is_empty());
    let of_spans = by_spans.into_iter().map(|(name, sums)| sums.route(name, Source::Spans, window));
    let mut routes: Vec<_> = routes.chain(of_spans).collect();
    routes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Red { version: held.version, routes })
}

fn kind_of(series: &Series) -> Option<&'static str> {
    let found = HISTOGRAMS.iter().find(|(name, _)| **name == *series.name);
    found.filter(|_| series.instrument == Instrument::Histogram).map(|(_, kind)| *kind)
}

/// Those beyond the bound are added up under no name.
fn sums(of: &mut BTreeMap<Name, Sums>, name: Name) -> &mut Sums {
    let is_known = of.contains_key(&name) || of.len() < MOST_ROUTES;
    let other = || Name { route: "(others)".to_owned(), method: String::new(), ..name.clone() };
    let name = if is_known { name } else { other() };
    of.entry(name).or_default()
}

fn add_series(to: &mut BTreeMap<Name, Sums>, window: &mut Window, series: &Series, kind: &'static str) {
    let factor = if &*series.unit == "ms" { 1.0 } else { 1e3 };
    let name = Name::of(&series.resource.service, &series.labels, kind, "");
    let sums = sums(to, name);
    let is_error = is_error(&series.labels);
    // What was counted before the first point is of this time if the count began within it.
    let start = series.points.front().map_or(0, |point| point.start);
    let mut before: Option<Option<&Point>> = (start > 0 && window.has(start)).then_some(None);
    for point in &series.points {
        if let (Some(before), true) = (before, window.has(point.at)) {
            let before = before.filter(|before| !point.is_anew_since(before));
            let count = point.count - before.map_or(0, |before| before.count);
            let of_bucket = |place: usize| {
                before.and_then(|before| before.buckets.get(place)).copied().unwrap_or_default()
            };
            let buckets: Vec<u64> = point
                .buckets
                .iter()
                .enumerate()
                .map(|(place, count)| count.saturating_sub(of_bucket(place)))
                .collect();
            window.see(before.map_or(point.start.max(window.from), |before| before.at));
            sums.add(window.slice(point.at), |sum| {
                sum.requests = sum.requests.saturating_add(count);
                sum.errors = sum.errors.saturating_add(if is_error { count } else { 0 });
                sum.durations.add_counts(&series.bounds, factor, buckets.iter().copied());
            });
        }
        before = Some(Some(point));
    }
    let exemplars = series.exemplars.iter().filter(|exemplar| window.has(exemplar.at));
    sums.exemplars.extend(exemplars.map(|exemplar| Exemplar { value: exemplar.value * factor, ..*exemplar }));
}

fn add_span(sums: &mut Sums, window: &mut Window, span: &Span) {
    window.see(span.start.max(window.from));
    sums.add(window.slice(span.end()), |sum| {
        sum.requests += 1;
        sum.errors += u64::from(span.failed);
        sum.durations.add(span.duration);
    });
    sums.exemplars.push(Exemplar { at: span.start, value: span.duration, trace: span.trace });
    // Of spans the slowest are the examples.
    if sums.exemplars.len() >= 2 * MOST_EXEMPLARS {
        sums.keep_slowest();
    }
}

/// Of a series, as the conventions have it.
fn is_error(labels: &Attributes) -> bool {
    let status = labels.text(&["http.response.status_code", "http.status_code"]);
    labels.get("error.type").is_some() || status.is_some_and(|status| status.starts_with('5'))
}

impl Name {
    fn of(service: &str, attributes: &Attributes, kind: &'static str, otherwise: &str) -> Self {
        let method = attributes.text(&["http.request.method", "http.method", "messaging.operation.name"]);
        let route = route(attributes).or_else(|| attributes.text(&["work.name"]));
        Self {
            service: service.to_owned(),
            method: method.unwrap_or_default(),
            route: route.unwrap_or_else(|| otherwise.to_owned()),
            kind,
        }
    }

    fn of_span(span: &Span) -> Self {
        let has = |prefix: &str| span.attributes.0.iter().any(|(name, _)| name.starts_with(prefix));
        let kind = match () {
            () if has("rpc.") => "rpc",
            () if has("messaging.") => "messaging",
            () if has("http.") => "http",
            () => "work",
        };
        Self::of(&span.resource.service, &span.attributes, kind, &span.name)
    }
}

impl Sums {
    fn add(&mut self, slice: usize, add: impl Fn(&mut Sum)) {
        add(&mut self.all);
        add(self.slices.entry(slice).or_default());
    }

    fn keep_slowest(&mut self) {
        self.exemplars.sort_by(|one, other| other.value.total_cmp(&one.value));
        self.exemplars.truncate(MOST_EXEMPLARS);
    }

    fn route(mut self, name: Name, source: Source, window: Window) -> Route {
        match source {
            Source::Spans => self.keep_slowest(),
            Source::Metrics => {
                self.exemplars.sort_by_key(|exemplar| std::cmp::Reverse(exemplar.at));
                self.exemplars.truncate(MOST_EXEMPLARS);
            }
        }
        self.all.durations.sort();
        let quantile = |quantile| self.all.durations.quantile(quantile);
        let slice = |place: usize| {
            let mut sum = self.slices.remove(&place).unwrap_or_default();
            sum.durations.sort();
            let p95 = sum.durations.quantile(0.95);
            Slice { at: window.start_of(place), requests: sum.requests, errors: sum.errors, p95 }
        };
        Route {
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            points: (0..SLICES).map(slice).collect(),
            requests: self.all.requests,
            errors: self.all.errors,
            rate: window.rate(self.all.requests),
            exemplars: self.exemplars,
            name,
            source,
        }
    }
}

#[cfg(test)]
#[test]
fn a_count_that_began_again_counts_from_zero() {
    use super::super::decode::Decoded;
    use super::super::model::Sample;
    use super::super::store::Store;
    const T: i64 = 1_700_000_000_000_000;
    let store = Store::new(1 << 20);
    // A process of the same name begins again, and has soon served more than the one before.
    let counted = [(0, 10, 10), (0, 20, 15), (30, 40, 25), (30, 50, 26)];
    let resource = std::sync::Arc::default();
    let sample = |(start, at, count): (i64, i64, u64)| Sample {
        resource: std::sync::Arc::clone(&resource),
        scope: "".into(),
        name: "work.duration".into(),
        unit: "s".into(),
        instrument: Instrument::Histogram,
        labels: Attributes::default(),
        is_delta: false,
        bounds: [1.0].into(),
        point: Point {
            at: T + at * 1_000_000,
            start: T + start * 1_000_000,
            count,
            buckets: [count, 0].into(),
            ..Point::default()
        },
        exemplars: Vec::new(),
    };
    store.add_samples(Decoded { items: counted.map(sample).into(), ..Decoded::default() });
    let red = red(&store.read(), &Parameters::of("")).unwrap();
    assert_eq!(red.routes[0].requests, 15 + 26);
}

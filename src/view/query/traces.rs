//! `/api/traces`: which traces there are.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::super::model::{Needle, Span, TraceId};
use super::super::store::{Held, Trace};
use super::parameters::{Parameters, Wrong};

/// The fewest traces of a route among which one can be called slow.
const ENOUGH: usize = 20;
/// How many failed and slow traces are listed first.
const IN_FRONT: usize = 20;
/// How many values of each kind are offered to choose from.
const MOST_FACETS: usize = 500;

#[derive(Serialize)]
pub(crate) struct Traces {
    version: u64,
    traces: Vec<Brief>,
    attention: Vec<Brief>,
    more: bool,
    facets: Facets,
}

/// A trace in one row.
#[derive(Serialize)]
struct Brief {
    id: TraceId,
    start: i64,
    duration: f64,
    service: String,
    name: String,
    route: Option<String>,
    status: Option<u16>,
    outcome: String,
    method: Option<String>,
    failed: bool,
    slow: bool,
    error: Option<String>,
    services: BTreeSet<String>,
    spans: usize,
    lines: u32,
    root: bool,
}

/// The values that the page offers as filters.
#[derive(Default, Serialize)]
struct Facets {
    services: BTreeSet<String>,
    routes: BTreeSet<String>,
    outcomes: BTreeSet<String>,
    statuses: BTreeSet<u16>,
}

/// The filters of a query.
struct Filter<'a> {
    service: Option<&'a str>,
    route: Option<&'a str>,
    outcome: Option<&'a str>,
    status: Option<Statuses>,
    min: f64,
    max: f64,
    needle: Option<Needle>,
    fields: Vec<(&'a str, &'a str)>,
    kind: Kind,
    before: i64,
    /// The traces of which a line has the text; of each field those of which a line has it.
    by_text: HashSet<TraceId>,
    by_field: Vec<HashSet<TraceId>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Failed,
    Slow,
}

/// `500`, or `5xx`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Statuses {
    One(u16),
    Hundred(u16),
}

/// How long a trace of each entry may take until it is slow.
struct Bounds<'a>(HashMap<(&'a str, &'a str), f64>);

/// The traces that are asked for, the latest first.
pub(crate) fn traces(held: &Held, asked: &Parameters) -> Result<Traces, Wrong> {
    let (filter, limit) = (Filter::of(held, asked)?, asked.limit(100, 1_000)?);
    let bounds = Bounds::of(held);
    let mut facets = Facets::default();
    let mut found = Vec::new();
    for (id, trace) in held.traces.iter() {
        let Some(entry) = trace.entry() else { continue };
        facets.add(trace, entry);
        let slow = bounds.is_slow(entry);
        if filter.wants(id, trace, entry, slow) {
            found.push((entry.start, id, trace, entry, slow));
        }
    }
    found.sort_unstable_by_key(|(start, id, ..)| (Reverse(*start), *id));
    let brief = |(_, id, trace, entry, slow): &(i64, TraceId, &Trace, &Span, bool)| {
        Brief::of(held, *id, trace, entry, *slow)
    };
    let in_front = found.iter().filter(|(_, _, trace, _, slow)| trace.failed || *slow).take(IN_FRONT);
    Ok(Traces {
        version: held.version,
        attention: in_front.map(brief).collect(),
        traces: found.iter().take(limit).map(brief).collect(),
        more: found.len() > limit,
        facets,
    })
}

impl<'a> Filter<'a> {
    fn of(held: &Held, asked: &'a Parameters) -> Result<Self, Wrong> {
        let (needle, fields) = (asked.needle(), asked.fields()?);
        let by_text = match &needle {
            Some(needle) => {
                held.lines.iter().filter(|line| line.mentions(needle)).map(|line| line.trace).collect()
            }
            None => HashSet::new(),
        };
        let by_field = fields.iter().map(|(name, value)| {
            let lines = held.lines.iter().filter(|line| line.attributes.has(name, value));
            lines.map(|line| line.trace).collect()
        });
        Ok(Self {
            service: asked.text("service"),
            route: asked.text("route"),
            outcome: asked.text("outcome"),
            status: asked.text("status").map(Statuses::parse).transpose()?,
            min: asked.number("min")?.unwrap_or(f64::NEG_INFINITY),
            max: asked.number("max")?.unwrap_or(f64::INFINITY),
            kind: match asked.text("kind") {
                None => Kind::All,
                Some("failed") => Kind::Failed,
                Some("slow") => Kind::Slow,
                Some(other) => return Err(format!("`kind` is neither failed nor slow: {other}")),
            },
            before: asked.number("before")?.unwrap_or(i64::MAX),
            by_field: by_field.collect(),
            by_text,
            needle,
            fields,
        })
    }

    /// Cheap checks come first.
    fn wants(&self, id: TraceId, trace: &Trace, entry: &Span, slow: bool) -> bool {
        let kind = match self.kind {
            Kind::All => true,
            Kind::Failed => trace.failed,
            Kind::Slow => slow,
        };
        kind && entry.start < self.before
            && (self.min..=self.max).contains(&entry.duration)
            && self.service.is_none_or(|name| trace.spans.iter().any(|span| &*span.resource.service == name))
            && self.status.is_none_or(|wanted| entry.http_status().is_some_and(|status| wanted.have(status)))
            && self.route.is_none_or(|route| entry.route().as_deref() == Some(route))
            && self.outcome.is_none_or(|outcome| entry.outcome() == outcome)
            && self.has_fields(id, trace)
            && self.has_text(id, trace)
    }

    fn has_fields(&self, id: TraceId, trace: &Trace) -> bool {
        self.fields.iter().zip(&self.by_field).all(|((name, value), of_lines)| {
            let has =
                |span: &Span| span.attributes.has(name, value) || span.resource.attributes.has(name, value);
            of_lines.contains(&id) || trace.spans.iter().any(has)
        })
    }

    fn has_text(&self, id: TraceId, trace: &Trace) -> bool {
        let Some(needle) = &self.needle else { return true };
        self.by_text.contains(&id) || trace.spans.iter().any(|span| span.mentions(needle))
    }
}

impl Statuses {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || format!("`status` is neither such as 500 nor such as 5xx: {text}");
        match text.strip_suffix("xx") {
            Some(hundred) => hundred.parse().map(Self::Hundred).map_err(|_| wrong()),
            None => text.parse().map(Self::One).map_err(|_| wrong()),
        }
    }

    fn have(self, status: u16) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Hundred(hundred) => hundred == status / 100,
        }
    }
}

impl<'a> Bounds<'a> {
    fn of(held: &'a Held) -> Self {
        let mut durations: HashMap<_, Vec<f64>> = HashMap::new();
        for entry in held.traces.iter().filter_map(|(_, trace)| trace.entry()) {
            durations.entry(key(entry)).or_default().push(entry.duration);
        }
        durations.retain(|_, durations| durations.len() >= ENOUGH);
        let bound = |(key, mut durations): (_, Vec<f64>)| {
            durations.sort_unstable_by(f64::total_cmp);
            let (median, p95) = (durations[durations.len() / 2], durations[durations.len() * 95 / 100]);
            (key, p95.max(4.0 * median))
        };
        Self(durations.into_iter().map(bound).collect())
    }

    fn is_slow(&self, entry: &Span) -> bool {
        let bound = self.0.get(&key(entry)).copied().unwrap_or(f64::INFINITY);
        entry.duration > bound || entry.outcome() == "timeout"
    }
}

fn key(entry: &Span) -> (&str, &str) {
    (&entry.resource.service, &entry.name)
}

impl Facets {
    fn add(&mut self, trace: &Trace, entry: &Span) {
        let add = |to: &mut BTreeSet<String>, text: &str| {
            if to.len() < MOST_FACETS && !to.contains(text) {
                to.insert(text.to_owned());
            }
        };
        trace.spans.iter().for_each(|span| add(&mut self.services, &span.resource.service));
        add(&mut self.outcomes, &entry.outcome());
        if let Some(route) = entry.route() {
            add(&mut self.routes, &route);
        }
        self.statuses.extend(entry.http_status().filter(|_| self.statuses.len() < MOST_FACETS));
    }
}

impl Brief {
    fn of(held: &Held, id: TraceId, trace: &Trace, entry: &Span, slow: bool) -> Self {
        // The span that began last is usually the deepest, and says why; unless it is a call that knows only a status, about
        // which its caller says more.
        let in_words =
            |span: &Span| span.error().is_some_and(|text| text.bytes().any(|byte| !byte.is_ascii_digit()));
        let failed = trace.spans.iter().filter(|span| span.failed);
        let cause = failed.max_by_key(|span| (in_words(span), span.start));
        Self {
            id,
            start: entry.start,
            duration: entry.duration,
            service: entry.resource.service.to_string(),
            name: entry.name.to_string(),
            route: entry.route(),
            status: entry.http_status(),
            outcome: entry.outcome(),
            method: entry.method(),
            failed: trace.failed,
            slow,
            error: cause.filter(|_| trace.failed).and_then(Span::error),
            services: trace.spans.iter().map(|span| span.resource.service.to_string()).collect(),
            spans: trace.spans.len(),
            lines: held.lines.of_trace(id),
            root: entry.parent.is_none(),
        }
    }
}

//! `/api/trace/{id}`: one trace, with its lines.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use super::super::model::{Attributes, Event, Kind, Line, Link, Resource, Span, SpanId, Status, TraceId};
use super::super::store::Held;
use super::rows::LineRow;

/// So many spans, and as many lines, are sent.
const MOST: usize = 5_000;

#[derive(Serialize)]
pub(crate) struct TraceAnswer<'a> {
    version: u64,
    id: TraceId,
    start: i64,
    duration: f64,
    resources: Vec<ResourceRow<'a>>,
    spans: Vec<SpanRow<'a>>,
    lines: Vec<LineRow<'a>>,
    missing_parents: usize,
    cut: usize,
}

#[derive(Serialize)]
struct ResourceRow<'a> {
    service: &'a str,
    instance: &'a str,
    version: &'a str,
    attributes: &'a Attributes,
}

#[derive(Serialize)]
struct SpanRow<'a> {
    id: SpanId,
    parent: SpanId,
    resource: usize,
    service: &'a str,
    name: &'a str,
    kind: Kind,
    start: i64,
    duration: f64,
    status: Status,
    failed: bool,
    error: Option<String>,
    attributes: &'a Attributes,
    scope: &'a str,
    events: &'a [Event],
    links: &'a [Link],
}

/// The resources of an answer, each once.
#[derive(Default)]
struct Resources<'a>(Vec<&'a Arc<Resource>>);

/// The trace of this id; None if nothing of it is held.
pub(crate) fn trace(held: &Held, id: TraceId) -> Option<TraceAnswer<'_>> {
    let mut spans: Vec<&Span> = held.traces.get(id).into_iter().flat_map(|trace| &trace.spans).collect();
    let mut lines: Vec<&Line> = held.lines.iter().filter(|line| line.trace == id).collect();
    if spans.is_empty() && lines.is_empty() {
        return None;
    }
    spans.sort_by_key(|span| (span.start, !span.parent.is_none()));
    lines.sort_by_key(|line| line.at);
    let known: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let orphans = spans.iter().filter(|span| !span.parent.is_none() && !known.contains(&span.parent));
    let starts = spans.iter().map(|span| span.start).chain(lines.iter().map(|line| line.at));
    let ends = spans.iter().map(|span| span.end()).chain(lines.iter().map(|line| line.at));
    let (start, end) = (starts.min().unwrap_or_default(), ends.max().unwrap_or_default());
    let missing_parents = orphans.count();
    let cut = spans.len().saturating_sub(MOST) + lines.len().saturating_sub(MOST);
    let mut resources = Resources::default();
    let spans: Vec<_> = spans.into_iter().take(MOST).map(|span| resources.span(span)).collect();
    let of_lines = lines.into_iter().take(MOST);
    let lines = of_lines.map(|line| LineRow::with_resource(line, resources.place(&line.resource)));
    Some(TraceAnswer {
        version: held.version,
        id,
        start,
        duration: end.saturating_sub(start) as f64 / 1e3,
        spans,
        lines: lines.collect(),
        resources: resources.0.into_iter().map(|resource| ResourceRow::of(resource)).collect(),
        missing_parents,
        cut,
    })
}

impl<'a> Resources<'a> {
    fn place(&mut self, resource: &'a Arc<Resource>) -> usize {
        let found = self.0.iter().position(|known| Arc::ptr_eq(known, resource));
        found.unwrap_or_else(|| {
            self.0.push(resource);
            self.0.len() - 1
        })
    }

    fn span(&mut self, span: &'a Span) -> SpanRow<'a> {
        SpanRow {
            id: span.id,
            parent: span.parent,
            resource: self.place(&span.resource),
            service: &span.resource.service,
            name: &span.name,
            kind: span.kind,
            start: span.start,
            duration: span.duration,
            status: span.status,
            failed: span.failed,
            error: span.error(),
            attributes: &span.attributes,
            scope: &span.scope,
            events: &span.events,
            links: &span.links,
        }
    }
}

impl<'a> ResourceRow<'a> {
    fn of(resource: &'a Resource) -> Self {
        Self {
            service: &resource.service,
            instance: &resource.instance,
            version: &resource.version,
            attributes: &resource.attributes,
        }
    }
}

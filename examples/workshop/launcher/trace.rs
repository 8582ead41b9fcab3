//! A trace put together again from spans that arrived in any order, and its waterfall.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tower_observability::testing::{Bar, Waterfall};

use super::evidence::Span;
use super::paint;
use crate::screen::show;

/// The spans of one trace, in the order of their start.
pub(super) struct Trace {
    pub(super) id: String,
    pub(super) spans: Vec<Span>,
}

impl Trace {
    /// All traces among these spans.
    pub(super) fn all(spans: Vec<Span>) -> Vec<Self> {
        let mut traces: BTreeMap<String, Vec<Span>> = BTreeMap::new();
        for span in spans {
            traces.entry(span.row.get("trace_id").to_owned()).or_default().push(span);
        }
        traces.into_iter().map(|(id, spans)| Self { id, spans }).collect()
    }

    /// The one that most services took part in.
    pub(super) fn widest(spans: Vec<Span>) -> Option<Self> {
        Self::all(spans).into_iter().max_by_key(|trace| trace.services().len())
    }

    pub(super) fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(|span| span.row.get("service")).collect()
    }

    /// How many spans name a parent that is not there.
    pub(super) fn orphans(&self) -> usize {
        let known: BTreeSet<_> = self.spans.iter().map(|span| span.row.get("span_id")).collect();
        let parents = self.spans.iter().map(|span| span.row.get("parent"));
        parents.filter(|parent| !parent.is_empty() && !known.contains(parent)).count()
    }

    fn roots(&self) -> usize {
        self.spans.iter().filter(|span| span.row.is("parent", "")).count()
    }

    /// One root, every parent present, and so many services?
    pub(super) fn is_whole(&self, services: usize) -> bool {
        self.services().len() == services && self.orphans() == 0 && self.roots() == 1
    }

    pub(super) fn start(&self) -> i64 {
        self.spans.first().map_or(0, |span| span.start)
    }

    /// Prints the tree: who called whom, for how long, and when.
    pub(super) fn print(&self) {
        let waterfall =
            Waterfall::new(&self.id, self.spans.iter().map(bar).collect()).colored(paint::is_wanted());
        waterfall.to_string().lines().for_each(|line| show!("  {line}"));
    }
}

fn bar(span: &Span) -> Bar {
    let row = &span.row;
    let mut bar = Bar::new(row.get("name"), |key| Some(row.get(key).to_owned()));
    bar.service = row.get("service").to_owned();
    bar.id = row.get("span_id").to_owned();
    bar.parent = row.get("parent").to_owned();
    bar.kind = row.get("kind").to_owned();
    bar.is_failed = row.is("error", "yes");
    bar.start = Duration::from_micros(span.start.try_into().unwrap_or_default());
    bar.duration = Duration::from_micros(span.micros.try_into().unwrap_or_default());
    bar.color = paint::color_of(row.get("service"));
    bar
}

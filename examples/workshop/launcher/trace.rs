//! A trace put together again from spans that arrived in any order, and its waterfall.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::Span;
use super::paint;

const BAR: usize = 30;

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
        self.children_of("").count()
    }

    /// One root, every parent present, and so many services?
    pub(super) fn is_whole(&self, services: usize) -> bool {
        self.services().len() == services && self.orphans() == 0 && self.roots() == 1
    }

    pub(super) fn start(&self) -> i64 {
        self.spans.first().map_or(0, |span| span.start)
    }

    fn children_of<'a>(&'a self, parent: &'a str) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().filter(move |span| span.row.is("parent", parent))
    }

    fn micros(&self) -> i64 {
        self.spans.iter().map(|span| span.start + span.micros).max().unwrap_or(0) - self.start()
    }

    /// Prints the tree: who called whom, for how long, and when.
    pub(super) fn print(&self) {
        let (spans, services) = (self.spans.len(), self.services().len());
        let took = millis(self.micros());
        println!(
            "  trace {} · {spans} spans · {services} services · {} ms",
            paint::bold(&self.id),
            took.trim()
        );
        let mut rows = Vec::new();
        self.walk("", 0, &mut rows);
        let widest =
            rows.iter().map(|(depth, span)| 2 * depth + label(span).chars().count()).max().unwrap_or(0);
        for (depth, span) in rows {
            let label = format!("{:indent$}{}", "", label(span), indent = 2 * depth);
            let place = self.bar(span);
            let service = span.row.get("service");
            let line = format!("{service:13}  {label:widest$}  {:8}", span.row.get("kind"));
            let ending = format!("{:>7}", ending(span));
            let ending = if span.row.is("error", "yes") { paint::red(&ending) } else { ending };
            println!("  {line} {ending} {} ms  {}", millis(span.micros), paint::service(service, &place));
        }
    }

    fn walk<'a>(&'a self, parent: &'a str, depth: usize, rows: &mut Vec<(usize, &'a Span)>) {
        for span in self.children_of(parent) {
            rows.push((depth, span));
            self.walk(span.row.get("span_id"), depth + 1, rows);
        }
    }

    /// Where in the trace's time the span lies.
    fn bar(&self, span: &Span) -> String {
        let whole = self.micros().max(1);
        let column = |micros: i64| (micros * BAR as i64 / whole) as usize;
        let from = column(span.start - self.start()).min(BAR - 1);
        let to = column(span.start - self.start() + span.micros).clamp(from + 1, BAR);
        format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(BAR - to))
    }
}

/// What a span is called here: a client's span is named by its method only, so its path is shown beside it, and
/// which attempt it is.
fn label(span: &Span) -> String {
    let mut label = span.row.get("name").to_owned();
    if let Some(path) = span.row.get("url.full").splitn(4, '/').nth(3) {
        label += &format!(" /{path}");
    }
    if let Ok(resent) = span.row.get("http.request.resend_count").parse::<u32>() {
        label += &format!(" (attempt {})", resent + 1);
    }
    label
}

/// The status, or what went wrong instead.
fn ending(span: &Span) -> &str {
    let told = ["http.response.status_code", "rpc.response.status_code", "error.type"];
    told.map(|key| span.row.get(key)).into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

fn millis(micros: i64) -> String {
    format!("{:7.1}", micros as f64 / 1_000.0)
}

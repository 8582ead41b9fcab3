//! The picture of what was seen: what a failing test shows.

use std::fmt;

use serde_json::Value;

use super::Span;
use super::detail::is_detail;
use super::open::OpenSpan;
use super::sample::Sample;
use crate::context::TraceContext;
use crate::names::{attribute, key, label, metric};

/// What was seen at one moment: of an instance, or of one request.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) spans: Vec<Span>,
    pub(super) open: Vec<OpenSpan>,
    pub(super) lines: Vec<Value>,
    pub(super) samples: Vec<Sample>,
}

impl Picture {
    /// The spans directly below, or at the top: those whose parent is not here.
    fn below(&self, parent: Option<TraceContext>) -> Vec<&Span> {
        let is_here = |span: &Span| self.spans.iter().any(|other| span.is_child_of(other));
        let mut below: Vec<_> = match parent {
            Some(parent) => self.spans.iter().filter(|span| span.is_below(parent)).collect(),
            None => self.spans.iter().filter(|span| !is_here(span)).collect(),
        };
        below.sort_by_key(|span| span.start);
        below
    }

    fn tree(&self, f: &mut fmt::Formatter<'_>, parent: Option<TraceContext>, depth: usize) -> fmt::Result {
        for span in self.below(parent) {
            write!(f, "\n  {:indent$}", "", indent = 2 * depth)?;
            one(f, span)?;
            if parent.is_none() {
                write!(f, " trace {:.8}", span.trace.trace_id.to_string())?;
            }
            self.tree(f, Some(span.trace), depth + 1)?;
        }
        Ok(())
    }

    /// Requests that are being served have no span yet: the gauge knows them.
    pub(super) fn open_requests(&self) -> impl Iterator<Item = &Sample> {
        let in_flight =
            |sample: &&Sample| sample.name == metric::HTTP_SERVER_ACTIVE_REQUESTS && sample.value > 0.0;
        self.samples.iter().filter(in_flight)
    }
}

/// The list, each entry on a line of its own.
impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        title(f, "spans", self.spans.is_empty())?;
        self.tree(f, None, 0)?;
        for span in &self.open {
            write!(f, "\n  {span}: still open")?;
        }
        for sample in self.open_requests() {
            let method = sample.label(label::HTTP_REQUEST_METHOD).unwrap_or("?");
            let count = sample.value;
            write!(
                f,
                "\n  {count} request(s) by {method}: still open; a response's body is to be read to its end"
            )?;
        }
        title(f, "\nlines", self.lines.is_empty())?;
        let (details, lines): (Vec<_>, Vec<_>) = self.lines.iter().partition(|line| is_detail(line));
        for object in lines {
            line(f, object)?;
        }
        if !details.is_empty() {
            write!(f, "\n  and {} of libraries at DEBUG and TRACE, which `lines()` has", details.len())?;
        }
        let mut samples = self.samples.iter().filter(|sample| sample.is_worth_showing()).peekable();
        title(f, "\nmetrics", samples.peek().is_none())?;
        samples.try_for_each(|sample| write!(f, "\n  {sample}"))
    }
}

fn title(f: &mut fmt::Formatter<'_>, title: &str, none: bool) -> fmt::Result {
    write!(f, "{title}:{}", if none { " none" } else { "" })
}

/// `GET /bookings/{id} (server, 200, error) 4bf92f35`.
fn one(f: &mut fmt::Formatter<'_>, span: &Span) -> fmt::Result {
    write!(f, "{} ({}", span.name, format!("{:?}", span.kind).to_lowercase())?;
    let mut shown: Vec<String> = Vec::new();
    for key in [attribute::HTTP_RESPONSE_STATUS_CODE, attribute::OUTCOME, attribute::ERROR_TYPE] {
        // The error's type is often the status or the outcome again.
        let value = span.attributes.get(key).map(ToString::to_string).filter(|value| !shown.contains(value));
        shown.extend(value);
    }
    shown.iter().try_for_each(|value| write!(f, ", {value}"))?;
    match span.error.as_deref() {
        Some("") => f.write_str(", error")?,
        Some(description) => write!(f, ", error: {description}")?,
        None => {}
    }
    write!(f, ") {:.8}", span.trace.span_id.to_string())
}

/// `INFO found user=7 (span 4bf92f35)`: the user's fields, without those that every line has.
fn line(f: &mut fmt::Formatter<'_>, line: &Value) -> fmt::Result {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    write!(f, "\n  {:5} {:?}", text(key::LEVEL), text(key::MESSAGE))?;
    for (name, value) in line.as_object().into_iter().flatten() {
        if !key::RESERVED.contains(&name.as_str()) {
            write!(f, " {name}={value}")?;
        }
    }
    match text(key::SPAN_ID) {
        "" => Ok(()),
        span => write!(f, " (trace {:.8}, span {span:.8})", text(key::TRACE_ID)),
    }
}

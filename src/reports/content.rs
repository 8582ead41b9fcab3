//! What a report says, before it is written as one receiver or the other wants it. All of it is what the log has: the
//! closing line of the hop, and the lines before it.

use serde_json::{Map, Value};

use super::filed::{Report, What};
use super::frames::{self, Frame};
use super::options::Reports;
use crate::logs::Facts;
use crate::names::{attribute, key};
use crate::record::{Event, FieldValue, Kind, Outcome, Severity, Snapshot};
use crate::resource::Resource;

/// Who reports.
#[derive(Debug)]
pub(super) struct Writer {
    facts: Facts,
    pub(super) release: String,
    pub(super) environment: String,
    pub(super) instance: String,
    pub(super) service: String,
}

/// What is known of a failure.
#[derive(Debug)]
pub(super) struct Content {
    /// The closing line, or the line of the event.
    pub(super) line: Map<String, Value>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) crumbs: Vec<(u64, Map<String, Value>)>,
    pub(super) fingerprint: Vec<String>,
    pub(super) route: String,
    pub(super) user: Option<String>,
    pub(super) is_panic: bool,
    /// What it does, in Sentry's word: `http.server`.
    pub(super) operation: &'static str,
    pub(super) headers: Map<String, Value>,
    pub(super) parent: Option<String>,
}

/// An error of the chain.
#[derive(Debug)]
pub(super) struct Exception {
    pub(super) kind: String,
    pub(super) text: String,
    /// Innermost first.
    pub(super) frames: Vec<Frame>,
}

impl Writer {
    pub(super) fn new(reports: &Reports, resource: &Resource) -> Self {
        let either = |chosen: Option<&str>, known: &str| match chosen {
            Some(chosen) => chosen.to_owned(),
            None => resource.get(known).to_owned(),
        };
        Self {
            facts: Facts::new(resource),
            release: either(reports.release.as_deref(), attribute::SERVICE_VERSION),
            environment: either(reports.environment.as_deref(), attribute::DEPLOYMENT_ENVIRONMENT_NAME),
            instance: resource.get(attribute::SERVICE_INSTANCE_ID).to_owned(),
            service: resource.get(attribute::SERVICE_NAME).to_owned(),
        }
    }

    /// What a report says.
    pub(super) fn content(&self, report: &Report) -> Content {
        let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).unwrap_or_default();
        let mut line: Map<String, Value> = match &report.what {
            What::Hop(hop, ..) => read(self.facts.of_hop(hop)),
            What::Event(said) => read(self.facts.of_event(said.event())),
        };
        let crumbs = match &report.what {
            What::Hop(_, _, crumbs) => crumbs.lines.iter().map(|crumb| self.crumb(crumb)).collect(),
            What::Event(_) => Vec::new(),
        };
        let user = match &report.what {
            What::Hop(_, trail, _) => trail.user.clone(),
            What::Event(_) => None,
        };
        line.remove("backtrace");
        if report.left_out > 0 {
            line.insert("reports_left_out_before".to_owned(), report.left_out.into());
        }
        Content {
            exceptions: exceptions(report, &line),
            crumbs,
            fingerprint: report.cause.fingerprint(),
            route: transaction(report, &line),
            user,
            is_panic: report.what.panic().is_some(),
            operation: operation(&report.what),
            headers: headers(&mut line),
            parent: parent(&report.what),
            line,
        }
    }

    /// A line of the trail, without what the report says once.
    fn crumb(&self, said: &Snapshot) -> (u64, Map<String, Value>) {
        let mut line: Map<String, Value> =
            serde_json::from_slice(&self.facts.of_event(said.event())).unwrap_or_default();
        for known in [key::SERVICE, key::TRACE_ID, key::TRACE_FLAGS] {
            line.remove(known);
        }
        (said.info.at.unix_nanos(), line)
    }
}

impl Content {
    /// A text of the line; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.line.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The first text that says what failed.
    pub(super) fn title(&self) -> String {
        match self.exceptions.first() {
            Some(Exception { kind, text, .. }) if text.is_empty() => kind.clone(),
            Some(Exception { kind, text, .. }) => format!("{kind}: {text}"),
            None => self.text(key::MESSAGE).to_owned(),
        }
    }

    /// What of the line has no place of its own in a report.
    pub(super) fn rest(&self) -> Map<String, Value> {
        const TOLD: &[&str] = &[
            key::TIMESTAMP,
            key::LEVEL,
            key::SERVICE,
            key::VERSION,
            key::INSTANCE,
            key::TRACE_ID,
            key::SPAN_ID,
            key::TRACE_FLAGS,
            key::ERROR,
            key::ERROR_CHAIN,
            key::TARGET,
        ];
        let rest = self.line.iter().filter(|(name, _)| !TOLD.contains(&name.as_str()));
        rest.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The errors, outermost first.
fn exceptions(report: &Report, line: &Map<String, Value>) -> Vec<Exception> {
    let text_of = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(panic) = report.what.panic() {
        let text = lossy(panic.message());
        return vec![Exception { kind: report.cause.kind.clone(), text, frames: frames_of(report, panic) }];
    }
    let frames = place(report);
    let (texts, types) = match &report.what {
        What::Event(said) => (of_event(said.event()), Vec::new()),
        What::Hop(hop, trail, crumbs) => {
            let noted = hop.notes().as_ref().and_then(|notes| notes.error.clone());
            match (noted, &crumbs.error) {
                (Some(texts), _) => (texts, trail.types.clone()),
                (None, Some(error)) => (of_event(error.event()), Vec::new()),
                (None, None) => (vec![text_of(key::MESSAGE)], Vec::new()),
            }
        }
    };
    let mut types = types.into_iter();
    let mut frames = Some(frames);
    let first = types.next().unwrap_or_else(|| report.cause.kind.clone());
    let kinds = std::iter::once(first).chain(types).chain(std::iter::repeat("Error".to_owned()));
    let all = texts.into_iter().zip(kinds);
    all.map(|(text, kind)| Exception { kind, text, frames: frames.take().unwrap_or_default() }).collect()
}

/// The message of an event, and the texts of the error among its fields.
fn of_event(event: Event<'_>) -> Vec<String> {
    let mut texts = vec![lossy(event.message())];
    event.fields(|name, value| match value {
        FieldValue::Error(text, causes) => {
            texts.push(lossy(text));
            texts.extend(causes.map(lossy));
        }
        FieldValue::Text(text) if name == key::ERROR.as_bytes() => texts.push(lossy(text)),
        _ => {}
    });
    texts.retain(|text| !text.is_empty());
    texts.dedup();
    if texts.is_empty() { vec![String::new()] } else { texts }
}

/// The frames of a panic: its backtrace, else the place where it was.
fn frames_of(report: &Report, panic: Event<'_>) -> Vec<Frame> {
    let frames = panic.backtrace().map(|text| frames::parse(&String::from_utf8_lossy(text)));
    frames.filter(|frames| !frames.is_empty()).unwrap_or_else(|| place(report))
}

fn place(report: &Report) -> Vec<Frame> {
    let frame = |(file, line): &(String, u32)| Frame {
        function: String::new(),
        file: file.clone(),
        line: Some(u64::from(*line)),
    };
    report.cause.place.iter().map(frame).collect()
}

/// What Sentry calls a transaction: what was asked, without its ids.
fn transaction(report: &Report, line: &Map<String, Value>) -> String {
    let method = line.get(key::METHOD).and_then(Value::as_str);
    match (method, report.cause.route.as_str()) {
        (Some(method), route) if !route.is_empty() => format!("{method} {route}"),
        (Some(method), _) => method.to_owned(),
        (None, route) => route.to_owned(),
    }
}

fn operation(what: &What) -> &'static str {
    match what {
        What::Hop(hop, ..) if hop.kind == Kind::Server => "http.server",
        What::Hop(hop, ..) if hop.kind == Kind::Consumer => "queue.process",
        What::Hop(..) => "job",
        What::Event(_) => "event",
    }
}

/// Sentry's word for how the hop ended.
pub(super) fn status(outcome: &str) -> &'static str {
    if outcome == Outcome::Timeout.as_str() {
        "deadline_exceeded"
    } else if outcome.is_empty() {
        "unknown"
    } else {
        "internal_error"
    }
}

/// The headers that were captured, as the line shows them, which then says them no more.
fn headers(line: &mut Map<String, Value>) -> Map<String, Value> {
    let prefixes = [attribute::HTTP_REQUEST_HEADER, attribute::RPC_REQUEST_HEADER];
    let mut headers = Map::new();
    line.retain(|name, value| {
        let Some(header) = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)) else { return true };
        let text = match value {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        headers.insert(header.to_owned(), text.into());
        false
    });
    for (name, header) in [(key::USER_AGENT, "user-agent"), (key::REQUEST_ID, "x-request-id")] {
        if let Some(value) = line.get(name) {
            headers.insert(header.to_owned(), value.clone());
        }
    }
    headers
}

fn parent(what: &What) -> Option<String> {
    match what {
        What::Hop(hop, ..) => hop.parent.map(|parent| parent.to_string()),
        What::Event(_) => None,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A line's level in lower case, as both receivers write it.
pub(super) fn level(line: &Map<String, Value>) -> &'static str {
    match line.get(key::LEVEL).and_then(Value::as_str) {
        Some("TRACE" | "DEBUG") => "debug",
        Some("INFO") => "info",
        Some("WARN") => "warning",
        Some(level) if level == Severity::Fatal.as_str() => "fatal",
        _ => "error",
    }
}

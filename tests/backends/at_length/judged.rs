//! Which traces matter by the services' own lines, and what Jaeger has of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::load::{Asked, FINE};
use crate::support::jaeger::{Trace, text};
use crate::support::time::nanoseconds;
use crate::support::wait::eventually;
use crate::support::workshop::{Line, Workshop};

/// Requests and messages that take longer matter.
pub(super) const SLOW_MS: f64 = 500.0;

const MAY_TAKE: Duration = Duration::from_secs(60);

/// What the services' own lines say of one trace.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    kind: &'static str,
    services: BTreeSet<String>,
    /// Of requests and messages that have ended, and who did.
    spans: BTreeMap<String, String>,
    failed: BTreeSet<String>,
    has_error: bool,
    is_slow: bool,
    /// Milliseconds.
    first: f64,
    last: f64,
}

/// A row of the table of kept traces.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: String,
    pub(super) requests: usize,
    pub(super) expected: usize,
    pub(super) whole: usize,
    pub(super) incomplete: Vec<String>,
}

impl Said {
    fn take(&mut self, line: &Value) {
        let service = text(&line["service"]);
        self.has_error |= line["level"] == "ERROR" || line["level"] == "FATAL";
        let at = nanoseconds(line["timestamp"].as_str().unwrap()) as f64 / 1e6;
        let duration = line["duration_ms"].as_f64().unwrap_or_default();
        let begun = at - duration;
        if self.services.is_empty() || begun < self.first {
            self.first = begun;
        }
        self.last = self.last.max(at);
        if let Some(outcome) = line["outcome"].as_str() {
            self.spans.insert(text(&line["span_id"]), service.clone());
            if ["server_error", "timeout", "panic", "body_error"].contains(&outcome) {
                self.failed.insert(outcome.to_owned());
            }
            self.is_slow |= duration >= SLOW_MS;
        }
        self.services.insert(service);
    }

    /// Is it one that must be kept?
    pub(super) fn matters(&self) -> bool {
        self.has_error || self.is_slow || !self.failed.is_empty()
    }

    /// From its first request to its last message; a processor of whole traces may find that slow.
    pub(super) fn milliseconds(&self) -> f64 {
        self.last - self.first
    }

    /// What went wrong: what was asked for, or what the provider did.
    fn kind(&self) -> &'static str {
        match self.kind {
            FINE if self.failed.contains("timeout") => "timeout of a call",
            FINE if !self.failed.is_empty() => "5xx of a call",
            FINE => "slow by itself",
            kind => kind,
        }
    }
}

/// Waits until every request has its last line, and every message its end; says what of each trace was said.
pub(super) async fn traces(workshop: &Workshop, asked: &[Asked]) -> BTreeMap<String, Said> {
    let booked = asked.iter().filter(|asked| asked.status == 201).map(|asked| &*asked.request_id);
    let booked: BTreeSet<&str> = booked.collect();
    let kinds: BTreeMap<&str, &'static str> =
        asked.iter().map(|asked| (&*asked.request_id, asked.kind)).collect();
    let lines = eventually(MAY_TAKE, "the ends of all requests and messages", async || {
        let lines = workshop.lines();
        let ended = requests(&lines, "\"service\":\"gateway\"", "\"outcome\":");
        let processed = requests(&lines, "process bookings ok", "\"outcome\":");
        let open = kinds.keys().filter(|id| !ended.contains(**id)).count();
        let waiting = booked.iter().filter(|id| !processed.contains(**id)).count();
        if open + waiting == 0 { Ok(lines) } else { Err(format!("{open} open, {waiting} in the queue")) }
    })
    .await;
    let mut traces = BTreeMap::<String, Said>::new();
    for line in lines.iter().map(Line::json).filter(|line| line["trace_id"].is_string()) {
        if let Some(kind) = line["request_id"].as_str().and_then(|id| kinds.get(id)) {
            let said = traces.entry(text(&line["trace_id"])).or_default();
            said.kind = kind;
            said.take(&line);
        }
    }
    traces
}

/// The request ids of the lines that contain both.
fn requests<'a>(lines: &'a [Line], one: &str, other: &str) -> BTreeSet<&'a str> {
    let has = |line: &&Line| line.text.contains(one) && line.text.contains(other);
    let id = |line: &'a Line| line.text.split("\"request_id\":\"").nth(1)?.split('"').next();
    lines.iter().filter(has).filter_map(id).collect()
}

/// What Jaeger lacks of the trace; nothing of a service that was `down` is expected.
async fn missing(trace_id: &str, said: &Said, down: &str) -> Option<String> {
    let trace = Trace::so_far(trace_id).await;
    let known: BTreeSet<_> = trace.0.iter().map(|span| span.id.clone()).collect();
    let orphans =
        trace.0.iter().filter(|span| !span.parent.is_empty() && !known.contains(&span.parent)).count();
    let services = trace.services();
    let lacks: Vec<_> =
        said.spans.iter().filter(|(id, service)| !known.contains(*id) && *service != down).collect();
    let absent: Vec<_> =
        said.services.iter().filter(|service| !services.contains(&***service) && *service != down).collect();
    let is_whole = lacks.is_empty() && orphans == 0 && absent.is_empty();
    (!is_whole).then(|| format!("{trace_id}: {orphans} orphans, without {lacks:?} and {absent:?}"))
}

/// The rows of the traces that matter, once each of them is whole or the time is over.
pub(super) async fn rows(traces: &BTreeMap<String, Said>, asked: &[Asked], down: &str) -> Vec<Row> {
    let matter = || traces.iter().filter(|(_, said)| said.matters());
    let mut lacks: BTreeMap<&String, String> =
        matter().map(|(trace_id, _)| (trace_id, String::new())).collect();
    let deadline = Instant::now() + MAY_TAKE;
    while !lacks.is_empty() && Instant::now() < deadline {
        let mut still = BTreeMap::new();
        for trace_id in lacks.keys() {
            if let Some(lack) = missing(trace_id, &traces[*trace_id], down).await {
                still.insert(*trace_id, lack);
            }
        }
        lacks = still;
    }
    let mut rows = BTreeMap::<&str, Row>::new();
    for (trace_id, said) in matter() {
        let kind = said.kind();
        let requests = asked.iter().filter(|asked| asked.kind == said.kind).count();
        let row = rows.entry(kind).or_insert_with(|| Row {
            kind: kind.to_owned(),
            requests: if said.kind == FINE { 0 } else { requests },
            expected: 0,
            whole: 0,
            incomplete: Vec::new(),
        });
        row.requests += usize::from(said.kind == FINE);
        row.expected += 1;
        match lacks.get(trace_id) {
            None => row.whole += 1,
            Some(lack) => row.incomplete.push(lack.clone()),
        }
    }
    rows.into_values().collect()
}

/// How many of these Jaeger has anything of.
pub(super) async fn there(traces: &[&String]) -> usize {
    let mut there = 0;
    for trace_id in traces {
        there += usize::from(!Trace::so_far(trace_id).await.0.is_empty());
    }
    there
}

/// Prints the table, and demands that at least 99.9 % are whole.
pub(super) fn print(rows: &[Row]) {
    println!("| what goes wrong | requests | traces expected | whole | incomplete |\n|---|--:|--:|--:|---|");
    for Row { kind, requests, expected, whole, incomplete } in rows {
        println!("| {kind} | {requests} | {expected} | {whole} | {} |", incomplete.len());
        incomplete.iter().for_each(|lack| println!("  {lack}"));
    }
    let (expected, whole) =
        rows.iter().fold((0, 0), |(expected, whole), row| (expected + row.expected, whole + row.whole));
    println!("{whole} of {expected} traces that matter are whole");
    assert!(whole * 1_000 >= expected * 999, "{rows:#?}");
}

/// One per cent, and five standard deviations.
pub(super) fn about_one_per_cent(there: usize, of: usize) {
    let expected = of as f64 / 100.0;
    assert!(there as f64 <= expected + 5.0 * expected.sqrt(), "{there} of {of}");
}

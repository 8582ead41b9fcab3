//! What whoever is on call sees, and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use bytes::Bytes;
use tokio::time::sleep;

use super::super::children::Workshop;
use super::super::evidence::{self, Evidence, Line, Span};
use super::super::{exposition, request};
use super::fault::{Alert, Fault, Metric, Seen, Sight};
use super::prometheus::Prometheus;
use super::rules;
use crate::plumbing::{BoxError, Calls};

const EVERY: Duration = Duration::from_millis(400);
/// What is to stay away must do so for this long.
const STAYS_AWAY: Duration = Duration::from_secs(4);

/// Looks at one fault from its beginning on.
pub(super) struct Watch<'a> {
    pub(super) fault: &'a Fault,
    pub(super) workshop: &'a Workshop,
    pub(super) evidence: Arc<Evidence>,
    pub(super) prometheus: Option<&'a Prometheus>,
    pub(super) begun: Instant,
    /// The same, in microseconds since 1970.
    pub(super) from: i64,
    /// The metric before.
    pub(super) before: f64,
}

/// The metric's values so far.
#[derive(Default)]
struct Values {
    last: Option<f64>,
    changes: usize,
}

/// One thing that was seen.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) after: Duration,
    pub(super) what: &'static str,
    pub(super) text: String,
}

impl Watch<'_> {
    /// Looks until all was seen, in the order in which it is asked for, or the time is over: then what is missing is an error.
    pub(super) async fn see_all(&self, within: Duration) -> Result<Vec<Found>, BoxError> {
        let mut alerts: Vec<Option<Found>> = vec![None; self.fault.alerts.len()];
        let (mut metric, mut trace, mut line) = (None, None, None);
        let mut values = Values { last: Some(self.before), changes: 0 };
        loop {
            for (alert, found) in self.fault.alerts.iter().zip(&mut alerts) {
                if found.is_none() {
                    *found = self.alert(alert).await?;
                }
            }
            let now = read(self.workshop, &self.fault.metric).await;
            values.note(now);
            if metric.is_none() {
                metric = self.metric(&values);
            }
            trace = trace.or_else(|| self.trace());
            line = line.or_else(|| self.line());
            let missing =
                [("metric", metric.is_none()), ("trace", trace.is_none()), ("line", line.is_none())];
            let missing = missing.iter().find(|(_, is_missing)| *is_missing).map(|(what, _)| *what);
            let missing = missing.or_else(|| alerts.iter().any(Option::is_none).then_some("alert"));
            let Some(what) = missing else {
                let line = line.map(|line| self.of_the_trace(line));
                return Ok(alerts.into_iter().chain([metric, trace, line]).flatten().collect());
            };
            if self.begun.elapsed() > within {
                return Err(format!("no {what} showed it; {}", self.instead(&values)).into());
            }
            sleep(EVERY).await;
        }
    }

    /// What there is instead of what was looked for.
    fn instead(&self, values: &Values) -> String {
        let failed = self.evidence.find_span(self.from, |span| span.row.is("error", "yes"));
        let loud = self.evidence.find_line(self.from, |line| !line.row.is("level", "INFO"));
        format!(
            "the metric was {} and is {:?}; a failed span: {}; a loud line: {}",
            self.before,
            values.last,
            failed.map_or("none".to_owned(), |span| format!("{:?}", span.row)),
            loud.map_or("none".to_owned(), |line| format!("{:?}", line.row)),
        )
    }

    fn found(&self, what: &'static str, text: String) -> Found {
        Found { after: self.begun.elapsed(), what, text }
    }

    async fn alert(&self, alert: &Alert) -> Result<Option<Found>, BoxError> {
        let rule = rules::of(alert)?;
        let Some(prometheus) = self.prometheus else {
            let text = format!("{} not evaluated: no `prometheus` in PATH", alert.name);
            return Ok(Some(self.found("alert", text)));
        };
        let Some(now) = prometheus.state(alert).await? else { return Ok(None) };
        let text = match &alert.part {
            None => format!(
                "{}{{job=\"{}\"}} {}, value {} (fires after {})",
                alert.name, alert.job, now.state, now.value, rule.lasts
            ),
            Some(part) => format!(
                "{}{{job=\"{}\"}} `{}` is true: {}; {}",
                alert.name, alert.job, part.condition, now.value, part.rest
            ),
        };
        Ok(Some(self.found("alert", text)))
    }

    fn metric(&self, values: &Values) -> Option<Found> {
        let metric = &self.fault.metric;
        let now = values.last?;
        let is_seen = match metric.seen {
            Seen::Grows(by) => now - self.before >= by,
            Seen::Reaches(at, _) => now >= at,
            Seen::Changes(times) => values.changes >= times,
        };
        let labels: Vec<String> =
            metric.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let (before, name) = (self.before, metric.name);
        let text = format!("{} {name}{labels} {} → {}", metric.service, figure(before), figure(now));
        is_seen.then(|| self.found("metric", text))
    }

    fn trace(&self) -> Option<Found> {
        let text = match self.fault.trace {
            Sight::Shows(is_it) => {
                let Span { micros, row, .. } = self.evidence.find_span(self.from, is_it)?;
                let words = ["error.type", "exception.message"].map(|key| row.get(key));
                let mut words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
                let told = request::told_of(&row);
                words.extend((!told.is_empty()).then_some(&*told));
                let (service, name, kind) = (row.get("service"), row.get("name"), row.get("kind"));
                let (id, took) = (row.get("trace_id"), micros / 1_000);
                format!("{id} {service} {name} ({kind}) {took} ms {}", words.join(": "))
            }
            Sight::Missing(service) => {
                let came = |span: &Span| service.is_empty() || span.row.is("service", service);
                // What was on its way may come.
                let late = self.evidence.find_span(self.from + 1_000_000, came);
                self.stays_away(late.is_none(), "span", service)?
            }
        };
        Some(self.found("trace", text.trim_end().to_owned()))
    }

    fn line(&self) -> Option<Found> {
        let text = match self.fault.line {
            Sight::Shows(is_it) => short(&self.evidence.find_line(self.from, is_it)?),
            Sight::Missing(service) => {
                let came = |line: &Line| line.row.is("service", service);
                let late = self.evidence.find_line(self.from + 1_000_000, came);
                self.stays_away(late.is_none(), "line", service)?
            }
        };
        Some(self.found("line", text))
    }

    /// The line of the trace that was shown, if it has one that says the same.
    fn of_the_trace(&self, line: Found) -> Found {
        let (Sight::Shows(is_span), Sight::Shows(is_line)) = (&self.fault.trace, &self.fault.line) else {
            return line;
        };
        let span = self.evidence.find_span(self.from, is_span);
        let same = span.and_then(|span| {
            let id = span.row.get("trace_id").to_owned();
            self.evidence.find_line(self.from, |line| line.row.is("trace_id", &id) && is_line(line))
        });
        same.map_or(line.clone(), |same| Found { text: short(&same), ..line })
    }

    fn stays_away(&self, is_away: bool, what: &str, service: &str) -> Option<String> {
        let of = if service.is_empty() { "any of the eight" } else { service };
        let since = evidence::time_of_day(self.from);
        (is_away && self.begun.elapsed() > STAYS_AWAY)
            .then(|| format!("no {what} of {of} since {}", &since[..8]))
    }

    /// Is the metric calm, and does that come again which stayed away? Asked again and again after the end of the fault.
    pub(super) async fn is_calm(&self, last: &mut Option<f64>, ended: i64) -> bool {
        let now = read(self.workshop, &self.fault.metric).await;
        let before = std::mem::replace(last, now);
        let is_metric_calm = match (self.fault.metric.seen, before, now) {
            (Seen::Reaches(_, calm), _, Some(now)) => now <= calm,
            (Seen::Grows(by), Some(before), Some(now)) => now - before <= by / 10.0,
            (Seen::Changes(_), before, Some(now)) => before == Some(now),
            (Seen::Grows(_), None, Some(_)) => false,
            (_, _, None) => false,
        };
        let traces = match self.fault.trace {
            Sight::Shows(_) => true,
            Sight::Missing(of) => {
                let comes = |span: &Span| of.is_empty() || span.row.is("service", of);
                self.evidence.find_span(ended, comes).is_some()
            }
        };
        let lines = match self.fault.line {
            Sight::Shows(_) => true,
            Sight::Missing(of) => self.evidence.find_line(ended, |line| line.row.is("service", of)).is_some(),
        };
        is_metric_calm && traces && lines
    }
}

impl Values {
    fn note(&mut self, now: Option<f64>) {
        if let Some(now) = now {
            self.changes += usize::from(self.last != Some(now));
            self.last = Some(now);
        }
    }
}

/// The metric's series, added; 0 while there is none, and none while the service does not answer.
pub(super) async fn read(workshop: &Workshop, metric: &Metric) -> Option<f64> {
    let page = format!("{}/metrics", workshop.address(metric.service).ok()?.admin);
    let text = Calls::unseen().text(Method::GET, page, None, Bytes::new()).await.ok()?;
    let rows = exposition::read(metric.service, &String::from_utf8_lossy(&text));
    let is_it = |row: &&evidence::Row| {
        row.is("name", metric.name) && metric.labels.iter().all(|(label, value)| row.is(label, value))
    };
    let values = rows.iter().filter(is_it).filter_map(|row| row.get("value").parse::<f64>().ok());
    // The sum of none would be -0.
    Some(values.fold(0.0, |sum, value| sum + value))
}

fn short(line: &Line) -> String {
    let words = request::short(line, &line.row.get("time")[..12]);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn figure(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") }
}

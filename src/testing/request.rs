//! One request (or one job) as all three signals saw it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::Span;
use super::picture::Picture;
use super::sample::{Sample, sum};
use crate::names::{attribute, key, label};
use crate::record::Kind;

/// What one request left behind: its span and those below it, its lines, the series that it was counted on.
///
/// As of the moment at which it was asked for: a task that outlives its request may add to it. `{request}` shows
/// all of it.
///
/// ```
/// # use axum::{Router, body::Body, http::Request, routing::get};
/// # use tower::ServiceExt;
/// # use tower_observability::testing::Instance;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seen = Instance::new();
/// let app = Router::new().route("/bookings/{id}", get(|| async { "booked" })).layer(seen.layer());
/// let asked = Request::get("/bookings/7").header("x-request-id", "order-7").body(Body::empty())?;
/// let response = app.oneshot(asked).await?;
/// axum::body::to_bytes(response.into_body(), usize::MAX).await?;
///
/// let request = seen.request("order-7");
/// assert_eq!(request.span().name, "GET /bookings/{id}");
/// assert_eq!(request.line("GET /bookings/{id} 200")["path"], "/bookings/7");
/// assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    own: Option<Span>,
    closing: Option<Value>,
    labels: Vec<(&'static str, Option<String>)>,
    picture: Picture,
}

/// A request or a job that has ended: its span if it was sampled, its line if it has one.
#[derive(Clone, Copy)]
struct Ended<'a> {
    span: Option<&'a Span>,
    line: Option<&'a Value>,
}

const REQUEST: &str = "tower_observability::request";
const WORK: &str = "tower_observability::work";

/// The labels that tell one request's series from another's, and the attributes that they are made of.
const LABELS: [(&str, &str); 8] = [
    (label::ERROR_TYPE, attribute::ERROR_TYPE),
    (label::HTTP_REQUEST_METHOD, attribute::HTTP_REQUEST_METHOD),
    (label::HTTP_RESPONSE_STATUS_CODE, attribute::HTTP_RESPONSE_STATUS_CODE),
    (label::HTTP_ROUTE, attribute::HTTP_ROUTE),
    (label::NETWORK_PROTOCOL_VERSION, attribute::NETWORK_PROTOCOL_VERSION),
    (label::RPC_METHOD, attribute::RPC_METHOD),
    (label::RPC_RESPONSE_STATUS_CODE, attribute::RPC_RESPONSE_STATUS_CODE),
    (label::URL_SCHEME, attribute::URL_SCHEME),
];

/// The attributes of the unsampled request, and the keys of its line.
const LABELS_OF_A_LINE: [(&str, &str); 4] = [
    (label::HTTP_RESPONSE_STATUS_CODE, key::STATUS),
    (label::HTTP_ROUTE, key::ROUTE),
    (label::RPC_METHOD, key::RPC_METHOD),
    (label::RPC_RESPONSE_STATUS_CODE, key::RPC_STATUS),
];

/// Finds the one that is called so; or says how many there are.
pub(super) fn find(picture: Picture, which: &str) -> Result<Request, String> {
    let all = ended(&picture);
    let called: Vec<_> = all.iter().filter(|ended| ended.is_called(which)).copied().collect();
    one(&picture, &called, "is", "are", &format!("called {which:?}"))
}

/// Finds the only request; or says how many there are.
pub(super) fn only(picture: Picture) -> Result<Request, String> {
    let served: Vec<_> = ended(&picture).into_iter().filter(|ended| ended.is_request()).collect();
    one(&picture, &served, "has", "have", "ended")
}

fn one(picture: &Picture, found: &[Ended<'_>], is: &str, are: &str, what: &str) -> Result<Request, String> {
    match found {
        [ended] => Ok(ended.request(picture)),
        [] => Err(format!("no request {is} {what}{}; seen so far:\n{picture}", remedy(picture))),
        several => Err(format!("{} requests {are} {what}, not one; seen so far:\n{picture}", several.len())),
    }
}

/// A request ends with its response's last byte, which is what tests forget.
fn remedy(picture: &Picture) -> &'static str {
    if picture.open_requests().next().is_some() {
        ", but one has not ended: read its response's body to the end, or await `wait_for`"
    } else {
        ""
    }
}

fn ended(picture: &Picture) -> Vec<Ended<'_>> {
    let targets = [REQUEST, WORK];
    let closing =
        picture.lines.iter().filter(|line| targets.iter().any(|target| line[key::TARGET] == *target));
    let mut all: Vec<_> = closing
        .map(|line| Ended { span: picture.spans.iter().find(|span| is_in(line, span)), line: Some(line) })
        .collect();
    let reported: Vec<_> = all.iter().filter_map(|ended| ended.span).map(|span| span.trace.span_id).collect();
    let silent = |span: &&Span| span.kind == Kind::Server && !reported.contains(&span.trace.span_id);
    all.extend(picture.spans.iter().filter(silent).map(|span| Ended { span: Some(span), line: None }));
    all
}

/// Was the line written directly in the span?
fn is_in(line: &Value, span: &Span) -> bool {
    line[key::SPAN_ID] == span.trace.span_id.to_string()
        && line[key::TRACE_ID] == span.trace.trace_id.to_string()
}

impl Request {
    /// The request's own span.
    ///
    /// # Panics
    ///
    /// If the request was not sampled.
    #[track_caller]
    pub fn span(&self) -> &Span {
        match &self.own {
            Some(own) => own,
            None => panic!("the request has no span, it was not sampled:\n{self}"),
        }
    }

    /// The span of this name somewhere below the request's own: a `tracing` span, a call to another service.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn child(&self, name: &str) -> &Span {
        let own = self.own.as_ref().map(|own| own.trace);
        let is_child = |span: &&Span| span.name == name && Some(span.trace) != own;
        match self.picture.spans.iter().filter(is_child).collect::<Vec<_>>()[..] {
            [span] => span,
            ref found => panic!("{} spans {name:?} below the request, not one:\n{self}", found.len()),
        }
    }

    /// The request's own span and all below it, in the order in which they ended.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.picture.spans
    }

    /// The line with this message.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn line(&self, message: &str) -> &Value {
        let said = |line: &&Value| line[key::MESSAGE] == message;
        match self.picture.lines.iter().filter(said).collect::<Vec<_>>()[..] {
            [line] => line,
            ref found => panic!("{} lines {message:?} in the request, not one:\n{self}", found.len()),
        }
    }

    /// The line that was written at the request's end.
    ///
    /// # Panics
    ///
    /// If it has none.
    #[track_caller]
    pub fn closing_line(&self) -> &Value {
        match &self.closing {
            Some(line) => line,
            None => panic!("the request has no line at its end:\n{self}"),
        }
    }

    /// All lines of the request and of what is below it, as they were written.
    #[must_use]
    pub fn lines(&self) -> &[Value] {
        &self.picture.lines
    }

    /// The sum of the series of this name (as on the page) on which this request may be counted: of those
    /// whose method, route, status, error, protocol and scheme are the request's, or that have no such label.
    ///
    /// A metric is the instance's: two requests with the same labels are counted on one series.
    ///
    /// # Panics
    ///
    /// If there is none. The message shows the closest.
    #[must_use]
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        match sum(&self.picture.samples, name, |sample| self.is_counted_on(sample)) {
            Ok(value) => value,
            Err(instead) => panic!("{instead}\nthe request:\n{self}"),
        }
    }

    fn is_counted_on(&self, sample: &Sample) -> bool {
        let is_own = |(label, own): &(&str, Option<String>)| {
            // Gauges, and the user's own metrics, do not have all of them.
            let shared = self.picture.samples.iter().filter(|other| other.name == sample.name);
            match sample.label(label) {
                Some(value) => own.as_deref() == Some(value),
                None => own.is_none() || shared.into_iter().all(|other| other.label(label).is_none()),
            }
        };
        self.labels.iter().all(is_own)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let samples = self.picture.samples.iter().filter(|sample| self.is_counted_on(sample)).cloned();
        Picture { samples: samples.collect(), ..self.picture.clone() }.fmt(f)
    }
}

impl Ended<'_> {
    fn is_request(&self) -> bool {
        self.span.is_some_and(|span| span.kind == Kind::Server)
            || self.line.is_some_and(|line| line[key::TARGET] == REQUEST)
    }

    fn is_called(&self, which: &str) -> bool {
        let of_span = self.span.is_some_and(|span| {
            let keys = [attribute::HTTP_ROUTE, attribute::URL_PATH];
            span.name == which
                || keys.iter().any(|key| span.attributes.get(*key).is_some_and(|own| own == which))
        });
        let keys = [key::ROUTE, key::PATH, key::REQUEST_ID, key::TRACE_ID];
        of_span
            || self.line.is_some_and(|line| keys.iter().any(|key| line[key] == which))
            || self.span.is_some_and(|span| span.trace.trace_id.to_string() == which)
    }

    fn id(&self, key: &str) -> String {
        let of_line = || self.line.and_then(|line| line[key].as_str()).unwrap_or_default().to_owned();
        self.span.map_or_else(of_line, |span| match key {
            key::TRACE_ID => span.trace.trace_id.to_string(),
            _ => span.trace.span_id.to_string(),
        })
    }

    fn request(&self, seen: &Picture) -> Request {
        let spans = self.spans(seen);
        let trace = self.id(key::TRACE_ID);
        let elsewhere = |line: &Value| {
            // A span that is still open is in no list: then the request's id decides.
            let known = seen.spans.iter().any(|span| is_in(line, span));
            known || self.line.is_none_or(|own| own[key::REQUEST_ID] != line[key::REQUEST_ID])
        };
        let is_own = |line: &&Value| {
            let within =
                line[key::SPAN_ID] == self.id(key::SPAN_ID) || spans.iter().any(|span| is_in(line, span));
            line[key::TRACE_ID] == trace && (within || !elsewhere(line))
        };
        let lines = seen.lines.iter().filter(is_own).cloned().collect();
        let open = seen.open.iter().filter(|open| open.is_in(&trace)).cloned().collect();
        let picture = Picture { spans, open, lines, samples: seen.samples.clone() };
        Request { own: self.span.cloned(), closing: self.line.cloned(), labels: self.labels(), picture }
    }

    /// Its own and all below it.
    fn spans(&self, seen: &Picture) -> Vec<Span> {
        let Some(own) = self.span else { return Vec::new() };
        let mut within = BTreeSet::from([own.trace.span_id]);
        // A child may end before or after its parent: until nothing is added.
        loop {
            let before = within.len();
            let in_trace = seen.spans.iter().filter(|span| span.trace.trace_id == own.trace.trace_id);
            let below = in_trace.filter(|span| span.parent.is_some_and(|parent| within.contains(&parent)));
            within.extend(below.map(|span| span.trace.span_id).collect::<Vec<_>>());
            if within.len() == before {
                break;
            }
        }
        let is_within =
            |span: &&Span| span.trace.trace_id == own.trace.trace_id && within.contains(&span.trace.span_id);
        seen.spans.iter().filter(is_within).cloned().collect()
    }

    fn labels(&self) -> Vec<(&'static str, Option<String>)> {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match (self.span, self.line) {
            (Some(span), _) if span.kind == Kind::Server => {
                let own = |key| span.attributes.get(key).map(ToString::to_string);
                LABELS.map(|(label, key)| (label, own(key))).to_vec()
            }
            (Some(span), _) => vec![(label::WORK_NAME, Some(span.name.clone()))],
            (None, Some(line)) if line[key::TARGET] == REQUEST => {
                LABELS_OF_A_LINE.map(|(label, key)| (label, line.get(key).map(plain))).to_vec()
            }
            _ => Vec::new(),
        }
    }
}

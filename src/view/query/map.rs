//! `/api/map`: who calls whom.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::super::model::{Kind, Span, SpanId, TraceId};
use super::super::store::Held;
use super::durations::Durations;
use super::parameters::{Parameters, Wrong};
use super::window::Window;

#[derive(Serialize)]
pub(crate) struct Map {
    version: u64,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

#[derive(Serialize)]
struct Node {
    service: String,
    outside: bool,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Edge {
    from: String,
    to: String,
    kind: Protocol,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct Figures {
    requests: u64,
    errors: u64,
    p95: Option<f64>,
    rate: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Http,
    Rpc,
    Messaging,
    Database,
    Other,
}

#[derive(Default)]
struct Sum {
    requests: u64,
    errors: u64,
    durations: Durations,
}

/// A span by its ids, whatever its trace: messages may be processed in a trace of their own.
type Spans<'a> = HashMap<(TraceId, SpanId), &'a Span>;

/// What is found so far.
#[derive(Default)]
struct Found<'a> {
    services: BTreeMap<&'a str, Sum>,
    outside: BTreeMap<String, Sum>,
    edges: BTreeMap<(String, String, Protocol), Sum>,
    /// The calls whose other side was seen.
    answered: HashSet<(TraceId, SpanId)>,
    /// Who was found at an address.
    peers: HashMap<String, &'a str>,
}

pub(crate) fn map(held: &Held, asked: &Parameters) -> Result<Map, Wrong> {
    let mut window = Window::of(held, asked)?;
    let traces = held.traces.iter().map(|(_, trace)| trace);
    let spans: Spans<'_> = traces
        .flat_map(|trace| &trace.spans)
        .filter(|span| window.has(span.end()))
        .map(|span| ((span.trace, span.id), span))
        .collect();
    spans.values().for_each(|span| window.see(span.start.max(window.from)));
    let mut found = Found::default();
    spans.values().for_each(|span| found.incoming(&spans, span));
    spans.values().for_each(|span| found.unanswered(span));
    Ok(found.map(held.version, window))
}

impl<'a> Found<'a> {
    /// The service of each span, and the call that it answers.
    fn incoming(&mut self, spans: &Spans<'a>, span: &'a Span) {
        let own = self.services.entry(&span.resource.service).or_default();
        if span.kind.is_entry() {
            own.add(span.failed, span.duration);
        }
        let parent = spans.get(&(span.trace, span.parent)).copied();
        if let Some(parent) = parent.filter(|parent| parent.kind.is_exit() && span.kind.is_exit()) {
            // A call within a call, such as a driver's within a client's: the inner one is looked at.
            self.answered.insert((parent.trace, parent.id));
        }
        let linked = span.links.iter().find_map(|link| spans.get(&(link.trace, link.span)).copied());
        let sent = linked.filter(|sent| span.kind == Kind::Consumer && sent.kind == Kind::Producer);
        let is_other = |caller: &&Span| {
            caller.resource.service != span.resource.service
                || (span.kind.is_entry() && caller.kind.is_exit())
        };
        let Some(caller) = sent.or(parent).filter(is_other) else { return };
        self.answered.insert((caller.trace, caller.id));
        if let Some(peer) = address(caller).filter(|_| caller.kind == Kind::Client) {
            self.peers.insert(peer, &span.resource.service);
        }
        let is_call = caller.kind == Kind::Client;
        // The caller's duration has the network in it; a message's sender does not wait.
        let (failed, duration) =
            if is_call { (caller.failed, caller.duration) } else { (span.failed, span.duration) };
        let protocol = if caller.kind.is_exit() { protocol(caller) } else { protocol(span) };
        let key = (caller.resource.service.to_string(), span.resource.service.to_string(), protocol);
        self.edges.entry(key).or_default().add(failed, duration);
    }

    /// The calls whose other side was not seen: it sends no spans, or was not reached.
    fn unanswered(&mut self, span: &'a Span) {
        if !span.kind.is_exit() || self.answered.contains(&(span.trace, span.id)) {
            return;
        }
        let from = span.resource.service.to_string();
        let known = address(span).and_then(|address| self.peers.get(&address).copied());
        let to = known.map_or_else(|| peer(span), str::to_owned);
        if known.is_none() && !self.services.contains_key(&*to) {
            self.outside.entry(to.clone()).or_default().add(span.failed, span.duration);
        }
        self.edges.entry((from, to, protocol(span))).or_default().add(span.failed, span.duration);
    }

    fn map(self, version: u64, window: Window) -> Map {
        let services = self.services.into_iter().map(|(name, sum)| (name.to_owned(), false, sum));
        let outside = self.outside.into_iter().map(|(name, sum)| (name, true, sum));
        let node =
            |(service, outside, sum): (_, _, Sum)| Node { service, outside, figures: sum.figures(window) };
        let edge = |((from, to, kind), sum): (_, Sum)| Edge { from, to, kind, figures: sum.figures(window) };
        Map {
            version,
            nodes: services.chain(outside).map(node).collect(),
            edges: self.edges.into_iter().map(edge).collect(),
        }
    }
}

impl Sum {
    fn add(&mut self, failed: bool, duration: f64) {
        self.requests += 1;
        self.errors += u64::from(failed);
        self.durations.add(duration);
    }

    fn figures(mut self, window: Window) -> Figures {
        self.durations.sort();
        Figures {
            requests: self.requests,
            errors: self.errors,
            p95: self.durations.quantile(0.95),
            rate: window.rate(self.requests),
        }
    }
}

fn protocol(span: &Span) -> Protocol {
    let has = |prefix: &str| span.attributes.0.iter().any(|(name, _)| name.starts_with(prefix));
    match () {
        () if has("db.") => Protocol::Database,
        () if has("messaging.") => Protocol::Messaging,
        () if has("rpc.") => Protocol::Rpc,
        () if has("http.") => Protocol::Http,
        () => Protocol::Other,
    }
}

fn address(span: &Span) -> Option<String> {
    let host = span.attributes.text(&["server.address", "net.peer.name"])?;
    match span.attributes.text(&["server.port", "net.peer.port"]) {
        Some(port) => Some(format!("{host}:{port}")),
        None => Some(host),
    }
}

/// What to call somebody who sends no spans.
fn peer(span: &Span) -> String {
    let text = |names: &[&str]| span.attributes.text(names);
    let database = || {
        let system = text(&["db.system.name", "db.system"])?;
        Some(
            text(&["db.namespace", "db.name"])
                .map_or_else(|| system.clone(), |name| format!("{system} {name}")),
        )
    };
    let messages = || {
        let queue = text(&["messaging.destination.name"]);
        let system = text(&["messaging.system", "messaging.system.name"]);
        let both = [system, queue].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(both).filter(|both| !both.is_empty())
    };
    let named = text(&["peer.service", "service.peer.name"]).or_else(database).or_else(messages);
    named.or_else(|| address(span)).unwrap_or_else(|| span.name.to_string())
}

//! A trace as Jaeger has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::http;
use super::systems::JAEGER;
use super::wait::{SOON, eventually};
use super::workshop::spans_of;

/// All spans of a trace that Jaeger has.
pub struct Trace(pub Vec<Span>);

#[derive(Clone)]
pub struct Span {
    pub id: String,
    /// Empty for a root.
    pub parent: String,
    /// The spans that it links to.
    pub links: Vec<String>,
    /// Microseconds since 1970.
    pub start: u64,
    /// Microseconds.
    pub duration: u64,
    pub service: String,
    pub name: String,
    pub tags: BTreeMap<String, Value>,
    pub resource: BTreeMap<String, Value>,
}

impl Trace {
    /// What Jaeger has of it now; no spans, if it does not know it.
    pub async fn so_far(trace_id: &str) -> Self {
        let answer = http::get(&JAEGER.url(&format!("/api/traces/{trace_id}"))).await;
        if answer.status == 404 {
            return Self(Vec::new());
        }
        let data = &answer.json()["data"][0];
        let spans = data["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self(spans.iter().map(|span| Span::of(span, &data["processes"])).collect())
    }

    /// The trace, once it has spans of exactly these services and every parent; the root's may be `outside` of Jaeger.
    pub async fn whole(trace_id: &str, services: &[&str], outside: &str) -> Self {
        let expected: BTreeSet<&str> = services.iter().copied().collect();
        eventually(SOON, &format!("the whole trace {trace_id}, {expected:?}"), async || {
            let trace = Self::so_far(trace_id).await;
            let is_whole = trace.services() == expected && trace.missing_parents() == [outside];
            if is_whole { Ok(trace) } else { Err(format!("{trace:?}")) }
        })
        .await
    }

    /// The trace, once it has as many spans of each service as that has sent: one without children may be the last to come.
    pub async fn of_spans(trace_id: &str, sent: &BTreeMap<String, usize>) -> Self {
        eventually(SOON, &format!("{sent:?} of the trace {trace_id}"), async || {
            let trace = Self::so_far(trace_id).await;
            let came = spans_of(trace.0.iter().map(|span| &*span.service));
            if came == *sent { Ok(trace) } else { Err(format!("{came:?} {trace:?}")) }
        })
        .await
    }

    pub fn services(&self) -> BTreeSet<&str> {
        self.0.iter().map(|span| &*span.service).collect()
    }

    /// Each once; empty stands for a root.
    fn missing_parents(&self) -> Vec<&str> {
        let known: BTreeSet<_> = self.0.iter().map(|span| &*span.id).collect();
        let parents: BTreeSet<_> = self.0.iter().map(|span| &*span.parent).collect();
        parents.difference(&known).copied().collect()
    }

    pub fn of<'a>(&'a self, service: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Span> {
        self.0.iter().filter(move |span| span.service == service && span.tag("span.kind") == kind)
    }

    /// The one span of this service and kind.
    pub fn one<'a>(&'a self, service: &'a str, kind: &'a str) -> &'a Span {
        let mut spans = self.of(service, kind);
        let span = spans.next().unwrap_or_else(|| panic!("no {kind} span of {service}: {self:?}"));
        assert!(spans.next().is_none(), "two {kind} spans of {service}: {self:?}");
        span
    }

    pub fn parent_of(&self, span: &Span) -> &Span {
        let mut found = self.0.iter().filter(|one| one.id == span.parent);
        found.next().unwrap_or_else(|| panic!("no parent of {span:?}"))
    }
}

impl Span {
    fn of(span: &Value, processes: &Value) -> Self {
        let process = &processes[text(&span["processID"])];
        let references = span["references"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of_kind = |kind: &str| {
            let of_kind = references.iter().filter(|reference| reference["refType"] == *kind);
            of_kind.map(|reference| text(&reference["spanID"])).collect::<Vec<_>>()
        };
        let mut parents = of_kind("CHILD_OF");
        assert!(parents.len() <= 1, "{span:#}");
        Self {
            id: text(&span["spanID"]),
            parent: parents.pop().unwrap_or_default(),
            links: of_kind("FOLLOWS_FROM"),
            start: span["startTime"].as_u64().unwrap(),
            duration: span["duration"].as_u64().unwrap(),
            service: text(&process["serviceName"]),
            name: text(&span["operationName"]),
            tags: tags(&span["tags"]),
            resource: tags(&process["tags"]),
        }
    }

    /// A tag as text; empty if there is none.
    pub fn tag(&self, key: &str) -> String {
        self.tags.get(key).map_or_else(String::new, text)
    }

    pub fn tracestate(&self) -> String {
        self.tag("w3c.tracestate")
    }

    pub fn instance(&self) -> String {
        self.resource.get("service.instance.id").map_or_else(String::new, text)
    }
}

fn tags(list: &Value) -> BTreeMap<String, Value> {
    list.as_array().unwrap().iter().map(|tag| (text(&tag["key"]), tag["value"].clone())).collect()
}

/// A text as it is, anything else as JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|span| write!(f, "\n  {span:?}"))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, parent, service, name, .. } = self;
        let (kind, tracestate) = (self.tag("span.kind"), self.tracestate());
        write!(f, "{id} below {parent:16} {service:13} {kind:8} {name} {tracestate:?}")
    }
}

//! Owns a trace as Jaeger has it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::support::http;
use crate::support::systems::JAEGER;
use crate::support::wait::{SOON, eventually};

/// All spans of a trace that Jaeger has.
pub(super) struct Trace(pub(super) Vec<Span>);

pub(super) struct Span {
    pub(super) id: String,
    /// Empty for a root.
    pub(super) parent: String,
    pub(super) service: String,
    pub(super) name: String,
    tags: Value,
}

impl Trace {
    /// What Jaeger has of it now; no spans, if it does not know it.
    pub(super) async fn so_far(trace_id: &str) -> Self {
        let answer = http::get(&JAEGER.url(&format!("/api/traces/{trace_id}"))).await;
        if answer.status == 404 {
            return Self(Vec::new());
        }
        let data = answer.json()["data"][0].take();
        let spans = data["spans"].as_array().cloned().unwrap_or_default();
        Self(spans.into_iter().map(|span| Span::of(span, &data["processes"])).collect())
    }

    /// The trace, once it has spans of exactly these services and every parent; the root's may be `outside` of Jaeger.
    pub(super) async fn whole(trace_id: &str, services: &[&str], outside: &str) -> Self {
        let expected: BTreeSet<&str> = services.iter().copied().collect();
        eventually(SOON, &format!("the whole trace {trace_id}, {expected:?}"), async || {
            let trace = Self::so_far(trace_id).await;
            let is_whole = trace.services() == expected && trace.missing_parents() == [outside];
            if is_whole { Ok(trace) } else { Err(format!("{trace:?}")) }
        })
        .await
    }

    pub(super) fn services(&self) -> BTreeSet<&str> {
        self.0.iter().map(|span| &*span.service).collect()
    }

    /// Each once; empty stands for a root.
    fn missing_parents(&self) -> Vec<&str> {
        let known: BTreeSet<_> = self.0.iter().map(|span| &*span.id).collect();
        let parents: BTreeSet<_> = self.0.iter().map(|span| &*span.parent).collect();
        parents.difference(&known).copied().collect()
    }

    pub(super) fn of<'a>(&'a self, service: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Span> {
        self.0.iter().filter(move |span| span.service == service && span.tag("span.kind") == kind)
    }

    /// The one span of this service and kind.
    pub(super) fn one<'a>(&'a self, service: &'a str, kind: &'a str) -> &'a Span {
        let mut spans = self.of(service, kind);
        let span = spans.next().unwrap_or_else(|| panic!("no {kind} span of {service}: {self:?}"));
        assert!(spans.next().is_none(), "two {kind} spans of {service}: {self:?}");
        span
    }

    pub(super) fn parent_of(&self, span: &Span) -> &Span {
        let mut found = self.0.iter().filter(|one| one.id == span.parent);
        found.next().unwrap_or_else(|| panic!("no parent of {span:?}"))
    }
}

impl Span {
    fn of(span: Value, processes: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parent = span["references"].as_array().into_iter().flatten();
        let parent = parent.into_iter().find(|reference| reference["refType"] == "CHILD_OF");
        Self {
            id: text(&span["spanID"]),
            parent: parent.map(|parent| text(&parent["spanID"])).unwrap_or_default(),
            service: text(&processes[text(&span["processID"])]["serviceName"]),
            name: text(&span["operationName"]),
            tags: span["tags"].clone(),
        }
    }

    /// A tag as text; empty if there is none.
    pub(super) fn tag(&self, key: &str) -> String {
        let mut tags = self.tags.as_array().into_iter().flatten();
        match tags.find(|tag| tag["key"] == key).map(|tag| &tag["value"]) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    pub(super) fn tracestate(&self) -> String {
        self.tag("w3c.tracestate")
    }
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

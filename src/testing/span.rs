//! A finished span as a test reads it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::context::{SpanId, TraceContext, Tracestate};
use crate::record::{Kind, Value};
use crate::traces::{Finished, Status};

/// A finished span, exactly as it would have been exported.
///
/// ```
/// use tower_observability::testing::Instance;
///
/// assert!(Instance::new().spans().iter().all(|span| !span.is_error()));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Span {
    /// The name.
    pub name: String,
    /// The kind.
    pub kind: Kind,
    /// Trace id, span id and flags.
    pub trace: TraceContext,
    /// The parent's id; `None` at a trace's root.
    pub parent: Option<SpanId>,
    /// The attributes.
    pub attributes: BTreeMap<String, Value>,
    /// The status: `None` is unset, else an error with its description, which may be empty.
    pub error: Option<String>,
    /// The vendors' list that the span belongs to.
    pub tracestate: Tracestate,
    /// Did the parent come in from another process?
    pub parent_is_remote: bool,
    /// How many attributes were more than the limit.
    pub attributes_dropped: u32,
    /// How many links were more than the limit.
    pub links_dropped: u32,
    /// Contexts that belong to the story without being the parent.
    pub links: Vec<TraceContext>,
    /// When it began, to the nanosecond.
    pub start: SystemTime,
    /// When it ended; by the same clock, so that it is never before `start`.
    pub end: SystemTime,
}

impl Span {
    /// Is the status an error?
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// The attribute of this key, to be compared with a plain value: `assert_eq!(span.attribute("rows"), 3)`.
    ///
    /// Whether it is there at all is a question to [`attributes`](Self::attributes).
    ///
    /// # Panics
    ///
    /// If the span does not have it. The message lists what it has.
    #[track_caller]
    pub fn attribute(&self, key: &str) -> &Value {
        match self.attributes.get(key) {
            Some(value) => value,
            None => {
                let own: String =
                    self.attributes.iter().map(|(key, value)| format!("\n  {key} = {value}")).collect();
                panic!("the span {:?} has no attribute {key:?}; it has:{own}", self.name)
            }
        }
    }

    /// Is `parent` the span directly above?
    #[must_use]
    pub fn is_child_of(&self, parent: &Self) -> bool {
        self.is_below(parent.trace)
    }

    pub(super) fn is_below(&self, parent: TraceContext) -> bool {
        self.trace.trace_id == parent.trace_id && self.parent == Some(parent.span_id)
    }
}

impl From<Finished> for Span {
    fn from(span: Finished) -> Self {
        Self {
            name: span.name.into_owned(),
            kind: span.kind,
            trace: span.trace,
            parent: span.parent,
            attributes: span.attributes.into_iter().map(|(key, value)| (key.into_owned(), value)).collect(),
            error: match span.status {
                Status::Unset | Status::Ok => None,
                Status::Error(description) => Some(description.into_owned()),
            },
            tracestate: span.tracestate,
            parent_is_remote: span.parent_is_remote,
            attributes_dropped: span.attributes_dropped,
            links_dropped: span.links_dropped,
            links: span.links,
            start: span.start.system_time(),
            end: span.end.system_time(),
        }
    }
}

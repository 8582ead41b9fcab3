//! Owns a finished span as a test reads it.

use std::collections::BTreeMap;

use crate::clock::Moment;
use crate::context::{SpanId, TraceContext};
use crate::scope::{Kind, Value};
use crate::spans::{Finished, Status};

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
    /// Contexts that belong to the story without being the parent.
    pub links: Vec<TraceContext>,
    /// Begin.
    pub start: Moment,
    /// End.
    pub end: Moment,
}

impl Span {
    /// Is the status an error?
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.error.is_some()
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
                Status::Unset => None,
                Status::Error(description) => Some(description.into_owned()),
            },
            links: span.links,
            start: span.start,
            end: span.end,
        }
    }
}

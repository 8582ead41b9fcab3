//! What several answers have rows of.

use serde::Serialize;

use super::super::model::{Attributes, Line, SpanId, TraceId};

/// A line, wherever lines are answered.
#[derive(Serialize)]
pub(super) struct LineRow<'a> {
    at: i64,
    level: &'a str,
    service: &'a str,
    message: &'a str,
    trace: TraceId,
    span: SpanId,
    attributes: &'a Attributes,
    event_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<usize>,
}

impl<'a> LineRow<'a> {
    pub(super) fn of(line: &'a Line) -> Self {
        Self {
            at: line.at,
            level: &line.level,
            service: &line.resource.service,
            message: &line.message,
            trace: line.trace,
            span: line.span,
            attributes: &line.attributes,
            event_name: &line.event_name,
            resource: None,
        }
    }

    /// With the place of its resource in the answer's list.
    pub(super) fn with_resource(line: &'a Line, place: usize) -> Self {
        Self { resource: Some(place), ..Self::of(line) }
    }
}

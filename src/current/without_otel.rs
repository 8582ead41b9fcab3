//! What is left of OpenTelemetry's context where the feature `interop-opentelemetry` is off: nothing, for free.

use crate::context::{Baggage, SpanId, TraceContext, Tracestate};

/// Nothing is attached.
#[derive(Debug)]
pub(super) struct Attached;

impl Attached {
    pub(super) fn none() -> Self {
        Self
    }
}

#[inline]
pub(super) fn attach(_: TraceContext, _: &Tracestate, _: Option<&Baggage>) -> Attached {
    Attached
}

#[inline]
pub(super) fn innermost(_: Option<SpanId>) -> Option<(TraceContext, Tracestate)> {
    None
}

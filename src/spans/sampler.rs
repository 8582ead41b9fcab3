//! Owns the head decision: is this trace recorded?

use crate::context::{TraceContext, TraceId, Tracestate};

/// The head sampler (`OTEL_TRACES_SAMPLER`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampler {}

/// What the sampler says of a new span.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) sampled: bool,
    /// The list to send on, where the decision changed it (`ot=th:…`).
    pub(crate) tracestate: Option<Tracestate>,
}

impl Sampler {
    /// Decides for a span of this trace, by its parent if it has one.
    pub(crate) fn decide(
        &self,
        parent: Option<&TraceContext>,
        _remote: bool,
        _trace_id: TraceId,
        _tracestate: &Tracestate,
    ) -> Decision {
        Decision { sampled: parent.is_none_or(|parent| parent.flags.is_sampled()), tracestate: None }
    }
}

//! What is current: the hop in progress on this thread.
//!
//! The layer puts a hop on the thread's stack while the service is polled. Log lines, child spans and the
//! functions of [`request`] read it from there.

mod error;
#[cfg(feature = "interop-opentelemetry")]
mod otel;
pub mod request;
mod spawn;
mod stack;

pub use spawn::{InRequest, in_request, spawn};

#[cfg(feature = "interop-opentelemetry")]
pub(crate) use otel::attach_contexts;
pub(crate) use stack::{
    Current, Entered, current, current_hop, enter_as_hop, enter_foreign_span, enter_hop, enter_span,
    exit_span, stands_for_hop, top_hop, with_hop,
};

/// Without the feature there is no context of OpenTelemetry's: nothing is attached, and none is found.
#[cfg(not(feature = "interop-opentelemetry"))]
mod otel {
    use crate::context::{SpanId, TraceContext, Tracestate};
    use crate::record::Hop;

    #[derive(Debug)]
    pub(super) struct Attached;

    impl Attached {
        pub(super) fn none() -> Self {
            Self
        }
    }

    #[inline]
    pub(super) fn attach(_: TraceContext, _: &Tracestate, _: Option<&Hop>) -> Attached {
        Attached
    }

    #[inline]
    pub(super) fn has_contexts() -> bool {
        false
    }

    #[inline]
    pub(super) fn innermost(_: Option<SpanId>) -> Option<(TraceContext, Tracestate)> {
        None
    }
}

//! Interoperation with OpenTelemetry's API: its context sees ours, and ours sees its.

pub use opentelemetry;

use crate::current;

/// From now on `opentelemetry::Context::current()` sees our context wherever one is current.
///
/// That is in a service below an [`ObservabilityLayer`](crate::ObservabilityLayer), in its response's body, in
/// [`Work`](crate::Work), in a task of [`spawn`](crate::spawn) or [`in_request`](crate::in_request), and in a `tracing`
/// span that is entered: trace id, span id, sampled flag, `tracestate` and baggage. A span of OpenTelemetry's API that
/// is made there becomes a child in the same trace, and its propagators write the same trace onto calls.
///
/// In turn, a span of OpenTelemetry that is attached inside is the parent of our spans, lines and calls within it, even
/// outside of our requests.
///
/// It applies to the whole process and adds some cost to each poll; without this call the feature costs a branch. The
/// [`opentelemetry`] in use must be the one that is re-exported here: another version has a context of its own.
///
/// ```
/// use tower_observability::Work;
/// use tower_observability::interop::{self, opentelemetry};
/// use opentelemetry::{Context, trace::TraceContextExt as _};
///
/// interop::attach_contexts();
/// let mut job = Work::internal("clean-up").begin(); // before `init` there is no context
/// job.within(|| assert!(!Context::current().has_active_span()));
/// # job.finish(tower_observability::Outcome::Ok);
/// ```
pub fn attach_contexts() {
    current::attach_contexts();
}

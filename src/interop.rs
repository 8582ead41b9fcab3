//! The door to OpenTelemetry's own API: its context sees ours, and ours sees its.

pub use opentelemetry;

use crate::current;

/// From now on `opentelemetry::Context::current()` sees our context wherever one is current.
///
/// That is in a service below an [`ObservabilityLayer`](crate::ObservabilityLayer), in its response's body, in
/// [`Work`](crate::Work), in a task of [`spawn`](crate::spawn) or [`in_request`](crate::in_request), and in a `tracing`
/// span that is entered: trace id, span id, sampled flag, `tracestate` and baggage. A span of OpenTelemetry's API that
/// is made there becomes a child in the same trace, and its propagators write the same trace onto calls.
///
/// The other way round, a span of theirs that is attached further in is the parent of our spans, lines and calls made
/// within it, also where no request of ours is around.
///
/// It counts for the whole process and costs something at each poll; without this call the feature costs a branch. The
/// [`opentelemetry`] in use must be the one that is re-exported here: another version has a context of its own.
///
/// ```
/// use tower_observability::Work;
/// use tower_observability::interop::{self, opentelemetry};
/// use opentelemetry::{Context, trace::TraceContextExt as _};
///
/// interop::attach_contexts();
/// let mut job = Work::internal("clean-up").begin(); // before `init` there is nothing to see
/// job.within(|| assert!(!Context::current().has_active_span()));
/// # job.finish(tower_observability::Outcome::Ok);
/// ```
pub fn attach_contexts() {
    current::attach_contexts();
}

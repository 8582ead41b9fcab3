//! The context that enters and leaves the process: in headers, and in any other map of strings.
//!
//! [`Remote`] is what a caller sent, already parsed; an `OutgoingContext` is what we send on.

mod carrier;
mod closures;
mod environment;
mod formats;
mod forwarded;
mod headers;
mod inject;
mod propagators;
mod proxies;

pub use carrier::Carrier;
pub use closures::{extract_with, inject_with};
pub use environment::from_environment;
pub use formats::Propagator;
pub use inject::inject;
pub use proxies::Proxies;

pub(crate) use carrier::set_peer;
pub(crate) use headers::KnownHeaders;
#[cfg(feature = "reqwest")]
pub(crate) use headers::clear_headers;
pub(crate) use propagators::Propagators;
pub(crate) use proxies::Original;

use std::sync::Arc;

use crate::context::{Baggage, RequestId, TraceContext, Tracestate};

/// The context that came with a request or a message. Parts that were absent or invalid are empty.
///
/// A `traceparent` or a request id that is sent twice is ambiguous and counts as absent.
///
/// ```
/// use std::collections::HashMap;
/// use tower_observability::propagation;
///
/// let headers = HashMap::from([(
///     "traceparent".to_owned(),
///     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
/// )]);
/// let remote = propagation::extract(&headers);
/// assert!(remote.trace.is_some_and(|trace| trace.flags.is_sampled()));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Remote {
    /// The caller's span.
    pub trace: Option<TraceContext>,
    /// The vendors' list that belongs to it.
    pub tracestate: Tracestate,
    /// The user's own pairs.
    pub baggage: Baggage,
    /// The request's id.
    pub request_id: Option<RequestId>,
    /// Where the sender says it is told that the trace is kept.
    pub(crate) peer: Option<Arc<str>>,
}

/// What is written onto a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutgoingContext<'a> {
    /// `None` if the host must get no context, in any format.
    pub(crate) trace: Option<TraceContext>,
    pub(crate) tracestate: &'a Tracestate,
    /// `None` if the host must not get it: then existing baggage headers are removed as well.
    pub(crate) baggage: Option<&'a Baggage>,
    pub(crate) request_id: Option<&'a RequestId>,
}

/// Reads trace context, baggage and request id from a map of strings, such as a message's headers.
///
/// Reads the formats that the process reads from requests as well (`OTEL_PROPAGATORS`), and writes by
/// [`inject`]; before `init` those are W3C's and the request id.
#[must_use]
pub fn extract(carrier: &impl Carrier) -> Remote {
    Propagators::of_process().read(carrier)
}

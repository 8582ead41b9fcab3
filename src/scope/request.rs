//! Owns what a handler may say of the request that it is part of, from anywhere below the layer.
//!
//! Each call reaches the request's span and its log line. Outside a request each call does nothing and says
//! so by `false`.
//!
//! ```
//! use tower_observability::{Outcome, request};
//!
//! async fn pay() {
//!     request::add("customer_id", 4711);
//!     if let Err(error) = std::fs::read("/does/not/exist") {
//!         request::error(&error);
//!         request::outcome(Outcome::ServerError);
//!     }
//! }
//! ```

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use super::{Hop, Outcome, Route, Value, current};
use crate::context::{Baggage, RequestId, TraceContext};

/// How many sources of an error are kept; a chain that is longer is most likely a loop.
const MOST_SOURCES: usize = 16;

fn with_hop<T>(say: impl FnOnce(&Arc<Hop>) -> T) -> Option<T> {
    current()?.hop.as_ref().map(say)
}

/// Adds a field to the request's span and log line. A later value of the same name replaces the earlier.
///
/// At most 128 fields are kept; the span says how many were dropped. Returns whether there is a request.
pub fn add(name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> bool {
    with_hop(|hop| hop.add(name.into(), value.into())).is_some()
}

/// Notes an error with its chain of sources. It does not change the outcome: a handled error is no failure.
///
/// Returns whether there is a request.
pub fn error(error: &dyn Error) -> bool {
    let mut chain = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source.filter(|_| chain.len() <= MOST_SOURCES) {
        chain.push(cause.to_string());
        source = cause.source();
    }
    with_hop(|hop| hop.notes().get_or_insert_default().error = Some(chain)).is_some()
}

/// Overrides how the request ended, for span, metric and log line alike. Returns whether there is a request.
pub fn outcome(outcome: Outcome) -> bool {
    with_hop(|hop| hop.notes().get_or_insert_default().outcome = Some(outcome)).is_some()
}

/// Says which route the request matched, where the layer stands outside the router.
///
/// It must come from the program's own bounded set, never from the request's path: it becomes a metric label.
/// The first call counts. Returns whether there is a request.
pub fn route(route: &str) -> bool {
    with_hop(|hop| hop.route.set(Route::of(route)).is_ok()).unwrap_or(false)
}

/// The request's place in its trace, to show to a user or to write into a record of one's own.
#[must_use]
pub fn trace() -> Option<TraceContext> {
    current().map(|current| current.trace)
}

/// The request's id, as echoed in `x-request-id`.
#[must_use]
pub fn id() -> Option<RequestId> {
    with_hop(|hop| hop.request_id.clone()).flatten()
}

/// The baggage that came with the request.
#[must_use]
pub fn baggage() -> Baggage {
    with_hop(|hop| hop.baggage.clone()).unwrap_or_default()
}

//! What a handler may say of the request that it is part of, from anywhere below the layer.
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

use super::current;
use crate::context::{Baggage, RequestId, TraceContext};
use crate::record::{Hop, Outcome, Route, Value, causes, formatted};

fn with_hop<T>(say: impl FnOnce(&Arc<Hop>) -> T) -> Option<T> {
    current()?.hop.as_ref().map(say)
}

/// A hop that has ended is reported, and what is said of it later would reach only some of the signals.
fn with_open_hop(say: impl FnOnce(&Arc<Hop>)) -> bool {
    let told = with_hop(|hop| {
        let open = hop.end().is_none();
        if open {
            say(hop);
        }
        open
    });
    told.unwrap_or(false)
}

/// Adds a field to the request's span and log line. A later value of the same name replaces the earlier.
///
/// At most 128 fields are kept; the span says how many were dropped. Returns whether there is a request, and it is
/// still running.
///
/// ```
/// use tower_observability::request;
///
/// assert!(!request::add("customer_id", 4711), "outside of a request there is nobody to tell");
/// ```
pub fn add(name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> bool {
    with_open_hop(|hop| hop.add(name.into(), value.into()))
}

/// Notes an error with its chain of sources, at most 16. It does not change the outcome: a handled error is no
/// failure. The last call counts.
///
/// Returns whether there is a request, and it is still running.
pub fn error(error: &dyn Error) -> bool {
    with_open_hop(|hop| {
        // Read before the notes are locked: it is the user's code, and may say something of the request itself.
        let mut texts = vec![formatted(format_args!("{error}"))];
        let sources = causes(error.source(), |error| error.source());
        texts.extend(sources.map(|source| formatted(format_args!("{source}"))));
        hop.notes().get_or_insert_default().error = Some(texts);
    })
}

/// Overrides how the request ended, for span, metric and log line alike. The last call counts; a panic that reaches
/// the layer is a panic all the same.
///
/// Returns whether there is a request, and it is still running.
pub fn outcome(outcome: Outcome) -> bool {
    with_open_hop(|hop| hop.notes().get_or_insert_default().outcome = Some(outcome))
}

/// Says which route the request matched, where the layer stands outside the router.
///
/// It must come from the program's own bounded set, never from the request's path: it becomes a metric label. After
/// 2,000 different ones every further route is `_OTHER`.
///
/// Returns whether it was taken: the first that is known counts, and an axum router's own is known to a layer inside.
pub fn route(route: &str) -> bool {
    with_hop(|hop| hop.end().is_none() && hop.route.set(Route::of(route)).is_ok()).unwrap_or(false)
}

/// The place in the trace that is current, innermost first, to show to a user or to write into a record of one's own;
/// `None` where there is neither a request nor a span.
#[must_use]
pub fn trace() -> Option<TraceContext> {
    current().map(|current| current.trace)
}

/// The request's id, as echoed in `x-request-id`.
#[must_use]
pub fn id() -> Option<RequestId> {
    with_hop(|hop| hop.request_id.clone()).flatten()
}

/// The baggage that came with the request; empty outside of one.
#[must_use]
pub fn baggage() -> Baggage {
    with_hop(|hop| hop.baggage.clone()).unwrap_or_default()
}

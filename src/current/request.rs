//! Fields, errors and outcome of the current request, from anywhere below the layer.
//!
//! Each function acts on the request's span and its log line. Outside a request it does nothing and returns `false`.
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
use std::panic::Location;
use std::sync::Arc;

pub use super::error::AsError;
use super::{current, with_hop};
use crate::context::{Baggage, RequestId, TraceContext};
use crate::error::sources;
use crate::names::attribute;
#[cfg(feature = "reports")]
use crate::record::Trail;
use crate::record::{Hop, IntoValue, KeepReason, Outcome, Route, error_text, prefix, type_of};

/// At most this many bytes of the text given to [`keep`] are shown, and of a user's id or a fingerprint.
const LONGEST_REASON: usize = 256;

/// A hop that has ended is reported, and what is said of it later would reach only some of the signals.
fn with_open_hop(say: impl FnOnce(&Arc<Hop>)) -> bool {
    let added = with_hop(|hop| {
        let open = hop.end().is_none();
        if open {
            say(hop);
        }
        open
    });
    added.unwrap_or(false)
}

/// Adds a field to the request's span and log line. A later value of the same name replaces the earlier one.
///
/// The value is a number, `bool`, text, an address, a UUID, a [`Duration`](std::time::Duration) in seconds, or an
/// [`Option`], whose `None` adds nothing ([all of them](IntoValue)); for any other type that implements `Display`, use
/// [`Value::display`](crate::Value::display). Unlike `record` of a `tracing` span it needs no declared field.
///
/// At most 128 fields are kept; the span says how many were dropped. Returns `false` if there is no running request.
///
/// ```
/// use tower_observability::{Value, request};
///
/// fn sell(sku: &String, voucher: Option<&str>, seller: std::net::Ipv4Addr, coupon: &serde_json::Value) {
///     request::add("sku", sku);
///     request::add("voucher", voucher); // not there if there is none
///     request::add("seller", seller);
///     request::add("coupon", Value::display(coupon));
/// }
///
/// assert!(!request::add("customer_id", 4711), "outside of a request nothing is recorded");
/// ```
pub fn add(name: impl Into<Cow<'static, str>>, value: impl IntoValue) -> bool {
    let name = name.into();
    // Text is copied into the request's fields straight from where it is.
    if let Some(text) = value.as_text() {
        return with_hop(|hop| hop.add(&name, text)).unwrap_or(false);
    }
    let added = with_hop(|hop| match value.into_value() {
        Some(value) => hop.add(&name, &value),
        None => hop.end().is_none(),
    });
    added.unwrap_or(false)
}

/// Adds a field to every log line and log record of the request from now on, and, as [`add`] does, to its closing line and
/// its span: what MDC is in other languages.
///
/// It stands on the events of the request, of the tasks that were [spawned](crate::spawn) within it, and of the calls and
/// jobs that begin within it later. A field of the same name of an event, or of a `tracing` span around it, goes before it.
/// A later value replaces the earlier one, by [`add`] as well. A reserved name is moved as everywhere
/// ([`names::key::RESERVED`](crate::names::key::RESERVED)).
///
/// Each event copies these fields, at most 32 of them. Returns `false` if there are more, so that this one is on the closing
/// line only, or if there is no running request.
///
/// ```
/// use tower_observability::request;
///
/// async fn book(id: u64) {
///     request::add_to_lines("booking_id", id);
///     tracing::info!("booked"); // … "message":"booked", "booking_id":7
/// }
/// ```
pub fn add_to_lines(name: impl Into<Cow<'static, str>>, value: impl IntoValue) -> bool {
    let mut has_room = true;
    let added = with_open_hop(|hop| {
        if let Some(value) = value.into_value() {
            has_room = hop.add_to_lines(&name.into(), &value);
        }
    });
    added && has_room
}

/// Records an error with its chain of sources, at most 16, on the request's span and line. It does not change the
/// outcome, because an error that was handled is not a failure. The last call wins. Of a URL in its text, credentials and
/// what follows the path are not shown.
///
/// Takes `&E` of any error, `&dyn Error`, `&Box<dyn Error>` (also `Send + Sync`), `&anyhow::Error` and `&eyre::Report`.
/// Returns `false` if there is no running request.
///
/// ```
/// use std::error::Error;
/// use tower_observability::request;
///
/// async fn read() -> Result<String, Box<dyn Error>> {
///     let read = std::fs::read_to_string("/does/not/exist").inspect_err(|error| { request::error(error); });
///     let boxed: Box<dyn Error + Send + Sync> = "no such booking".into();
///     request::error(&boxed);
///     Ok(read?)
/// }
/// ```
#[track_caller]
pub fn error<Kind>(error: &(impl AsError<Kind> + ?Sized)) -> bool {
    let place = Location::caller();
    with_open_hop(|hop| {
        // Read before the notes are locked: it is the user's code, and may record something itself.
        let chain = chain(error.as_error());
        let has_trail = {
            let mut notes = hop.notes();
            let notes = notes.get_or_insert_default();
            notes.error = Some(chain);
            notes.trail.is_some()
        };
        if has_trail {
            note_cause(hop, error.as_error(), Some(place));
        }
    })
}

/// Keeps the types of an error and its sources for the hop's report, if it has one, and where it was recorded.
pub(crate) fn note_cause(hop: &Hop, error: &dyn Error, place: Option<&'static Location<'static>>) {
    if hop.notes().as_ref().is_none_or(|notes| notes.trail.is_none()) {
        return;
    }
    // Before the notes are locked, as above.
    let mut types = vec![type_of(error)];
    for source in sources(error) {
        types.push(type_of(source));
    }
    let types = types.into_iter().map(|name| name.unwrap_or_else(|| "Error".to_owned())).collect();
    if let Some(notes) = &mut *hop.notes()
        && let Some(trail) = &mut notes.trail
    {
        // What a job recorded itself is more precise than what it returned.
        if place.is_some() || trail.types.is_empty() {
            (trail.types, trail.place) = (types, place);
        }
    }
}

/// Says of whom the request is, for its error report: the id of a user, an account, a tenant. Nothing but the report has
/// it. The last call wins.
///
/// Returns `false` if there is no running request, or no error reports are sent ([`Reports`](crate::Reports)).
///
/// ```
/// use tower_observability::request;
///
/// async fn book(customer: u64) {
///     request::user(customer.to_string());
/// }
/// ```
#[cfg(feature = "reports")]
pub fn user(id: impl Into<String>) -> bool {
    // Before the notes are locked: it is the user's code.
    let id = id.into();
    with_trail(|trail| trail.user = Some(prefix(&id, LONGEST_REASON).to_owned()))
}

/// Chooses which error reports are one issue: those of the same text. By default those of one place, one type of error and
/// one route are. The last call wins.
///
/// Returns `false` if there is no running request, or no error reports are sent ([`Reports`](crate::Reports)).
///
/// ```
/// use tower_observability::request;
///
/// async fn charge(provider: &str) {
///     // Whatever the payment provider does wrong is one issue, on whichever route.
///     request::fingerprint(format!("payment provider {provider}"));
/// }
/// ```
#[cfg(feature = "reports")]
pub fn fingerprint(text: impl Into<String>) -> bool {
    // As in `user`.
    let text = text.into();
    with_trail(|trail| trail.fingerprint = Some(prefix(&text, LONGEST_REASON).to_owned()))
}

#[cfg(feature = "reports")]
fn with_trail(say: impl FnOnce(&mut Trail)) -> bool {
    let said = with_hop(|hop| {
        if hop.end().is_some() {
            return false;
        }
        let mut notes = hop.notes();
        let trail = notes.as_mut().and_then(|notes| notes.trail.as_mut());
        trail.map(|trail| say(trail)).is_some()
    });
    said.unwrap_or(false)
}

/// The error's text and those of its sources, outermost first.
pub(crate) fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error_text(error)];
    for source in sources(error) {
        texts.push(error_text(source));
    }
    texts
}

/// Overrides the request's outcome on span, metric and log line. The last call wins; a panic that reaches the layer
/// is still recorded as a panic.
///
/// Returns `false` if there is no running request.
pub fn outcome(outcome: Outcome) -> bool {
    with_open_hop(|hop| hop.notes().get_or_insert_default().outcome = Some(outcome))
}

/// Keeps the request's trace, although the sampler left it out, and says why: a cancelled order, a customer whose case is
/// open. It has an effect only where traces are kept ([`Traces::keep_errors`](crate::Traces::keep_errors) and the like); of
/// what had ended before, the trace has what was still held.
///
/// Returns whether the trace is recorded: it was sampled, or is kept from now on. The first reason is the one on the span,
/// as `observability.kept`, at most 256 bytes of it.
///
/// ```
/// use tower_observability::request;
///
/// fn cancel(order: u64) {
///     request::add("order", order);
///     request::keep("order cancelled");
/// }
/// # cancel(7);
/// ```
pub fn keep(why: &str) -> bool {
    with_hop(|hop| {
        let is_first = hop.end().is_none() && hop.keep(KeepReason::Requested);
        if is_first {
            hop.notes().get_or_insert_default().keep_for = Some(prefix(why, LONGEST_REASON).to_owned());
        }
        hop.trace_now().flags.is_sampled()
    })
    .unwrap_or(false)
}

/// Sets the route that the request matched, for a layer outside of the router.
///
/// It becomes a metric label, so it must be a route pattern, never the path. After 2,000 different routes every further
/// one is `_OTHER`.
///
/// Returns whether it was set: the first route wins, and a layer inside an axum router already knows it.
pub fn route(route: &str) -> bool {
    with_hop(|hop| hop.end().is_none() && hop.set_route(Route::of(route))).unwrap_or(false)
}

/// The trace context of the innermost current span or request, to show to a user or to store with a record; `None`
/// outside of both.
#[must_use]
pub fn trace() -> Option<TraceContext> {
    current().map(|current| current.trace)
}

/// The request's id, as returned in the `x-request-id` header.
#[must_use]
pub fn id() -> Option<RequestId> {
    with_hop(|hop| hop.request_id.clone()).flatten()
}

/// The baggage of the request: what came with it, and what [`set_baggage`] has set since; empty outside of one.
#[must_use]
pub fn baggage() -> Baggage {
    with_hop(|hop| hop.baggage_now()).unwrap_or_default()
}

/// Sets an entry of the request's baggage. Later calls carry it to the hosts listed with
/// [`baggage_to`](crate::ObservabilityLayer::baggage_to), and so do messages
/// ([`propagation::inject`](crate::propagation::inject)).
///
/// Returns whether it was set: there is a request that is still running, the key is a token (RFC 9110), and the whole
/// baggage fits into 8,192 bytes.
///
/// ```
/// use tower_observability::request;
///
/// async fn book(customer: &str) {
///     request::set_baggage("customer", customer);
///     // … calls to listed hosts carry `baggage: customer=…`
/// }
/// ```
pub fn set_baggage(key: &str, value: &str) -> bool {
    with_hop(|hop| hop.end().is_none() && hop.set_baggage(key, value)).unwrap_or(false)
}

/// Records that a feature flag was evaluated for this request: `observability.feature_flag.<key>` with the variant on
/// the request's span and line, so that failures can be searched by it, and the conventions' event
/// `feature_flag.evaluation` at DEBUG (target `tower_observability::feature_flag`).
///
/// Flags are fields: at most 128 of them, a later variant replaces an earlier one. Returns `false` if there is no running
/// request.
///
/// ```
/// use tower_observability::request;
///
/// fn price(new_prices: bool) {
///     request::feature_flag("new-prices", if new_prices { "on" } else { "off" });
/// }
/// ```
pub fn feature_flag(key: &str, variant: &str) -> bool {
    tracing::debug!(
        target: "tower_observability::feature_flag",
        { feature_flag.key = key, feature_flag.result.variant = variant },
        "feature_flag.evaluation"
    );
    with_open_hop(|hop| {
        hop.add(&format!("{}{key}", attribute::FEATURE_FLAG), variant);
    })
}

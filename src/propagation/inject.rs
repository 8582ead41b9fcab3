//! The current context onto a message.

use super::carrier::{PEER_KEY, own_peer, replace};
use super::{Carrier, OutgoingContext, Propagators};
use crate::context::Baggage;
use crate::current::current;
use crate::record::Hop;

/// Writes the current context (trace, baggage, request id) onto a message.
///
/// Outside of any request or work nothing is written. The carrier belongs to us or to a broker of ours, so the
/// baggage goes with it. What an earlier hop left on the carrier is replaced. The formats are those of the process
/// (`OTEL_PROPAGATORS`), as for [`extract`](super::extract). Onto a
/// [`Command`](std::process::Command) it is written as variables, which the child reads by
/// [`from_environment`](super::from_environment).
pub fn inject(carrier: &mut impl Carrier) {
    let Some(here) = current() else { return };
    let hop = here.hop.as_deref();
    let baggage = hop.map_or_else(Baggage::default, Hop::baggage_now);
    let outgoing = OutgoingContext {
        trace: Some(here.trace_now()),
        tracestate: &here.tracestate_now(),
        baggage: Some(&baggage),
        request_id: hop.and_then(|hop| hop.request_id.as_ref()),
    };
    Propagators::of_process().write(carrier, outgoing);
    // What an earlier hop left would name that one.
    let own = own_peer().filter(|_| hop.is_some_and(|hop| hop.kept.is_held()));
    if own.is_some() || !carrier.values_of(PEER_KEY).is_empty() {
        replace(carrier, PEER_KEY, own.map(|own| own.to_string()));
    }
}

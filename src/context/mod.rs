//! Identity: which trace, which span, which request, and what travels beside them.
//!
//! Everything here is a value. The parsers are total: whatever a caller sends is either understood or is
//! `None`, never a panic.

mod address_range;
pub(crate) mod b3;
mod baggage;
mod hex;
mod hosts;
mod id;
pub(crate) mod jaeger;
mod request_id;
mod share;
mod text;
mod trace_context;
mod tracestate;

pub(crate) use address_range::AddressRange;
pub use baggage::Baggage;
pub(crate) use hex::pairs as hex_pairs;
pub(crate) use hosts::{listed_host, names_host, within_brackets};
pub use id::{Flags, InvalidId, SpanId, TraceId};
pub use request_id::RequestId;
pub(crate) use share::{TurnedShare, randomness, threshold_of};
pub use trace_context::TraceContext;
#[cfg(test)]
pub(crate) use trace_context::tests::a_context;
pub use tracestate::Tracestate;

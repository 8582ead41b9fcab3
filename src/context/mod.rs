//! Identity: which trace, which span, which request, and what travels beside them.
//!
//! Everything here is a value. The parsers are total: whatever a stranger sends is either understood or is
//! `None`, never a panic.

mod b3;
mod baggage;
mod hex;
mod id;
mod jaeger;
mod ot;
mod request_id;
mod share;
mod text;
mod traceparent;
mod tracestate;

pub use baggage::Baggage;
pub(crate) use hex::pairs as hex_pairs;
#[cfg(test)]
pub(crate) use id::tests::a_context;
pub use id::{Flags, SpanId, TraceContext, TraceId};
pub use request_id::RequestId;
pub(crate) use share::{randomness, threshold_of};
pub use tracestate::Tracestate;

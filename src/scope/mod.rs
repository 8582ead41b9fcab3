//! Owns what is current: the hop in progress on this thread, and what is known of it.
//!
//! The layer hands a [`Hop`] in and puts it on the thread's stack while the user's service is polled; the log
//! line, the child spans and the user's own calls ([`request`]) take it from there. At its end the same
//! allocation is the record that the exporter reads.

mod hop;
mod http;
mod method;
#[cfg(feature = "interop-opentelemetry")]
mod otel;
#[cfg(not(feature = "interop-opentelemetry"))]
#[path = "without_otel.rs"]
mod otel;
mod outcome;
pub mod request;
mod route;
mod rpc;
mod spawn;
mod stack;
mod text;
mod value;

pub use hop::Kind;
pub use outcome::Outcome;
pub use spawn::{Scoped, in_scope, spawn};
pub use value::Value;

pub(crate) use self::http::{Http, HttpVersion, Piece, Scheme, address, host_and_port, split_authority};
pub(crate) use hop::{End, Hop, NameSpan, Notes, Subject, Work};
pub(crate) use method::{Method, Methods};
#[cfg(feature = "interop-opentelemetry")]
pub(crate) use otel::attach_contexts;
pub(crate) use outcome::ErrorType;
pub(crate) use route::{Route, RouteCell};
pub(crate) use rpc::{Call, Code, Rpc};
pub(crate) use spawn::scoped;
pub(crate) use stack::{
    Current, Lent, current, enter_as_hop, enter_foreign_span, enter_hop, enter_span, exit_span, lend_hop,
    stands_for_hop, top_hop,
};
pub(crate) use text::{CAUSED_BY, PANICKED, bounded, causes, formatted, guarded, prefix, stacktrace};
#[cfg(test)]
pub(crate) use value::tests::a_value;
pub(crate) use value::{Fields, Joined};

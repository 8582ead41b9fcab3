//! The way out that signals share: the queue, the exporter's loop, the seam to a transport, HTTP and gRPC, and what
//! the variables of OTLP say of all of them.
//!
//! A signal hands its records to a [`Queue`]; an [`Exporter`] takes them out in batches on a thread of ours, sends
//! each through the one seam, [`Transport`], and accounts for every record. What is in a record, and what its
//! bytes are, is the signal's own.

#[cfg(test)]
#[cfg(feature = "otlp")]
pub(crate) mod answers;
/// A collector in this process, which the other test binaries share.
#[cfg(test)]
#[cfg(feature = "otlp")]
#[path = "../../tests/support/collector.rs"]
#[allow(unreachable_pub, dead_code, missing_docs)]
pub(crate) mod collector;
mod exporter;
mod feature;
mod http;
mod link;
mod name;
mod options;
#[cfg(feature = "otlp")]
mod partial;
#[cfg(feature = "otlp")]
pub(crate) mod protobuf;
mod queue;
mod transport;

pub(crate) use self::http::Wire;
pub(crate) use exporter::{Exporter, Notice, Signal, Tell};
pub(crate) use link::Link;
pub(crate) use name::free_name;
pub(crate) use options::{
    Batching, Destination, LOGS, Pace, Pem, Protocol, Shared, TIMEOUT, TRACES, Target, Way, batch_rows,
    millis, reachable, shown, shown_limit, shown_millis, target_rows, whole,
};
#[cfg(feature = "otlp")]
pub(crate) use partial::accepted;
pub(crate) use queue::{Queue, Weigh};
pub(crate) use transport::{Attempt, Delivery, Transport};

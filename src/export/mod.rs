//! The way out that signals share: the queue, the exporter's loop, the seam to a transport, and the HTTP client under
//! every transport.
//!
//! A signal hands its records to a [`Queue`]. An [`Exporter`] takes them out in batches on a thread of ours, has its
//! [`Transport`] encode each batch into requests that the receiver takes, sends these, and accounts for every record.
//! What is in a record, and what its bytes are, is the signal's own.

mod batch;
/// A collector in this process, which the other test binaries share.
#[cfg(test)]
#[cfg(feature = "otlp")]
#[path = "../../tests/support/collector/mod.rs"]
#[allow(unreachable_pub, dead_code, missing_docs)]
pub(crate) mod collector;
mod exporter;
mod feature;
mod http;
mod queue;
mod transport;
mod url;

#[cfg(any(test, feature = "otlp-grpc"))]
pub(crate) use self::http::Body;
#[cfg(feature = "reports")]
pub(crate) use self::http::retry_after;
pub(crate) use self::http::{Answer, Endpoint, HttpClient, TlsFile, TlsFiles, confirmed, in_short};
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::http::{REMEDY, TOO_LARGE};
#[cfg(feature = "otlp")]
pub(crate) use self::http::{media_type, on_one_line};
pub(crate) use crate::error::masked_url;
pub(crate) use batch::{BatchLimits, Batching, set_milliseconds, shown_limit, shown_milliseconds, whole};
#[cfg(feature = "otlp")]
pub(crate) use exporter::first_of;
pub(crate) use exporter::{Exporter, Notice, Signal, Tell};
pub(crate) use feature::{GRPC, GZIP};
pub(crate) use queue::{Queue, Weigh};
#[cfg(any(feature = "otlp", feature = "reports"))]
pub(crate) use transport::Lost;
pub(crate) use transport::{Attempt, Delivery, Encoded, Payload, Sent, Transport};
pub(crate) use url::{Destination, has_credentials, join, reachable};

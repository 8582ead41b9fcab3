//! Export over HTTP: one POST, and what its answer means. A call of gRPC is one such POST with HTTP/2.

mod answer;
#[cfg(feature = "otlp-grpc")]
pub(super) mod grpc;
#[cfg(not(feature = "otlp-grpc"))]
#[path = "without_grpc.rs"]
pub(super) mod grpc;
#[cfg(feature = "gzip")]
pub(super) mod gzip;
#[cfg(not(feature = "gzip"))]
#[path = "without_gzip.rs"]
pub(super) mod gzip;
mod outgoing;
#[cfg(feature = "tls")]
pub(super) mod pem;
#[cfg(not(feature = "tls"))]
#[path = "without_pem.rs"]
pub(super) mod pem;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
mod tls;
mod wire;

pub(crate) use wire::Wire;

/// What a client need read (OTLP specification).
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

#[cfg(test)]
#[cfg(feature = "otlp-grpc")]
mod tests;

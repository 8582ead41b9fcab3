//! Promises about what is not built in: a binary of its own, so that what needs all features is not built without them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

#[cfg(not(any(feature = "otlp-grpc", feature = "tls", feature = "gzip")))]
mod missing;

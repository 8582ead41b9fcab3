//! The promises about other systems: each is kept only when the real system says so.
//!
//! Needs these systems: `tests/backends/systems run cargo test --locked --all-features --test backends` brings them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod shared;
mod support;

mod collector;
mod foreign;
#[cfg(all(feature = "otlp-grpc", feature = "gzip"))]
mod grpc;
mod jaeger;
mod loki;
mod opensearch;
mod prometheus;
mod zipkin;

//! The promises about other systems: each is kept only when the real system says so.
//!
//! `tests/backends/systems run cargo test --locked --workspace --all-features --test backends` brings the systems.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod shared;
mod support;

mod at_length;
mod chaos;
mod collector;
#[cfg(feature = "drivers")]
mod dependencies;
#[cfg(all(feature = "otlp-grpc", feature = "tls"))]
mod doctor;
#[cfg(feature = "tls")]
mod evidence;
mod foreign;
#[cfg(all(feature = "otlp-grpc", feature = "gzip"))]
mod grpc;
mod jaeger;
mod load;
mod logql;
mod loki;
mod on_call;
mod opensearch;
mod prometheus;
mod pushed;
mod reports;
mod victoria_logs;
mod view;
mod zipkin;

//! One module per promise of the documentation, in one binary.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod architecture;
mod bridge;
mod choices;
mod clients;
mod dependencies;
mod drivers;
mod exactly_once;
mod export;
mod grpc;
mod guide;
mod hostile;
mod instruments;
mod left_out;
mod logs;
mod metrics;
mod on_lines;
mod orderings;
mod otlp_logs;
mod propagation;
mod proxies;
mod queries;
mod readme;
mod recipes;
mod reports;
mod sampling;
mod server;
mod spans;
mod stack;
mod testing;
#[cfg(all(feature = "otlp-grpc", feature = "tls", feature = "gzip"))]
mod tls;
#[cfg(all(feature = "otlp-grpc", feature = "gzip"))]
mod transport;
mod unchanged;
mod variables;
mod wire;
mod work;
mod writer;
mod zipkin;

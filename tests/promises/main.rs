//! One module per promise of the README, in one binary.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod architecture;
mod bridge;
mod client;
mod config;
mod exactly_once;
mod export;
mod logs;
mod metrics;
mod otlp_logs;
mod propagation;
mod readme;
mod sampling;
mod server;
mod spans;
mod testing;
mod variables;
mod wire;
mod work;
mod zipkin;

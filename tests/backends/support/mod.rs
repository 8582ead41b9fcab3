//! What several of these tests need: one file per helper.
#![allow(dead_code, unreachable_pub)] // not every system's tests use all of it

pub mod booked;
pub mod browser;
pub mod confined;
pub mod cpu;
pub mod database;
pub mod delay;
pub mod http;
pub mod jaeger;
pub mod logql;
pub mod loki;
pub mod opensearch;
pub mod prometheus;
pub mod relay;
pub mod sinks;
pub mod stack;
pub mod systems;
pub mod time;
pub mod tls;
pub mod victoria_logs;
pub mod wait;
pub mod workshop;

//! Promises whose subject is a whole process: the test starts itself, or an example, again.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod adoption;
mod chaos;
mod collectors;
#[cfg(all(feature = "otlp-grpc", feature = "gzip", feature = "tls", target_os = "linux"))]
mod doctor;
mod environment;
mod evidence;
mod exits;
#[cfg(all(feature = "otlp-grpc", feature = "tls", target_os = "linux"))]
mod faults;
mod formats;
#[cfg(target_os = "linux")]
mod idle;
mod init;
#[cfg(feature = "interop-opentelemetry")]
mod interop;
mod journey;
mod keep;
mod load;
mod machine;
#[cfg(feature = "interop-opentelemetry")]
mod migration;
mod panics;
mod peers;
mod pushed;
mod reports;
mod shutdown;
mod signals;
mod stuck;
mod switches;
mod terminal;
mod testing;
#[cfg(all(feature = "otlp-grpc", target_os = "linux"))]
mod view;
mod workshop;

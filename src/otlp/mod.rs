//! OTLP: what traces, log records and metrics say of their collector, the bytes that it takes, and what its answers mean.
//!
//! A signal has an [`OtlpConfig`], which puts its variables over the [`Otlp`] that code gave it. Of a batch a
//! [`Batch`](writer::Batch) makes requests of protobuf, into which the signal writes its own fields, and an
//! [`OtlpClient`](client::OtlpClient) sends these over HTTP or gRPC. The reference for every byte is opentelemetry-proto.

mod advice;
#[cfg(feature = "otlp")]
mod answer;
#[cfg(test)]
#[cfg(feature = "otlp")]
pub(crate) mod answers;
#[cfg(feature = "otlp")]
mod client;
mod config;
#[cfg(feature = "otlp-grpc")]
mod grpc;
#[cfg(feature = "gzip")]
mod gzip;
mod options;
#[cfg(feature = "otlp")]
mod protobuf;
mod service;
mod settings;
mod variables;
#[cfg(feature = "otlp")]
mod writer;

pub use options::Otlp;

#[cfg(feature = "otlp")]
pub(crate) use client::OtlpClient;
#[cfg(all(any(test, fuzzing), feature = "otlp-grpc"))]
pub(crate) use client::meaning;
pub(crate) use config::{OtlpConfig, TIMEOUT};
#[cfg(feature = "otlp")]
pub(crate) use protobuf::{Message, Size};
pub(crate) use service::{LOGS, METRICS, TRACES};
pub(crate) use settings::{Protocol, Settings};
pub(crate) use variables::{Shared, batch_rows, endpoint_rows, shown_compression};
#[cfg(feature = "otlp")]
pub(crate) use writer::{AnyValue, Attributes, Batch, Scope};

//! Where everything ends: exporters and writers that take it and keep nothing but the count.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// How many spans and lines have arrived.
pub(crate) static SPANS: AtomicU64 = AtomicU64::new(0);
pub(crate) static LINES: AtomicU64 = AtomicU64::new(0);

/// Takes lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines;

/// Takes batches of the SDK.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Batches;

/// The SDK that logfire is built on has a trait of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogfireBatches;

pub(crate) fn count_spans(count: usize) {
    SPANS.fetch_add(count as u64, Ordering::Relaxed);
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        LINES.fetch_add(lines as u64, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpanExporter for Batches {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        count_spans(batch.len());
        Ok(())
    }
}

impl opentelemetry_sdk_of_logfire::trace::SpanExporter for LogfireBatches {
    async fn export(
        &self,
        batch: Vec<opentelemetry_sdk_of_logfire::trace::SpanData>,
    ) -> opentelemetry_sdk_of_logfire::error::OTelSdkResult {
        count_spans(batch.len());
        Ok(())
    }
}

impl PushMetricExporter for Batches {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

//! What code chooses of an export over OTLP.

use std::fmt;
use std::time::Duration;

use super::settings::{Protocol, Settings, masked_headers};
use crate::export::{Batching, masked_url};

/// Options for exporting over OTLP: endpoint, protocol, TLS, timeouts, batches and queue.
///
/// One value can be given to each of [`Traces::otlp`](crate::Traces::otlp), [`Logs::otlp`](crate::Logs::otlp) and
/// [`Metrics::otlp`](crate::Metrics::otlp). The environment overrides what is set here; in a variable's name `<SIGNAL>` is
/// `TRACES`, `LOGS` or `METRICS`.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::{Logs, Otlp, Traces};
///
/// let otlp = Otlp::new()
///     .endpoint("http://collector:4318")
///     .header("x-team", "bookings")
///     .timeout(Duration::from_secs(5));
/// assert!(!format!("{otlp:?}").contains("bookings"), "header values are never printed");
/// let builder = tower_observability::builder("bookings")
///     .traces(Traces::new().otlp(otlp.clone()))
///     .logs(Logs::new().otlp(otlp));
/// # drop(builder);
/// ```
#[derive(Clone, Default)]
#[must_use = "hand it to `Traces::otlp`, `Logs::otlp` or `Metrics::otlp`"]
pub struct Otlp {
    pub(super) settings: Settings,
    pub(super) batching: Batching,
}

impl Otlp {
    /// The specification's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The collector's endpoint, such as `http://collector:4318`; `/v1/traces`, `/v1/logs` or `/v1/metrics` is
    /// appended to its path.
    /// For [gRPC](Otlp::grpc) such as `http://collector:4317`; nothing is appended. `https://` needs the feature `tls`.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_<SIGNAL>_ENDPOINT`, which is used as it is, with its path, and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.settings.endpoint = Some(url.into());
        self
    }

    /// Adds a header to every request. Its value never appears in `Debug`, logs or errors.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_<SIGNAL>_HEADERS`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.headers.get_or_insert_default().push((name.into(), value.into()));
        self
    }

    /// Uses OTLP over gRPC instead of HTTP. Needs the feature `otlp-grpc`.
    ///
    /// Default: not called. Variables: `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_<SIGNAL>_PROTOCOL` (`grpc`).
    pub fn grpc(mut self) -> Self {
        self.settings.protocol = Some(Protocol::Grpc);
        self
    }

    /// Compresses requests with gzip. Needs the feature `gzip`; without it requests are sent uncompressed, with a
    /// warning.
    ///
    /// Default: not called. Variables: `OTEL_EXPORTER_OTLP_COMPRESSION`, `OTEL_EXPORTER_OTLP_<SIGNAL>_COMPRESSION`
    /// (`gzip`).
    pub fn gzip(mut self) -> Self {
        self.settings.gzip = Some(true);
        self
    }

    /// A PEM file with the CAs that are trusted for the collector's certificate, instead of the system's. Needs the
    /// feature `tls`.
    ///
    /// If the file cannot be read, `init` still succeeds: a warning names it, and nothing is exported over TLS.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_CERTIFICATE`, `OTEL_EXPORTER_OTLP_<SIGNAL>_CERTIFICATE`.
    pub fn certificate(mut self, path: impl Into<String>) -> Self {
        self.settings.tls.certificate = Some(Ok(path.into()));
        self
    }

    /// PEM files with the client's certificate chain and its key, for a collector that requires mutual TLS.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`, or those of
    /// `OTEL_EXPORTER_OTLP_<SIGNAL>_…`.
    pub fn client_certificate(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.settings.tls.client_certificate = Some(Ok(certificate.into()));
        self.settings.tls.client_key = Some(Ok(key.into()));
        self
    }

    /// Timeout of one attempt to send a request; zero means none.
    ///
    /// Default: 10 s. Variables: `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_EXPORTER_OTLP_<SIGNAL>_TIMEOUT`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Timeout of a request over all attempts, after which its records are dropped and counted; zero means none.
    ///
    /// Default: 30 s. Variables: `OTEL_BSP_EXPORT_TIMEOUT` (traces), `OTEL_BLRP_EXPORT_TIMEOUT` (logs),
    /// `OTEL_METRIC_EXPORT_TIMEOUT` (metrics).
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.batching.timeout = timeout;
        self
    }

    /// How long a record waits at most for a full batch; of metrics, the time between two collections, from 10 ms. At most a
    /// year.
    ///
    /// Default: 5 s for a span, 1 s for a log record, on a terminal 0.5 s; 60 s for metrics. Variables:
    /// `OTEL_BSP_SCHEDULE_DELAY` (traces), `OTEL_BLRP_SCHEDULE_DELAY` (logs), `OTEL_METRIC_EXPORT_INTERVAL` (metrics).
    pub fn batch_delay(mut self, delay: Duration) -> Self {
        self.batching.delay = Some(delay);
        self
    }

    /// Maximum number of records in a batch; never more than the queue. At least 1.
    ///
    /// Up to 8 requests are under way at once. By default, what gathers meanwhile leaves in batches of up to 2,048, so that
    /// a distant collector receives enough: at 200 ms, 512 each would be at most 20,000 records a second.
    ///
    /// Default: 512, under load 2,048. Variables: `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` (traces), `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` (logs).
    pub fn batch_size(mut self, records: usize) -> Self {
        self.batching.batch = Some(records.max(1));
        self
    }

    /// Size of the queue in records; when it is full, new records are dropped and counted. At least 1.
    ///
    /// Records that were sent and not answered yet count towards it, and a record with long texts counts once more for
    /// each 2 KiB. A full queue of usual spans takes some 20 MB.
    ///
    /// Default: 32768. Variables: `OTEL_BSP_MAX_QUEUE_SIZE` (traces), `OTEL_BLRP_MAX_QUEUE_SIZE` (logs).
    pub fn queue_size(mut self, records: usize) -> Self {
        self.batching.queue = records.max(1);
        self
    }

    /// Maximum size of a request in bytes before compression, at most 64 MiB. A larger batch is split into several
    /// requests; a record that alone is larger has its texts shortened.
    ///
    /// Default: what receivers accept by default: 4 MiB over gRPC, 20 MiB over HTTP, 10 MiB to Zipkin. Variable:
    /// `OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE`, for all signals.
    pub fn request_size(mut self, bytes: usize) -> Self {
        self.batching.request = Some(bytes.max(1));
        self
    }
}

/// Headers hold secrets, and URLs may.
impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("endpoint", &self.settings.endpoint.as_deref().map(masked_url))
            .field("headers", &masked_headers(self.settings.headers.as_deref().unwrap_or_default()))
            .field("batching", &self.batching)
            .finish_non_exhaustive()
    }
}

//! What code chooses of the way to the collector: the protocol, compression, the files of TLS.

use super::Traces;
use crate::export::Protocol;

impl Traces {
    /// Sends spans over gRPC instead of HTTP, with the same messages. The feature `otlp-grpc` builds it in.
    ///
    /// Default: not called. Variables: `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`
    /// (`grpc`).
    pub fn grpc(mut self) -> Self {
        self.way.code.protocol = Some(Protocol::Grpc);
        self
    }

    /// Compresses what is exported with gzip. The feature `gzip` builds it in; without it spans leave as they are,
    /// and a warning says so.
    ///
    /// Default: not called. Variables: `OTEL_EXPORTER_OTLP_COMPRESSION`, `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`
    /// (`gzip`).
    pub fn gzip(mut self) -> Self {
        self.way.code.gzip = Some(true);
        self
    }

    /// A file in PEM with the CAs that may have signed the collector's certificate, or [Zipkin's](Traces::zipkin),
    /// instead of those that the machine trusts. The feature `tls` builds TLS in.
    ///
    /// A file that cannot be read fails nothing: a warning names it, and nothing is exported over TLS.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_CERTIFICATE`,
    /// `OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE`, which Zipkin does not hear.
    pub fn certificate(mut self, path: impl Into<String>) -> Self {
        self.way.code.pem.certificate = Some(Ok(path.into()));
        self
    }

    /// The files in PEM that show the collector, or [Zipkin](Traces::zipkin), who we are: a certificate with its chain,
    /// and its key.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`, or
    /// those of `OTEL_EXPORTER_OTLP_TRACES_…`, which Zipkin does not hear.
    pub fn client_certificate(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.way.code.pem.client_certificate = Some(Ok(certificate.into()));
        self.way.code.pem.client_key = Some(Ok(key.into()));
        self
    }
}

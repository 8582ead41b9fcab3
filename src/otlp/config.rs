//! A signal's way to its collector: what each source says of it, and which of them is in force.

use std::fmt;
use std::time::Duration;

use super::Otlp;
use super::advice::advice;
use super::service::Service;
use super::settings::{Protocol, Settings, check_gzip, masked_headers};
use super::variables::{ENDPOINT, Shared};
#[cfg(feature = "otlp")]
use crate::export::Endpoint;
use crate::export::{BatchLimits, Batching, Destination, GRPC, GZIP, TlsFile, TlsFiles, join, masked_url};
use crate::variable::Refusal;

/// How long one attempt may take by default.
#[cfg(feature = "otlp")]
pub(crate) const TIMEOUT: Duration = opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT;
#[cfg(not(feature = "otlp"))]
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// What a server of gRPC takes by default, less what HTTP/2 and its frame add.
#[cfg(feature = "otlp")]
const GRPC_REQUEST: usize = 4 * 1024 * 1024 - 1024;
/// What a Collector takes over HTTP by default.
#[cfg(feature = "otlp")]
const HTTP_REQUEST: usize = 20 * 1024 * 1024 - 1024;
/// What a client may send (OTLP specification).
#[cfg(feature = "otlp")]
const LARGEST_REQUEST: usize = 64 * 1024 * 1024;

/// A signal's export over OTLP.
#[derive(Clone)]
pub(crate) struct OtlpConfig {
    service: &'static Service,
    pub(crate) code: Settings,
    pub(crate) general: Shared,
    pub(crate) own: Settings,
    pub(crate) batching: Batching,
}

impl OtlpConfig {
    /// Nothing is set yet.
    pub(crate) fn new(service: &'static Service) -> Self {
        Self {
            service,
            code: Settings::default(),
            general: Shared::default(),
            own: Settings::default(),
            batching: Batching::default(),
        }
    }

    /// What code chooses.
    pub(crate) fn choose(&mut self, otlp: Otlp) {
        (self.code, self.batching) = (otlp.settings, otlp.batching);
    }

    /// Does the environment say where to?
    pub(crate) fn is_chosen_by_environment(&self) -> bool {
        self.own.endpoint.is_some() || self.general.settings.endpoint.is_some()
    }

    /// Where a signal goes that is switched on: to the endpoint that was named, else to a collector of the same machine.
    pub(crate) fn destination_or_local(&self) -> Destination {
        self.destination().unwrap_or_else(|| self.local())
    }

    /// Where to, if an endpoint was named.
    pub(crate) fn destination(&self) -> Option<Destination> {
        self.url().map(|url| self.to(url))
    }

    /// Where to if no endpoint was named: a collector of the same machine.
    fn local(&self) -> Destination {
        self.to(self.below(self.protocol().local()))
    }

    /// What of all this will not work, or most likely not: what was set, its value, and what is right.
    pub(crate) fn advice(&self) -> Vec<(String, String, Refusal)> {
        let gzip = self.first(|settings| settings.gzip).unwrap_or_default().then(check_gzip);
        let unpacked = gzip.and_then(Result::err);
        let unpacked =
            unpacked.map(|refusal| ("the compression in code".to_owned(), "gzip".to_owned(), refusal));
        self.advice_on_endpoint().into_iter().chain(unpacked).collect()
    }

    /// How long one attempt may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.first(|settings| settings.timeout).unwrap_or(TIMEOUT)
    }

    /// How batches leave.
    pub(crate) fn batch_limits(&self, timeout: Duration) -> BatchLimits {
        self.batching.limits(self.service.delay, timeout)
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.protocol() == Protocol::Grpc
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.first(|settings| settings.gzip).unwrap_or_default() && GZIP.check().is_ok()
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.first(|settings| settings.protocol).unwrap_or_default()
    }

    pub(crate) fn is_insecure(&self) -> bool {
        self.first(|settings| settings.insecure).unwrap_or_default()
    }

    /// The headers of every export.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        self.first(|settings| settings.headers.as_deref()).unwrap_or_default()
    }

    /// The headers with their values hidden.
    pub(crate) fn masked_headers(&self) -> String {
        masked_headers(self.headers())
    }

    /// The URL as it may be shown.
    pub(crate) fn masked_url(&self) -> String {
        self.url().map(|url| masked_url(&url).into_owned()).unwrap_or_default()
    }

    /// The path of a file of TLS; empty if there is none that can be used.
    pub(crate) fn path(&self, file: impl Fn(&TlsFiles) -> &Option<TlsFile>) -> String {
        self.first(|settings| file(&settings.tls).as_ref())
            .and_then(|file| file.clone().ok())
            .unwrap_or_default()
    }

    fn advice_on_endpoint(&self) -> Option<(String, String, Refusal)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", self.service.word);
        let sources = [
            (self.own.endpoint.as_ref(), own),
            (self.general.settings.endpoint.as_ref(), ENDPOINT.to_owned()),
            (self.code.endpoint.as_ref(), "the endpoint in code".to_owned()),
        ];
        let (endpoint, name) = sources.into_iter().find_map(|(endpoint, name)| Some((endpoint?, name)))?;
        let remedy = advice(endpoint, self.own.endpoint.is_some(), self.protocol(), self.service)?;
        Some((name, masked_url(endpoint).into_owned(), Refusal::Suspicious(remedy)))
    }

    fn to(&self, url: String) -> Destination {
        match GRPC.check() {
            Err(missing) if self.is_grpc() => Destination::Refused(missing),
            _ => Destination::of(url),
        }
    }

    fn url(&self) -> Option<String> {
        let base = || self.general.settings.endpoint.as_ref().or(self.code.endpoint.as_ref());
        match &self.own.endpoint {
            Some(own) if self.is_grpc() => Some(self.below(own)),
            Some(own) => Some(own.clone()),
            None => base().map(|base| self.below(base)),
        }
    }

    /// The URL below an endpoint of all signals.
    fn below(&self, base: &str) -> String {
        match self.protocol() {
            Protocol::Grpc => origin(base, self.is_insecure()),
            Protocol::Http => join(base, self.service.path),
        }
    }

    /// How many bytes a request may have, if that was chosen.
    pub(crate) fn request_size(&self) -> Option<usize> {
        self.general.request.or(self.batching.request)
    }

    /// What the first source says: the signal's own variable, the general one, the code.
    fn first<'a, T>(&'a self, choice: impl Fn(&'a Settings) -> Option<T>) -> Option<T> {
        [&self.own, &self.general.settings, &self.code].into_iter().find_map(choice)
    }
}

/// What only a client asks for.
#[cfg(feature = "otlp")]
impl OtlpConfig {
    /// How a client reaches this URL.
    pub(crate) fn endpoint(&self, url: &str) -> Endpoint {
        Endpoint {
            url: if self.is_grpc() { join(url, self.service.method) } else { url.to_owned() },
            headers: self.headers().to_vec(),
            tls: self.tls(),
            http2: self.is_grpc(),
            is_otlp: true,
        }
    }

    /// How many bytes a request may have before it is compressed.
    pub(crate) fn largest_request(&self) -> usize {
        let default = if self.is_grpc() { GRPC_REQUEST } else { HTTP_REQUEST };
        self.request_size().unwrap_or(default).min(LARGEST_REQUEST)
    }

    fn tls(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.first(|settings| settings.tls.certificate.clone()),
            client_key: self.first(|settings| settings.tls.client_key.clone()),
            client_certificate: self.first(|settings| settings.tls.client_certificate.clone()),
        }
    }
}

/// What of an endpoint gRPC uses; one without a scheme is reached with TLS, unless `insecure` is set.
fn origin(endpoint: &str, insecure: bool) -> String {
    let (scheme, rest) =
        endpoint.split_once("://").unwrap_or((if insecure { "http" } else { "https" }, endpoint));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    format!("{scheme}://{}", &rest[..end])
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpConfig")
            .field("destination", &self.destination())
            .field("protocol", &self.protocol())
            .field("headers", &self.masked_headers())
            .field("timeout", &self.timeout())
            .field("batching", &self.batching)
            .finish()
    }
}

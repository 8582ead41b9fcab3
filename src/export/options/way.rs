//! A signal's way to its collector: what each source says of it, and which of them counts.

use std::fmt;
use std::time::Duration;

use super::endpoint::{self, Destination, shown};
use super::pem::{Pem, shown_path};
use super::protocol::{Protocol, read_compression, shown_compression};
use super::read::shown_millis;
use super::service::Service;
use super::shared::{ENDPOINT, Shared};
use super::target::Target;
use super::{doubt, headers};
use crate::export::Link;
use crate::export::feature::{GRPC, GZIP};
use crate::variable::Refusal;

/// A signal's way over OTLP.
#[derive(Clone)]
pub(crate) struct Way {
    service: &'static Service,
    pub(crate) code: Target,
    pub(crate) general: Shared,
    pub(crate) own: Target,
}

/// How long one attempt may take if nobody says so.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

impl Way {
    /// Nobody said anything yet.
    pub(crate) fn new(service: &'static Service) -> Self {
        Self { service, code: Target::default(), general: Shared::default(), own: Target::default() }
    }

    /// Did the environment say where to?
    pub(crate) fn is_chosen_by_environment(&self) -> bool {
        self.own.endpoint.is_some() || self.general.target.endpoint.is_some()
    }

    /// Where to, if anybody said so.
    pub(crate) fn destination(&self) -> Option<Destination> {
        self.url().map(|url| self.to(url))
    }

    /// Where to if nobody says so: a collector of the same machine.
    pub(crate) fn local(&self) -> Destination {
        self.to(self.below(self.protocol().local()))
    }

    /// All that a transport to this URL has to know.
    pub(crate) fn link(&self, url: &str) -> Link {
        Link {
            url: url.to_owned(),
            grpc: self.is_grpc().then_some(self.service.method),
            headers: self.headers().to_vec(),
            gzip: self.is_packed(),
            pem: self.pem(),
            is_otlp: true,
        }
    }

    /// What of all this will not work, or most likely not: what was said, its value, and what is right.
    pub(crate) fn doubts(&self) -> Vec<(String, String, Refusal)> {
        let is_packed = self.first(|target| target.gzip).unwrap_or_default();
        let unpacked = if is_packed { read_compression("gzip").err() } else { None };
        let unpacked =
            unpacked.map(|refusal| ("the compression in code".to_owned(), "gzip".to_owned(), refusal));
        self.doubt().into_iter().chain(unpacked).collect()
    }

    /// The headers of every export.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        self.first(|target| target.headers.as_deref()).unwrap_or_default()
    }

    /// How long one attempt may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.first(|target| target.timeout).unwrap_or(TIMEOUT)
    }

    pub(crate) fn is_grpc(&self) -> bool {
        self.protocol() == Protocol::Grpc
    }

    pub(crate) fn take_endpoint(&mut self, url: &str) -> Result<(), Refusal> {
        let checked = endpoint::check(url, self.protocol());
        self.own.take_endpoint(url, checked)
    }

    pub(crate) fn take_protocol(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_protocol(text)
    }

    pub(crate) fn take_insecure(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_insecure(text)
    }

    pub(crate) fn take_headers(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_headers(text)
    }

    pub(crate) fn take_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_timeout(text)
    }

    pub(crate) fn take_compression(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_compression(text)
    }

    pub(crate) fn show_endpoint(&self) -> String {
        self.url().map(|url| shown(&url)).unwrap_or_default()
    }

    pub(crate) fn show_protocol(&self) -> String {
        self.protocol().as_str().to_owned()
    }

    pub(crate) fn show_insecure(&self) -> String {
        self.is_insecure().to_string()
    }

    pub(crate) fn show_headers(&self) -> String {
        headers::names(self.headers())
    }

    pub(crate) fn show_timeout(&self) -> String {
        shown_millis(self.timeout())
    }

    pub(crate) fn show_compression(&self) -> String {
        shown_compression(self.is_packed()).to_owned()
    }

    pub(crate) fn show_certificate(&self) -> String {
        shown_path(self.pem().certificate.as_ref())
    }

    pub(crate) fn show_client_key(&self) -> String {
        shown_path(self.pem().client_key.as_ref())
    }

    pub(crate) fn show_client_certificate(&self) -> String {
        shown_path(self.pem().client_certificate.as_ref())
    }

    fn doubt(&self) -> Option<(String, String, Refusal)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", self.service.word);
        let sources = [
            (self.own.endpoint.as_ref(), own),
            (self.general.target.endpoint.as_ref(), ENDPOINT.to_owned()),
            (self.code.endpoint.as_ref(), "the endpoint in code".to_owned()),
        ];
        let (endpoint, name) = sources.into_iter().find_map(|(endpoint, name)| Some((endpoint?, name)))?;
        let remedy = doubt::about(endpoint, self.own.endpoint.is_some(), self.protocol(), self.service)?;
        Some((name, shown(endpoint), Refusal::Suspicious(remedy)))
    }

    fn to(&self, url: String) -> Destination {
        match GRPC.check() {
            Err(missing) if self.is_grpc() => Destination::Refused(missing),
            _ => Destination::of(url),
        }
    }

    fn protocol(&self) -> Protocol {
        self.first(|target| target.protocol).unwrap_or_default()
    }

    fn is_insecure(&self) -> bool {
        self.first(|target| target.insecure).unwrap_or_default()
    }

    fn is_packed(&self) -> bool {
        self.first(|target| target.gzip).unwrap_or_default() && GZIP.check().is_ok()
    }

    fn pem(&self) -> Pem {
        Pem {
            certificate: self.first(|target| target.pem.certificate.clone()),
            client_key: self.first(|target| target.pem.client_key.clone()),
            client_certificate: self.first(|target| target.pem.client_certificate.clone()),
        }
    }

    fn url(&self) -> Option<String> {
        let base = || self.general.target.endpoint.as_ref().or(self.code.endpoint.as_ref());
        match &self.own.endpoint {
            Some(own) if self.is_grpc() => Some(self.below(own)),
            Some(own) => Some(own.clone()),
            None => base().map(|base| self.below(base)),
        }
    }

    /// The URL below an endpoint of all signals.
    fn below(&self, base: &str) -> String {
        match self.protocol() {
            Protocol::Grpc => endpoint::origin(base, self.is_insecure()),
            Protocol::Http => endpoint::with_path(base, self.service.path),
        }
    }

    fn first<'a, T>(&'a self, choice: impl Fn(&'a Target) -> Option<T>) -> Option<T> {
        [&self.own, &self.general.target, &self.code].into_iter().find_map(choice)
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way")
            .field("destination", &self.destination())
            .field("protocol", &self.protocol())
            .field("headers", &self.show_headers())
            .field("timeout", &self.timeout())
            .finish()
    }
}

//! Owns a signal's way to its collector: what each source says of it, and which of them counts.

use std::fmt;
use std::time::Duration;

use super::endpoint::{self, Destination, shown};
use super::headers;
use super::read::shown_millis;
use super::shared::Shared;
use super::target::{self, Target};
use crate::variable::Refusal;

/// A signal's way over OTLP.
#[derive(Clone)]
pub(crate) struct Way {
    /// What is appended to a general endpoint: `/v1/traces`.
    path: &'static str,
    pub(crate) code: Target,
    pub(crate) general: Shared,
    pub(crate) own: Target,
}

/// How long one attempt may take if nobody says so.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

impl Way {
    /// Nobody said anything yet.
    pub(crate) fn new(path: &'static str) -> Self {
        Self { path, code: Target::default(), general: Shared::default(), own: Target::default() }
    }

    /// Did the environment say where to?
    pub(crate) fn is_chosen_by_environment(&self) -> bool {
        self.own.endpoint.is_some() || self.general.target.endpoint.is_some()
    }

    /// Where to, if anybody said so.
    pub(crate) fn destination(&self) -> Option<Destination> {
        self.url().map(Destination::of)
    }

    /// Where to if nobody says so: a collector of the same machine.
    pub(crate) fn local(&self) -> Destination {
        Destination::of(endpoint::with_path(endpoint::DEFAULT, self.path))
    }

    /// The headers of every export.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        self.sources().into_iter().find_map(|target| target.headers.as_deref()).unwrap_or_default()
    }

    /// How long one attempt may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.sources().into_iter().find_map(|target| target.timeout).unwrap_or(TIMEOUT)
    }

    pub(crate) fn take_endpoint(&mut self, url: &str) -> Result<(), Refusal> {
        self.own.take_endpoint(url, endpoint::check_as_is(url, self.path))
    }

    pub(crate) fn take_headers(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_headers(text)
    }

    pub(crate) fn take_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        self.own.take_timeout(text)
    }

    pub(crate) fn check_protocol(text: &str) -> Result<(), Refusal> {
        target::check_protocol(text)
    }

    pub(crate) fn check_compression(text: &str) -> Result<(), Refusal> {
        target::check_compression(text)
    }

    pub(crate) fn show_endpoint(&self) -> String {
        self.url().map(|url| shown(&url)).unwrap_or_default()
    }

    pub(crate) fn show_headers(&self) -> String {
        headers::names(self.headers())
    }

    pub(crate) fn show_timeout(&self) -> String {
        shown_millis(self.timeout())
    }

    fn url(&self) -> Option<String> {
        let base = || self.general.target.endpoint.as_ref().or(self.code.endpoint.as_ref());
        let based = || base().map(|base| endpoint::with_path(base, self.path));
        self.own.endpoint.clone().or_else(based)
    }

    fn sources(&self) -> [&Target; 3] {
        [&self.own, &self.general.target, &self.code]
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way")
            .field("destination", &self.destination())
            .field("headers", &self.show_headers())
            .field("timeout", &self.timeout())
            .finish()
    }
}

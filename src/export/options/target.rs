//! Where to and how, from one source: the code, the general variables, a signal's own variables.

use std::fmt;
use std::time::Duration;

use super::headers;
use super::pem::Pem;
use super::protocol::{Protocol, read_compression};
use super::read::millis;
use crate::variable::{Refusal, boolean};

/// Where to and how, from one source. `None` leaves it to the next: own variable, general variable, code.
#[derive(Clone, Default)]
pub(crate) struct Target {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) insecure: Option<bool>,
    pub(crate) headers: Option<Vec<(String, String)>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: Option<bool>,
    pub(crate) pem: Pem,
}

impl Target {
    /// An address that is not served is kept all the same: records must not go to another one instead.
    pub(super) fn take_endpoint(&mut self, url: &str, checked: Result<(), Refusal>) -> Result<(), Refusal> {
        if !matches!(checked, Err(Refusal::Expected(_))) {
            self.endpoint = Some(url.to_owned());
        }
        checked
    }

    pub(super) fn take_protocol(&mut self, text: &str) -> Result<(), Refusal> {
        let (protocol, said) = Protocol::read(text);
        self.protocol = protocol.or(self.protocol);
        said
    }

    pub(super) fn take_insecure(&mut self, text: &str) -> Result<(), Refusal> {
        boolean(text).map(|insecure| self.insecure = Some(insecure))
    }

    pub(super) fn take_headers(&mut self, text: &str) -> Result<(), Refusal> {
        headers::parse(text).map(|list| self.headers = Some(list))
    }

    pub(super) fn take_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        millis(text).map(|time| self.timeout = Some(time))
    }

    pub(super) fn take_compression(&mut self, text: &str) -> Result<(), Refusal> {
        read_compression(text).map(|gzip| self.gzip = Some(gzip))
    }
}

/// Addresses may hold credentials, and headers do.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("headers", &headers::names(self.headers.as_deref().unwrap_or_default()))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

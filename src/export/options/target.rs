//! Owns where to and how, from one source: the code, the general variables, a signal's own variables.

use std::fmt;
use std::time::Duration;

use super::headers;
use super::read::millis;
use crate::variable::Refusal;

/// Where to and how, from one source. `None` leaves it to the next: own variable, general variable, code.
#[derive(Clone, Default)]
pub(crate) struct Target {
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Option<Vec<(String, String)>>,
    pub(crate) timeout: Option<Duration>,
}

impl Target {
    /// An address that is not served is kept all the same: records must not go to another one instead.
    pub(super) fn take_endpoint(&mut self, url: &str, checked: Result<(), Refusal>) -> Result<(), Refusal> {
        if !matches!(checked, Err(Refusal::Expected(_))) {
            self.endpoint = Some(url.to_owned());
        }
        checked
    }

    pub(super) fn take_headers(&mut self, text: &str) -> Result<(), Refusal> {
        headers::parse(text).map(|list| self.headers = Some(list))
    }

    pub(super) fn take_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        millis(text).map(|time| self.timeout = Some(time))
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

pub(super) fn check_protocol(text: &str) -> Result<(), Refusal> {
    match text {
        "http/protobuf" => Ok(()),
        "grpc" | "http/json" => {
            Err(Refusal::NotServed("what is exported leaves as http/protobuf".to_owned()))
        }
        _ => Err(Refusal::Expected("http/protobuf".to_owned())),
    }
}

pub(super) fn check_compression(text: &str) -> Result<(), Refusal> {
    match text {
        "none" => Ok(()),
        "gzip" => Err(Refusal::NotServed("what is exported leaves uncompressed".to_owned())),
        _ => Err(Refusal::Expected("none".to_owned())),
    }
}

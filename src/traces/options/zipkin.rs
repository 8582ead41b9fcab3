//! Where Zipkin listens: what code and environment say of it, and what looks wrong about its address.

use std::fmt;
use std::time::Duration;

use crate::export::{Destination, has_credentials, join, masked_url, reachable};
use crate::otlp::{Protocol, Settings};
use crate::variable::{Refusal, milliseconds};

/// Where a Zipkin of the same machine listens.
pub(super) const DEFAULT: &str = "http://localhost:9411/api/v2/spans";

const PATH: &str = "/api/v2/spans";
const EXAMPLE: &str = "http://zipkin:9411/api/v2/spans";

/// The export straight to Zipkin.
#[derive(Clone, Default)]
pub(super) struct Zipkin {
    pub(super) code: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) timeout: Option<Duration>,
}

impl Zipkin {
    /// Where to; a Zipkin of the same machine if no address was named.
    pub(super) fn destination(&self) -> Destination {
        Destination::of(self.url().to_owned())
    }

    pub(super) fn url(&self) -> &str {
        self.endpoint.as_deref().or(self.code.as_deref()).unwrap_or(DEFAULT)
    }

    /// An address that is not served is kept all the same: spans must not go to another one instead.
    pub(super) fn set_endpoint(&mut self, url: &str) -> Result<(), Refusal> {
        let checked = check(url);
        if !matches!(checked, Err(Refusal::Expected(_))) {
            self.endpoint = Some(url.to_owned());
        }
        checked
    }

    pub(super) fn set_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        milliseconds(text).map(|time| self.timeout = Some(time))
    }
}

/// Addresses may hold credentials.
impl fmt::Debug for Zipkin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zipkin")
            .field("url", &masked_url(self.url()))
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// What code says that has no effect on Zipkin, because only OTLP has it.
pub(super) fn without_effect(code: &Settings) -> Vec<(String, String, Refusal)> {
    let headers: Vec<_> = code.headers.iter().flatten().map(|(name, _)| name.as_str()).collect();
    let headers = (!headers.is_empty()).then(|| {
        let instead = "none is sent to Zipkin; a collector before it can send them";
        ("the headers in code", headers.join(", "), instead)
    });
    let gzip = code.gzip.unwrap_or_default().then(|| {
        let instead = "spans go to Zipkin uncompressed; OTLP can be compressed";
        ("the compression in code", "gzip".to_owned(), instead)
    });
    let grpc = (code.protocol == Some(Protocol::Grpc)).then(|| {
        let instead = "spans go to Zipkin as its JSON; gRPC is for OTLP";
        ("the protocol in code", "grpc".to_owned(), instead)
    });
    let all = [headers, gzip, grpc].into_iter().flatten();
    all.map(|(name, value, instead)| (name.to_owned(), value, Refusal::NotServed(instead.to_owned())))
        .collect()
}

/// The address is used as it is: what of it will most likely not work?
fn check(url: &str) -> Result<(), Refusal> {
    let uri = reachable(url, EXAMPLE)?;
    let port = uri.port_u16();
    let wrong = match uri.path() {
        _ if has_credentials(&uri) => {
            "the name and the password in it are not sent; a collector before Zipkin can send them".to_owned()
        }
        _ if port == Some(4317) || port == Some(4318) => {
            format!(
                "{} is a port of OTLP; Zipkin listens on 9411, and a collector is sent to by \
                     OTEL_EXPORTER_OTLP_ENDPOINT",
                port.unwrap_or_default()
            )
        }
        "" | "/" => {
            format!("it is used as it is and has no path; write {}", masked_url(&join(url, PATH)))
        }
        path if path.ends_with("/v1/spans") => {
            format!("version 2 of Zipkin's JSON is sent; write {}", masked_url(url).replace("/v1/", "/v2/"))
        }
        _ => return Ok(()),
    };
    Err(Refusal::Suspicious(wrong))
}

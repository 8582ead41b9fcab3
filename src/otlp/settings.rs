//! Where to and how, from one source: the code, the general variables, or a signal's own variables.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use crate::export::{GRPC, GZIP, TlsFiles, has_credentials, reachable};
use crate::variable::{Refusal, boolean, milliseconds};

/// How requests of OTLP travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    Http,
    Grpc,
}

/// Where to and how, from one source. `None` leaves it to the next: own variable, general variable, code.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) insecure: Option<bool>,
    pub(crate) headers: Option<Vec<(String, String)>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: Option<bool>,
    pub(crate) tls: TlsFiles,
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }

    /// Where a collector of the same machine listens.
    pub(super) const fn local(self) -> &'static str {
        match self {
            Self::Http => "http://localhost:4318",
            Self::Grpc => "http://localhost:4317",
        }
    }
}

impl Settings {
    /// An address that is not served is kept all the same: records must not go to another one instead.
    pub(crate) fn set_endpoint(&mut self, url: &str, protocol: Protocol) -> Result<(), Refusal> {
        let checked = check(url, protocol);
        if !matches!(checked, Err(Refusal::Expected(_))) {
            self.endpoint = Some(url.to_owned());
        }
        checked
    }

    /// A protocol that is not built in is chosen all the same: what listens there understands no other.
    pub(crate) fn set_protocol(&mut self, text: &str) -> Result<(), Refusal> {
        let (protocol, checked) = match &*text.to_ascii_lowercase() {
            "http/protobuf" => (Protocol::Http, Ok(())),
            "grpc" => (Protocol::Grpc, GRPC.check().map_err(Refusal::NotServed)),
            "http/json" => {
                let instead = "what is exported leaves as http/protobuf, which goes to the same port";
                (Protocol::Http, Err(Refusal::NotServed(instead.to_owned())))
            }
            _ => return Err(Refusal::expected("http/protobuf or grpc")),
        };
        self.protocol = Some(protocol);
        checked
    }

    pub(crate) fn set_insecure(&mut self, text: &str) -> Result<(), Refusal> {
        boolean(text).map(|insecure| self.insecure = Some(insecure))
    }

    pub(crate) fn set_headers(&mut self, text: &str) -> Result<(), Refusal> {
        parse_headers(text).map(|headers| self.headers = Some(headers))
    }

    pub(crate) fn set_timeout(&mut self, text: &str) -> Result<(), Refusal> {
        milliseconds(text).map(|timeout| self.timeout = Some(timeout))
    }

    pub(crate) fn set_compression(&mut self, text: &str) -> Result<(), Refusal> {
        let gzip = match &*text.to_ascii_lowercase() {
            "none" => false,
            "gzip" => {
                check_gzip()?;
                true
            }
            _ => return Err(Refusal::expected("gzip or none")),
        };
        self.gzip = Some(gzip);
        Ok(())
    }
}

/// Is compression built in?
pub(super) fn check_gzip() -> Result<(), Refusal> {
    let missing = |missing| format!("what is exported leaves uncompressed. {missing}");
    GZIP.check().map_err(|text| Refusal::NotServed(missing(text)))
}

/// The names of headers, with their values masked.
pub(super) fn masked_headers(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, _)| format!("{name}=***")).collect::<Vec<_>>().join(",")
}

/// Reads `key=value,key=value`, values percent-decoded: the baggage format, without properties. One wrong pair refuses
/// the whole list.
fn parse_headers(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let right = "name=value pairs with commas between, values percent-encoded, without `;`";
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    // The pair itself is a secret, so the warning does not contain it.
    pairs.map(|pair| header(pair).ok_or_else(|| Refusal::expected(right))).collect()
}

fn header(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if value.contains(';') {
        return None;
    }
    let value = percent_decode_str(value).decode_utf8().ok()?;
    HeaderName::try_from(name).ok()?;
    HeaderValue::try_from(&*value).ok()?;
    Some((name.to_owned(), value.into_owned()))
}

/// What is wrong with an endpoint, whatever is set beside it.
fn check(endpoint: &str, protocol: Protocol) -> Result<(), Refusal> {
    let uri = match protocol {
        Protocol::Grpc if !endpoint.contains("://") => host_and_port(endpoint)?,
        Protocol::Grpc => reachable(endpoint, "http://collector:4317")?,
        Protocol::Http => reachable(endpoint, "http://collector:4318")?,
    };
    if has_credentials(&uri) {
        return Err(Refusal::Suspicious(
            "the name and the password in it are not sent; OTEL_EXPORTER_OTLP_HEADERS sends them, as \
             authorization=Basic%20 and both in base64"
                .to_owned(),
        ));
    }
    Ok(())
}

/// gRPC's own way to name a host and its port.
fn host_and_port(endpoint: &str) -> Result<Uri, Refusal> {
    let uri =
        endpoint.parse::<Uri>().ok().filter(|uri| uri.authority().is_some_and(|at| at.port().is_some()));
    uri.ok_or_else(|| Refusal::expected("a URL such as http://collector:4317"))
}

/// Addresses may hold credentials, and headers do.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("headers", &masked_headers(self.headers.as_deref().unwrap_or_default()))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

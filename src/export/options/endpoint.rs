//! The collector's address: what is appended to it, what of it is shown, and whether it is served.

use std::fmt;

use http::Uri;

use super::protocol::Protocol;
use crate::export::feature::TLS;
use crate::variable::Refusal;

/// Where records go.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Switched off by somebody.
    Off,
    /// Nobody named an endpoint.
    None,
    /// To standard error, for a person.
    Console,
    /// To this URL.
    Url(String),
    /// Not served; says why.
    Refused(String),
}

impl Destination {
    /// To this URL, if it is served.
    pub(crate) fn of(url: String) -> Self {
        match check(&url, Protocol::Http) {
            Err(Refusal::Expected(reason) | Refusal::NotServed(reason)) => {
                Self::Refused(format!("{}: {reason}", shown(&url)))
            }
            Err(Refusal::Suspicious(_)) | Ok(()) => Self::Url(url),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::None => f.write_str("None"),
            Self::Console => f.write_str("Console"),
            Self::Url(url) => write!(f, "Url({})", shown(url)),
            Self::Refused(reason) => write!(f, "Refused({reason})"),
        }
    }
}

/// A signal's URL below a base endpoint.
pub(super) fn with_path(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
}

/// What of an endpoint gRPC uses; one without a scheme is reached with TLS, unless somebody says otherwise.
pub(super) fn origin(endpoint: &str, insecure: bool) -> String {
    let (scheme, rest) =
        endpoint.split_once("://").unwrap_or((if insecure { "http" } else { "https" }, endpoint));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    format!("{scheme}://{}", &rest[..end])
}

/// The URL without its credentials and its query.
pub(crate) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://REDACTED@{host}{path}"),
        None => url.to_owned(),
    }
}

/// What is wrong with an endpoint, whatever stands around it.
pub(super) fn check(endpoint: &str, protocol: Protocol) -> Result<(), Refusal> {
    let uri = match protocol {
        Protocol::Grpc if !endpoint.contains("://") => of_grpc(endpoint)?,
        Protocol::Grpc => reachable(endpoint, "http://collector:4317")?,
        Protocol::Http => reachable(endpoint, "http://collector:4318")?,
    };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Refusal::Suspicious(
            "the name and the password in it are not sent; OTEL_EXPORTER_OTLP_HEADERS sends them, as \
             authorization=Basic%20 and both in base64"
                .to_owned(),
        ));
    }
    Ok(())
}

/// gRPC's own way to name a host and its port.
fn of_grpc(endpoint: &str) -> Result<Uri, Refusal> {
    let uri =
        endpoint.parse::<Uri>().ok().filter(|uri| uri.authority().is_some_and(|at| at.port().is_some()));
    uri.ok_or_else(|| Refusal::expected("a URL such as http://collector:4317"))
}

/// The parts of a URL to which something can be exported; `example` is such a one.
pub(crate) fn reachable(url: &str, example: &str) -> Result<Uri, Refusal> {
    let uri: Option<Uri> = url.parse().ok();
    match uri.filter(|uri| uri.authority().is_some()) {
        Some(uri) if uri.scheme_str() == Some("http") => Ok(uri),
        Some(uri) if uri.scheme_str() == Some("https") => {
            TLS.check().map(|()| uri).map_err(Refusal::NotServed)
        }
        _ => Err(Refusal::Expected(format!("a URL such as {example}"))),
    }
}

//! Owns the collector's address: what is appended to it, what of it is shown, and what looks wrong.

use std::fmt;

use crate::variable::Refusal;

/// Where a collector of the same machine listens.
pub(super) const DEFAULT: &str = "http://localhost:4318";

/// Where records go.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Switched off by somebody.
    Off,
    /// Nobody named an endpoint.
    None,
    /// To this URL.
    Url(String),
    /// Not served; says why.
    Refused(String),
}

impl Destination {
    /// To this URL, if it is served.
    pub(crate) fn of(url: String) -> Self {
        match check(&url) {
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
            Self::Url(url) => write!(f, "Url({})", shown(url)),
            Self::Refused(reason) => write!(f, "Refused({reason})"),
        }
    }
}

/// A signal's URL below a base endpoint.
pub(super) fn with_path(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim_end_matches('/'))
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

/// What is wrong with a base endpoint.
pub(super) fn check(url: &str) -> Result<(), Refusal> {
    match reachable(url, "http://collector:4318")?.authority() {
        Some(authority) if authority.port_u16() == Some(4317) => Err(Refusal::Suspicious(
            "4317 is the port of OTLP over gRPC, which is not built in yet; write 4318, unless this collector \
             speaks HTTP on 4317"
                .to_owned(),
        )),
        Some(authority) if authority.as_str().contains('@') => Err(Refusal::Suspicious(
            "the name and the password in it are not sent; OTEL_EXPORTER_OTLP_HEADERS sends them, as \
             authorization=Basic%20 and both in base64"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The parts of a URL to which something can be exported; `example` is such a one.
pub(crate) fn reachable(url: &str, example: &str) -> Result<http::Uri, Refusal> {
    let uri: Option<http::Uri> = url.parse().ok();
    match uri.filter(|uri| uri.authority().is_some()) {
        Some(uri) if uri.scheme_str() == Some("http") => Ok(uri),
        Some(uri) if uri.scheme_str() == Some("https") => Err(Refusal::NotServed(
            "TLS is not built in yet, so nothing is exported to it; use http:// to a collector on this machine or \
             in this cluster"
                .to_owned(),
        )),
        _ => Err(Refusal::Expected(format!("a URL such as {example}"))),
    }
}

/// What is wrong with an endpoint that is used as it is.
pub(super) fn check_as_is(url: &str, signal: &str) -> Result<(), Refusal> {
    check(url)?;
    let path = url.parse::<http::Uri>().map(|uri| uri.path().to_owned()).unwrap_or_default();
    if path.is_empty() || path == "/" {
        return Err(Refusal::Suspicious(format!(
            "it is used as it is and has no path; write {}",
            with_path(&shown(url), signal)
        )));
    }
    Ok(())
}

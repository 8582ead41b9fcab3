//! Explains why a TLS connection failed, in words for the person on call.

use std::error::Error;
use std::io;
use std::time::{Duration, SystemTime};

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::{Endpoint, names_ca};

/// What is wrong, where TLS is the reason.
pub(in crate::export::http) fn explain(error: &(dyn Error + 'static), endpoint: &Endpoint) -> Option<String> {
    let mut next = Some(error);
    let mut text = String::new();
    while let Some(error) = next {
        if let Some(found) = within(error) {
            return Some(of(found, endpoint));
        }
        text.push_str(&error.to_string());
        next = error.source();
    }
    if text.contains("handshake eof") {
        return Some("what listens there hung up instead of speaking TLS".to_owned());
    }
    // HTTP/2 keeps the words of what its connection died of, and nothing else.
    let (_, alert) = text.split_once("received fatal alert: ")?;
    Some(refused(alert, endpoint))
}

/// `io::Error` hides what it holds from those who ask for its source.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    within(error.downcast_ref::<io::Error>()?.get_ref()?)
}

fn of(error: &rustls::Error, endpoint: &Endpoint) -> String {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error, endpoint),
        rustls::Error::AlertReceived(alert) => refused(&format!("{alert:?}"), endpoint),
        rustls::Error::InvalidMessage(_) => {
            "what listens there does not speak TLS; is the endpoint one of http://?".to_owned()
        }
        rustls::Error::PeerIncompatible(_) => {
            format!("no TLS version and cipher suite is supported by both the collector and us ({error})")
        }
        error => format!("TLS: {error}"),
    }
}

fn certificate(error: &CertificateError, endpoint: &Endpoint) -> String {
    match error {
        // Not its signature: a CA that was made anew keeps its name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => match &endpoint.tls.certificate {
            Some(Ok(file)) => format!("the collector's certificate is not signed by a CA of {file}"),
            _ => format!(
                "the collector's certificate is not signed by a CA that this machine trusts; a file with the \
                 certificate of its CA belongs into {}",
                names_ca(endpoint)
            ),
        },
        CertificateError::Expired => "the collector's certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the collector's certificate has expired on {}", date(*not_after))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the collector's certificate is not valid yet; is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
            let names = if names.is_empty() { "no host".to_owned() } else { names.join(", ") };
            format!("the collector's certificate is for {names}, not for {}", expected.to_str())
        }
        CertificateError::NotValidForName => {
            "the collector's certificate is for another host than the endpoint names".to_owned()
        }
        CertificateError::Revoked => "the collector's certificate was revoked".to_owned(),
        error => format!("the collector's certificate is not valid: {error}"),
    }
}

/// The other side ended it, and said why.
fn refused(alert: &str, endpoint: &Endpoint) -> String {
    match alert {
        alert if alert.starts_with("CertificateRequired") && !endpoint.is_otlp => {
            "the collector demands a client's certificate; Otlp::client_certificate() names its files".to_owned()
        }
        alert if alert.starts_with("CertificateRequired") => "the collector demands a client's certificate; \
                                                              OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and \
                                                              OTEL_EXPORTER_OTLP_CLIENT_KEY name its files"
            .to_owned(),
        alert if alert.starts_with("NoApplicationProtocol") => {
            "the collector does not speak this protocol there; OTEL_EXPORTER_OTLP_PROTOCOL chooses it, and gRPC \
             has a port of its own"
                .to_owned()
        }
        alert if CERTIFICATE.iter().any(|kind| alert.starts_with(kind)) => {
            format!("the collector does not take our client's certificate ({alert})")
        }
        alert => format!("the collector refused TLS ({alert})"),
    }
}

/// The alerts that are about the certificate which we showed.
const CERTIFICATE: [&str; 8] = [
    "AccessDenied",
    "BadCertificate",
    "CertificateExpired",
    "CertificateRevoked",
    "CertificateUnknown",
    "DecryptError",
    "UnknownCA",
    "UnsupportedCertificate",
];

/// The day, as one may write it.
fn date(time: UnixTime) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    time.map(httpdate::fmt_http_date).unwrap_or_else(|| "a day long ago".to_owned())
}

/// `DnsName("collector")`, without its type.
fn plain(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

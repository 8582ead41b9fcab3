//! Connections with TLS: which certificates are trusted, and which is shown.

mod explain;
#[cfg(feature = "cli")]
mod look;
mod pem;

pub(super) use explain::explain;
#[cfg(feature = "cli")]
pub(super) use look::{connect, shown};
pub(super) use pem::{certificates, key};

use std::io;
use std::sync::Arc;

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ConfigBuilder, Error, RootCertStore};

use super::Endpoint;
use super::resolver::Resolver;
use crate::file::read_by;

pub(super) type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// Connects to this endpoint, with TLS where its URL says so.
///
/// # Errors
///
/// A file cannot be used, or this machine has no root certificates; the text says what is right.
pub(super) fn connector(mut http: HttpConnector<Resolver>, endpoint: &Endpoint) -> Result<Connector, String> {
    http.enforce_http(false);
    let mut config = if endpoint.is_tls() { config(endpoint)? } else { plain()? };
    config.alpn_protocols = vec![if endpoint.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Ok(HttpsConnector::from((http, config)))
}

/// For a URL of `http`: no certificate is asked for.
fn plain() -> Result<ClientConfig, String> {
    Ok(trusting(RootCertStore::empty())?.with_no_client_auth())
}

fn config(endpoint: &Endpoint) -> Result<ClientConfig, String> {
    let pem = &endpoint.tls;
    let path = |file: &Option<Result<String, String>>| file.clone().transpose();
    let roots = match path(&pem.certificate)? {
        Some(file) => only(&file)?,
        None => of_machine(endpoint)?,
    };
    let trusting = trusting(roots)?;
    match (path(&pem.client_certificate)?, path(&pem.client_key)?) {
        (None, None) => Ok(trusting.with_no_client_auth()),
        (Some(certificate), Some(file)) => {
            let chain = certificates(&certificate).map_err(|right| wrong(&certificate, &right))?;
            let key = key(&file).map_err(|right| wrong(&file, &right))?;
            trusting.with_client_auth_cert(chain, key).map_err(|error| mismatch(&certificate, &file, &error))
        }
        (Some(_), None) => Err("a client's certificate needs its key, a file in PEM that \
                                OTEL_EXPORTER_OTLP_CLIENT_KEY names"
            .to_owned()),
        (None, Some(_)) => Err("a client's key needs its certificate, a file in PEM that \
                                OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE names"
            .to_owned()),
    }
}

/// With a provider of our own: the one of the process is the service's choice.
fn trusting(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots))
}

/// A file that is named replaces the roots of the machine.
fn only(file: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file).map_err(|right| wrong(file, &right))? {
        roots.add(certificate).map_err(|_| format!("{file} holds what is not a certificate"))?;
    }
    Ok(roots)
}

fn of_machine(endpoint: &Endpoint) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let found = read_by(certificates_of_machine)
        .map_err(|error| format!("the root certificates of this machine cannot be read: {error}"))?;
    let (known, _) = roots.add_parsable_certificates(found);
    if known == 0 {
        return Err(format!(
            "this machine has no root certificates; install its root certificates, such as the package ca-certificates, or name \
             a file in {}",
            names_ca(endpoint)
        ));
    }
    Ok(roots)
}

/// The library opens what it is told to: a FIFO would wait, and a device never end.
fn certificates_of_machine() -> io::Result<Vec<CertificateDer<'static>>> {
    let named = std::env::var_os("SSL_CERT_FILE").and_then(|file| std::fs::metadata(file).ok());
    if named.is_some_and(|found| !found.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "SSL_CERT_FILE is not a regular file"));
    }
    Ok(rustls_native_certs::load_native_certs().certs)
}

/// The variable that names the file of a private CA.
fn names_ca(endpoint: &Endpoint) -> &'static str {
    if endpoint.is_otlp { "OTEL_EXPORTER_OTLP_CERTIFICATE" } else { "SSL_CERT_FILE" }
}

fn wrong(file: &str, right: &str) -> String {
    format!("{file} is not {right}")
}

fn mismatch(certificate: &str, file: &str, error: &Error) -> String {
    match error {
        Error::InconsistentKeys(_) => format!("{file} is not the key of the certificate in {certificate}"),
        error => format!("{file} and {certificate} cannot be used: {error}"),
    }
}

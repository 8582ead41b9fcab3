//! HTTPS to the stores: whom we trust, and what we show.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Files in PEM, for stores at `https://`.
#[derive(Args, Default)]
pub(super) struct Tls {
    /// The authority that signed the stores' certificates, beside those that this machine trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate that is shown to them.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its key.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// Connects to both `http://` and `https://`.
pub(super) fn connector(files: &Tls) -> Result<HttpsConnector<HttpConnector>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(ca) = &files.ca {
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(|error| said(ca, &error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|error| error.to_string())?.with_root_certificates(roots);
    let config = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| said(key, &error))?;
            config.with_client_auth_cert(chain, key).map_err(|error| said(certificate, &error))?
        }
        _ => config.with_no_client_auth(),
    };
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| said(file, &error))?;
    if read.is_empty() { Err(format!("{}: no certificate in PEM", file.display())) } else { Ok(read) }
}

fn said(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}

#[cfg(test)]
#[test]
fn a_file_that_is_not_there_or_no_certificate_is_named() {
    assert!(connector(&Tls::default()).is_ok());
    for file in ["/nowhere.pem", "Cargo.toml"] {
        let wrong = connector(&Tls { ca: Some(file.into()), ..Tls::default() });
        assert!(wrong.unwrap_err().starts_with(&format!("{file}: ")));
    }
}

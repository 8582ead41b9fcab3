//! A look at a server from outside: whether TLS is completed with it, and which certificate it shows.

use std::error::Error;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};
use tower::Service as _;

use super::{Connector, Endpoint};
use crate::export::http::resolver::Resolver;
use crate::threads::lock;

type BoxError = Box<dyn Error + Send + Sync>;

/// Notes the certificate that it is shown, and accepts none: nothing is ever sent over such a connection.
#[derive(Debug, Default)]
struct Witness(Mutex<Option<Vec<u8>>>);

/// Connects; the certificates that the server showed, none without TLS.
pub(in crate::export::http) async fn connect(
    mut connector: Connector,
    uri: Uri,
) -> Result<Vec<Vec<u8>>, BoxError> {
    poll_fn(|context| connector.poll_ready(context)).await?;
    Ok(match connector.call(uri).await? {
        MaybeHttpsStream::Http(_) => Vec::new(),
        MaybeHttpsStream::Https(stream) => {
            let (_, session) = stream.inner().get_ref();
            let certificates = session.peer_certificates().unwrap_or_default();
            certificates.iter().map(|certificate| certificate.to_vec()).collect()
        }
    })
}

/// The certificate that a server shows, whether or not it is trusted.
pub(in crate::export::http) async fn shown(uri: Uri, endpoint: &Endpoint) -> Option<Vec<u8>> {
    let witness = Arc::<Witness>::default();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?.dangerous();
    let verifier = Arc::<Witness>::clone(&witness);
    let mut config = builder.with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![if endpoint.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let mut http = HttpConnector::new_with_resolver(Resolver::default());
    http.enforce_http(false);
    // It fails in any case: no certificate is accepted.
    let _ = connect(HttpsConnector::from((http, config)), uri).await;
    lock(&witness.0).take()
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        *lock(&self.0) = Some(certificate.to_vec());
        Err(only_looked_at())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(only_looked_at())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(only_looked_at())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn only_looked_at() -> TlsError {
    TlsError::General("the certificate is only looked at".to_owned())
}

//! A certificate authority of a test: what servers and clients show, and the files that the variables name.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// An authority that nobody trusts who does not name its file.
pub struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a server shows.
pub enum Shown {
    /// A certificate for 127.0.0.1.
    Right,
    /// One for another host.
    OfAnother,
    /// One that ended in 2021.
    Expired,
}

impl Authority {
    /// Its files lie in a folder of this name.
    pub fn new(name: &str) -> Self {
        Self::called(name, name)
    }

    /// The same under a name that another authority may have as well.
    pub fn called(name: &str, folder: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    /// The file with its certificate.
    pub fn file(&self) -> String {
        self.path("ca.pem")
    }

    /// The files with a client's certificate and its key.
    pub fn client(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.folder.join("client.pem"), certificate.pem()).unwrap();
        fs::write(self.folder.join("client.key"), key.serialize_pem()).unwrap();
        (self.path("client.pem"), self.path("client.key"))
    }

    /// A server that asks for no client's certificate.
    pub fn server(&self, shown: Shown) -> ServerConfig {
        let (chain, key) = self.shown(shown);
        with_protocols(builder().with_no_client_auth().with_single_cert(chain, key).unwrap())
    }

    /// A server that talks only to clients of this authority.
    pub fn demanding(&self) -> ServerConfig {
        let (chain, key) = self.shown(Shown::Right);
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        with_protocols(builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
    }

    fn shown(&self, shown: Shown) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let name = if matches!(shown, Shown::OfAnother) { "other.example" } else { "127.0.0.1" };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if matches!(shown, Shown::Expired) {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 2, 3));
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).to_str().unwrap().to_owned()
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

fn with_protocols(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

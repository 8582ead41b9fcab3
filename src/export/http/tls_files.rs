//! The files of TLS as one source names them, and what is said of one that cannot be used.

use super::tls::{certificates, key};
use crate::export::feature::TLS;
use crate::variable::Refusal;

/// A file of TLS. One that the environment names and that cannot be used is the reason why: nothing leaves with less
/// protection than was asked for.
pub(crate) type TlsFile = Result<String, String>;

/// The files of TLS; what is not named is left to the next source.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: Option<TlsFile>,
    pub(crate) client_key: Option<TlsFile>,
    pub(crate) client_certificate: Option<TlsFile>,
}

impl TlsFiles {
    pub(crate) fn set_certificate(&mut self, path: &str) -> Result<(), Refusal> {
        set(&mut self.certificate, path, certificates(path).map(drop))
    }

    pub(crate) fn set_client_key(&mut self, path: &str) -> Result<(), Refusal> {
        set(&mut self.client_key, path, key(path).map(drop))
    }

    pub(crate) fn set_client_certificate(&mut self, path: &str) -> Result<(), Refusal> {
        set(&mut self.client_certificate, path, certificates(path).map(drop))
    }
}

fn set(file: &mut Option<TlsFile>, path: &str, read: Result<(), String>) -> Result<(), Refusal> {
    let usable = TLS.check().map_err(Refusal::NotServed).and_then(|()| read.map_err(Refusal::Expected));
    *file = Some(match usable.clone() {
        Ok(()) => Ok(path.to_owned()),
        Err(Refusal::Expected(right)) => Err(format!("{path} is not {right}")),
        Err(refusal) => Err(refusal.reason()),
    });
    usable
}

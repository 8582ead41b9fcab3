//! The files of TLS as one source names them, and what is said of one that cannot serve.

use crate::export::feature::TLS;
use crate::export::http::pem::{certificates, key};
use crate::variable::Refusal;

/// The files of TLS. One that the environment names and that cannot serve is the reason why: nothing leaves with less
/// protection than somebody asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pem {
    pub(crate) certificate: Option<Result<String, String>>,
    pub(crate) client_key: Option<Result<String, String>>,
    pub(crate) client_certificate: Option<Result<String, String>>,
}

impl Pem {
    pub(crate) fn take_certificate(&mut self, path: &str) -> Result<(), Refusal> {
        take(&mut self.certificate, path, certificates(path).map(drop))
    }

    pub(crate) fn take_client_key(&mut self, path: &str) -> Result<(), Refusal> {
        take(&mut self.client_key, path, key(path).map(drop))
    }

    pub(crate) fn take_client_certificate(&mut self, path: &str) -> Result<(), Refusal> {
        take(&mut self.client_certificate, path, certificates(path).map(drop))
    }
}

/// The path in force; empty if there is none.
pub(super) fn shown_path(file: Option<&Result<String, String>>) -> String {
    file.and_then(|file| file.as_ref().ok()).cloned().unwrap_or_default()
}

fn take(
    file: &mut Option<Result<String, String>>,
    path: &str,
    read: Result<(), String>,
) -> Result<(), Refusal> {
    let taken = TLS.check().map_err(Refusal::NotServed).and_then(|()| read.map_err(Refusal::Expected));
    *file = Some(match &taken {
        Ok(()) => Ok(path.to_owned()),
        Err(Refusal::Expected(right)) => Err(format!("{path} is not {right}")),
        Err(Refusal::NotServed(reason) | Refusal::Suspicious(reason)) => Err(reason.clone()),
    });
    taken
}

//! The files of TLS: what they must hold, and what is said where they do not.

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::file;

/// The certificates of a file.
///
/// # Errors
///
/// There are none; the text says what would be right, and why it is not.
pub(in crate::export::http) fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let what = "a file with certificates in PEM";
    let read = file::read(path).map_err(Error::Io).map_err(|error| expected(what, &error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read).collect();
    let found = found.map_err(|error| expected(what, &error))?;
    if found.is_empty() { Err(expected(what, &Error::NoItemsFound)) } else { Ok(found) }
}

/// The key in a file.
///
/// # Errors
///
/// There is none; the text shows nothing of the file.
pub(in crate::export::http) fn key(path: &str) -> Result<PrivateKeyDer<'static>, String> {
    file::read(path)
        .map_err(Error::Io)
        .and_then(|read| PrivateKeyDer::from_pem_slice(&read))
        .map_err(|error| expected("a file with a private key in PEM, without a password", &error))
}

/// Only what the system says is shown: the other errors quote the file.
fn expected(what: &str, error: &Error) -> String {
    match error {
        Error::Io(error) => format!("{what} ({error})"),
        Error::NoItemsFound => format!("{what} (there is none in it)"),
        _ => format!("{what} (it is damaged)"),
    }
}

//! What stands for TLS where the feature `tls` is off: connections without it.

use std::error::Error;

use hyper_util::client::legacy::connect::HttpConnector;

use crate::export::Link;

pub(super) type Connector = HttpConnector;

/// Options refuse such a URL before anybody comes here.
pub(super) fn connector(http: HttpConnector, link: &Link) -> Result<Connector, String> {
    if link.is_tls() { Err("TLS is not built in".to_owned()) } else { Ok(http) }
}

pub(super) fn explain(_: &(dyn Error + 'static), _: &Link) -> Option<String> {
    None
}

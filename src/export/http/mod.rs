//! Export over HTTP: one POST, and what its answer says.

mod body;
mod client;
mod endpoint;
mod resolver;
mod status;
#[cfg(feature = "tls")]
mod tls;
mod tls_files;

pub(crate) use client::{Answer, Body, HttpClient};
pub(crate) use endpoint::Endpoint;
#[cfg(feature = "reports")]
pub(crate) use status::retry_after;
#[cfg(feature = "otlp-grpc")]
pub(crate) use status::{REMEDY, TOO_LARGE};
pub(crate) use status::{confirmed, in_short};
#[cfg(feature = "otlp")]
pub(crate) use status::{media_type, on_one_line};
pub(crate) use tls_files::{TlsFile, TlsFiles};

/// Connections without TLS: options refuse a URL of `https://` before a client is made for it.
#[cfg(not(feature = "tls"))]
mod tls {
    use std::error::Error;

    use hyper_util::client::legacy::connect::HttpConnector;

    use super::Endpoint;
    use super::resolver::Resolver;

    pub(super) type Connector = HttpConnector<Resolver>;

    pub(super) fn connector(http: Connector, endpoint: &Endpoint) -> Result<Connector, String> {
        if endpoint.is_tls() { Err("TLS is not built in".to_owned()) } else { Ok(http) }
    }

    pub(super) fn explain(_: &(dyn Error + 'static), _: &Endpoint) -> Option<String> {
        None
    }

    pub(super) fn certificates(_: &str) -> Result<(), String> {
        Ok(())
    }

    pub(super) fn key(_: &str) -> Result<(), String> {
        Ok(())
    }
}

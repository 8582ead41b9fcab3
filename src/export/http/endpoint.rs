//! Where a client posts to, and how it connects.

use std::fmt;

use super::TlsFiles;
use crate::export::masked_url;

/// Where a client posts to, and how it connects.
#[derive(Clone, Default)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) tls: TlsFiles,
    /// HTTP/2 from the first byte, as gRPC needs it.
    pub(crate) http2: bool,
    /// OTLP's variables choose its protocol and name its files of TLS; those of Zipkin come from code alone.
    pub(crate) is_otlp: bool,
}

impl Endpoint {
    /// HTTP to this URL, and nothing else.
    pub(crate) fn plain(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// Headers hold secrets, and URLs may.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Endpoint");
        shown.field("url", &masked_url(&self.url)).field("tls", &self.tls).finish_non_exhaustive()
    }
}

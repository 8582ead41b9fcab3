//! What a transport has to know of its way: the options resolve it, a [`Wire`](super::Wire) is made of it.

use std::fmt;

use super::{Pem, shown};

/// One signal's way to its receiver.
#[derive(Clone, Default)]
pub(crate) struct Link {
    pub(crate) url: String,
    /// The method's path where gRPC is spoken; the URL then has none.
    pub(crate) grpc: Option<&'static str>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) gzip: bool,
    pub(crate) pem: Pem,
    /// OTLP's, whose variables choose a protocol and name the files of TLS; Zipkin hears none of them, only the code.
    pub(crate) is_otlp: bool,
}

impl Link {
    /// HTTP to this URL, and nothing else.
    pub(crate) fn plain(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// Headers hold secrets, addresses may.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("url", &shown(&self.url)).field("pem", &self.pem).finish_non_exhaustive()
    }
}

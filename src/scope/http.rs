//! Owns what a hop remembers of an HTTP request: copied once at its begin, into one inline buffer.

use std::net::SocketAddr;

use smallvec::SmallVec;

/// The methods that the semantic conventions know; everything else is `_OTHER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the method of its name
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Query,
    Other,
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the scheme of its name
pub enum Scheme {
    Http,
    Https,
}

/// The protocol's version, `network.protocol.version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HttpVersion {
    V09,
    V10,
    V11,
    V2,
    V3,
}

/// A text copied from the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    Path,
    Query,
    /// Without the port.
    Host,
    UserAgent,
    /// The method as sent, when it is not a known one.
    Method,
}

const PIECES: usize = 5;

/// One request's facts.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) method: Method,
    pub(crate) scheme: Scheme,
    pub(crate) version: HttpVersion,
    pub(crate) port: Option<u16>,
    pub(crate) peer: Option<SocketAddr>,
    // The pieces one behind the other, and where each ends: most requests fit without an allocation.
    text: SmallVec<[u8; 128]>,
    ends: [u32; PIECES],
}

impl Method {
    /// The method as a value of `http.request.method`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Query => "QUERY",
            Self::Other => "_OTHER",
        }
    }
}

impl From<&http::Method> for Method {
    fn from(method: &http::Method) -> Self {
        // Case-sensitive, as the conventions demand.
        match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "PATCH" => Self::Patch,
            "QUERY" => Self::Query,
            _ => Self::Other,
        }
    }
}

impl Scheme {
    /// The scheme as a value of `url.scheme`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl HttpVersion {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V09 => "0.9",
            Self::V10 => "1.0",
            Self::V11 => "1.1",
            Self::V2 => "2",
            Self::V3 => "3",
        }
    }
}

impl From<http::Version> for HttpVersion {
    fn from(version: http::Version) -> Self {
        match version {
            http::Version::HTTP_09 => Self::V09,
            http::Version::HTTP_10 => Self::V10,
            http::Version::HTTP_2 => Self::V2,
            http::Version::HTTP_3 => Self::V3,
            _ => Self::V11,
        }
    }
}

impl Http {
    pub(crate) fn new(method: Method, scheme: Scheme, version: HttpVersion) -> Self {
        Self { method, scheme, version, port: None, peer: None, text: SmallVec::new(), ends: [0; PIECES] }
    }

    /// Remembers a piece; pieces are set in the order of [`Piece`], each at most once.
    pub(crate) fn set(&mut self, piece: Piece, text: &str) {
        debug_assert!(self.ends[piece as usize..].iter().all(|end| *end as usize == self.text.len()));
        self.text.extend_from_slice(text.as_bytes());
        for end in &mut self.ends[piece as usize..] {
            *end = self.text.len() as u32;
        }
    }

    /// Remembers the method as sent, where the conventions do not know it.
    pub(crate) fn set_original_method(&mut self, method: &http::Method) {
        if self.method == Method::Other {
            self.set(Piece::Method, method.as_str());
        }
    }

    /// A piece's text; empty if it was never set.
    pub(crate) fn piece(&self, piece: Piece) -> &str {
        let place = piece as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        let bytes = self.text.get(start as usize..self.ends[place] as usize).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_as_they_were_set_and_missing_ones_are_empty() {
        let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
        http.set(Piece::Path, "/users/7");
        http.set(Piece::Host, "example.org");
        assert_eq!(http.piece(Piece::Path), "/users/7");
        assert_eq!(http.piece(Piece::Query), "");
        assert_eq!(http.piece(Piece::Host), "example.org");
        assert_eq!(http.piece(Piece::UserAgent), "");
    }
}

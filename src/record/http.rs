//! What a hop remembers of an HTTP request: copied once at its begin, into one inline buffer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;

use http::uri::Authority;

use super::method::Method;
use crate::context::within_brackets;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// The protocol's version, `network.protocol.version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum HttpVersion {
    V09,
    V10,
    V11,
    V2,
    V3,
}

/// Who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Client {
    /// The connection's other end, as far as we know.
    #[default]
    Peer,
    /// Somebody behind a proxy.
    Known(IpAddr),
    /// Somebody behind a proxy that does not say who.
    Unknown,
}

/// A text copied from the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    Path,
    Query,
    /// Without the port, unless it is a `Host` header as sent: then see [`Http::destination`].
    Host,
    UserAgent,
    /// The method as sent, when it is not a known one.
    Method,
}

const PIECES: usize = 5;
/// Most requests' texts fit into so many bytes, and need no allocation of their own.
const INLINE: usize = 128;

/// One request's facts.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) method: Method,
    pub(crate) scheme: Scheme,
    pub(crate) version: HttpVersion,
    /// What a call was answered in, where that is another version than it was asked in.
    negotiated: OnceLock<HttpVersion>,
    pub(crate) port: Option<u16>,
    /// The host is a `Host` header as sent. Few of them are shown, so it is parsed only then.
    pub(crate) host_as_sent: bool,
    /// The connection's other end.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) client: Client,
    /// The request's line says who asked.
    pub(crate) names_client: bool,
    /// How long the body is, as the request's head says it, where the line is to say it.
    pub(crate) request_bytes: Option<u64>,
    /// Parts of the path are hidden.
    pub(crate) hides: bool,
    /// The query has no value that must not be shown.
    pub(crate) query_as_shown: bool,
    // The pieces one behind the other, and where each ends.
    inline: [u8; INLINE],
    long: Option<Box<[u8]>>,
    ends: [u32; PIECES],
}

impl Scheme {
    /// What a request's URI says. Most say nothing; then it is `http`, as far as we know.
    pub(crate) fn of(uri: &http::Uri) -> Self {
        if uri.scheme_str() == Some("https") { Self::Https } else { Self::Http }
    }

    /// The port where none is named.
    pub(crate) const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// The scheme as a value of `url.scheme`.
    pub(crate) const fn as_str(self) -> &'static str {
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
    /// A request of which no text is known yet.
    #[inline]
    pub(crate) fn new(method: Method, scheme: Scheme, version: HttpVersion) -> Self {
        Self {
            method,
            scheme,
            version,
            negotiated: OnceLock::new(),
            port: None,
            host_as_sent: false,
            peer: None,
            client: Client::Peer,
            names_client: false,
            request_bytes: None,
            hides: false,
            query_as_shown: false,
            inline: [0; INLINE],
            long: None,
            ends: [0; PIECES],
        }
    }

    /// Takes over what this request is, without its texts.
    #[inline]
    pub(crate) fn begin<B>(&mut self, request: &http::Request<B>) {
        self.method = request.method().into();
        self.scheme = Scheme::of(request.uri());
        self.version = request.version().into();
    }

    /// The protocol's version: what the two sides agreed on, where that is known (semantic conventions, network attributes).
    pub(crate) fn spoken_version(&self) -> HttpVersion {
        self.negotiated.get().copied().unwrap_or(self.version)
    }

    /// A call was answered in this version: before, its client need not know which one it will be.
    #[inline]
    pub(crate) fn is_answered_in(&self, version: HttpVersion) {
        if version != self.version {
            let _ = self.negotiated.set(version);
        }
    }

    /// Is a tunnel asked for? Also where the operator's list of methods does not name CONNECT.
    #[inline]
    pub(crate) fn is_connect(&self) -> bool {
        self.method == Method::Connect
            || self.method == Method::Other && self.piece(Piece::Method) == "CONNECT"
    }

    /// The method as sent, where the conventions do not know it.
    pub(crate) fn unknown_method<'a>(&self, sent: &'a http::Method) -> &'a str {
        if self.method == Method::Other { sent.as_str() } else { "" }
    }

    /// Copies the pieces, in the order of [`Piece`]; what is empty is not known.
    #[inline]
    pub(crate) fn set(&mut self, pieces: [&[u8]; PIECES]) {
        let mut end = 0;
        for (piece, end_of_piece) in pieces.iter().zip(&mut self.ends) {
            if !piece.is_empty() {
                // What does not fit is copied once more below.
                if let Some(place) = self.inline.get_mut(end..end + piece.len()) {
                    place.copy_from_slice(piece);
                }
                end += piece.len();
            }
            *end_of_piece = end as u32;
        }
        self.long = (end > INLINE).then(|| pieces.concat().into_boxed_slice());
    }

    /// Puts another text in a piece's place.
    pub(crate) fn replace(&mut self, piece: Piece, text: &str) {
        let (inline, long) = (self.inline, self.long.take());
        let old = long.as_deref().unwrap_or(&inline);
        let mut start = 0;
        let mut pieces = self.ends.map(|end| {
            let old = old.get(start..end as usize).unwrap_or_default();
            start = end as usize;
            old
        });
        pieces[piece as usize] = text.as_bytes();
        self.set(pieces);
    }

    /// A piece's text; empty if it is not known, or no UTF-8.
    pub(crate) fn piece(&self, piece: Piece) -> &str {
        std::str::from_utf8(self.bytes(piece)).unwrap_or_default()
    }

    /// A piece's text as bytes, without reading ASCII letter by letter; empty if it is not known, or no UTF-8.
    #[inline]
    pub(crate) fn text(&self, piece: Piece) -> &[u8] {
        let bytes = self.bytes(piece);
        if bytes.is_ascii() { bytes } else { self.piece(piece).as_bytes() }
    }

    /// Host and port as the client asked for them; no host where it sent what is none.
    pub(crate) fn destination(&self) -> (&str, Option<u16>) {
        if !self.host_as_sent {
            return (self.piece(Piece::Host), self.port);
        }
        host_and_port(self.piece(Piece::Host)).unwrap_or_default()
    }

    /// The client's address, as far as it is known.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        match self.client {
            Client::Peer => self.peer.map(|peer| peer.ip()),
            Client::Known(address) => Some(address),
            Client::Unknown => None,
        }
    }

    /// How many bytes of its texts do not fit into the record itself.
    pub(crate) fn long_length(&self) -> usize {
        self.long.as_deref().map_or(0, <[u8]>::len)
    }

    /// The path's bytes. It is text, but checking that again costs more than escaping it.
    pub(crate) fn path(&self) -> &[u8] {
        self.bytes(Piece::Path)
    }

    /// A piece as it was set.
    pub(crate) fn bytes(&self, piece: Piece) -> &[u8] {
        let place = piece as usize;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        let text = self.long.as_deref().unwrap_or(&self.inline);
        text.get(start as usize..self.ends[place] as usize).unwrap_or_default()
    }
}

/// The host without credentials that may stand before it, and without the brackets of an address of version 6.
pub(crate) fn address(host: &str) -> &str {
    // Byte by byte: to look for it as for a letter takes 200 instructions more, three times for each call.
    let start = host.bytes().rposition(|byte| byte == b'@').map_or(0, |at| at + 1);
    let host = host.get(start..).unwrap_or_default();
    within_brackets(host).unwrap_or(host)
}

/// Host and port of a URI's authority, without the credentials before them.
// The same by `Authority::host` and `port_u16` takes 570 instructions more of a call (`benches/request`, "a call made in a
// request").
pub(crate) fn host_and_port_of(authority: &Authority) -> (&str, Option<u16>) {
    let text = authority.as_str();
    let start = text.as_bytes().iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let text = text.get(start..).unwrap_or_default();
    // What ends in a bracket is an address of version 6.
    match text.as_bytes().iter().rposition(|byte| matches!(byte, b':' | b']')) {
        Some(at) if text.as_bytes()[at] == b':' => {
            let port = text.get(at + 1..).and_then(|port| port.parse().ok());
            (text.get(..at).unwrap_or_default(), port)
        }
        _ => (text, None),
    }
}

/// Host and port of a `Host` header; `None` for what is no host (RFC 3986, 3.2.2, without escapes), because the client
/// may invent it. An address of version 6 without brackets is taken, and has no port.
pub(crate) fn host_and_port(sent: &str) -> Option<(&str, Option<u16>)> {
    if let Some(address) = sent.strip_prefix('[') {
        let (address, rest) = address.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        let host = sent.get(..address.len() + 2)?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok())),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    let (host, port) = sent.split_once(':').map_or((sent, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.contains(':')) {
        return sent.parse::<Ipv6Addr>().is_ok().then_some((sent, None));
    }
    let is_of_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~');
    let is_host = !host.is_empty() && host.as_bytes().iter().all(is_of_host);
    is_host.then(|| (host, port.and_then(|port| port.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_taken_apart() {
        for before in ["", "u@", "user:pass@", "a:b@c@"] {
            for (host, port, number) in [
                ("host", "", None),
                ("host", ":", None),
                ("host7", ":000443", Some(443)),
                ("1.2.3.4", ":65535", Some(65535)),
                ("host", ":65536", None),
                ("[::1]", "", None),
                ("[::1]", ":8080", Some(8080)),
            ] {
                // Those that the http crate takes for one.
                let Ok(authority) = format!("{before}{host}{port}").parse::<Authority>() else { continue };
                assert_eq!(host_and_port_of(&authority), (host, number), "{authority}");
                assert_eq!((authority.host(), authority.port_u16()), (host, number), "{authority}");
            }
        }
    }

    #[test]
    fn a_host_header_is_taken_apart_where_it_is_shown() {
        let shown = |sent: &str| {
            let pieces = [&b""[..], b"", sent.as_bytes(), b"", b""];
            let mut http = of(pieces);
            http.host_as_sent = true;
            let (host, port) = http.destination();
            (host.to_owned(), port)
        };
        assert_eq!(shown("b.example:8080"), ("b.example".into(), Some(8080)));
        assert_eq!(shown("b.example"), ("b.example".into(), None));
        assert_eq!(shown("b.example:x"), ("b.example".into(), None));
        assert_eq!(shown("[::1]:80"), ("[::1]".into(), Some(80)));
        assert_eq!(shown("[::1]"), ("[::1]".into(), None));
        assert_eq!(shown("1.2.3.4:65535"), ("1.2.3.4".into(), Some(65535)));
        for address in ["2001:db8::1", "::1", "::ffff:1.2.3.4"] {
            assert_eq!(shown(address), (address.into(), None), "without brackets it has no port");
        }
        for port in ["", "65536", "x", "8x"] {
            assert_eq!(shown(&format!("b.example:{port}")), ("b.example".into(), None), "{port}");
            assert_eq!(shown(&format!("[::1]:{port}")), ("[::1]".into(), None), "{port}");
        }
        for none in [
            "",
            ":80",
            "no host<at all",
            "a@b",
            "é",
            "a:b:80",
            "2001:db8::x",
            "[a]",
            "[::1",
            "[::1]x",
            "[]",
            "a[::1]",
            "::1]",
            "[::1]:80:80x:",
        ] {
            let expected = if none == "[::1]:80:80x:" { "[::1]" } else { "" };
            assert_eq!(shown(none), (expected.to_owned(), None), "{none}");
        }
    }

    #[test]
    fn an_address_has_neither_credentials_nor_brackets() {
        for (host, shown) in [
            ("user:pass@example.org", "example.org"),
            ("example.org", "example.org"),
            ("a@[::1]", "::1"),
            ("::1", "::1"),
        ] {
            assert_eq!(address(host), shown);
        }
    }

    #[test]
    fn a_tunnel_is_one_whatever_the_operator_calls_it() {
        let asked = |method, sent: &str| {
            let mut http = Http::new(method, Scheme::Http, HttpVersion::V11);
            http.set([b"", b"", b"", b"", sent.as_bytes()]);
            http.is_connect()
        };
        assert!(asked(Method::Connect, "") && asked(Method::Other, "CONNECT"));
        assert!(!asked(Method::Get, "") && !asked(Method::Other, "BREW"));
    }

    fn of(pieces: [&[u8]; PIECES]) -> Http {
        let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
        http.set(pieces);
        http
    }

    fn read_back(pieces: [&str; PIECES]) {
        let http = of(pieces.map(str::as_bytes));
        let names = [Piece::Path, Piece::Query, Piece::Host, Piece::UserAgent, Piece::Method];
        assert_eq!(names.map(|name| http.piece(name)), pieces);
    }

    #[test]
    fn pieces_come_back_as_they_were_set_and_missing_ones_are_empty() {
        read_back(["/users/7", "", "example.org", "", ""]);
        read_back(["", "", "", "", "PROPFIND"]);
    }

    #[test]
    fn a_piece_is_replaced_and_the_others_stay() {
        for [old, new] in [["/a", "/a/much/longer/one"], ["/long", ""], ["/x", &"é".repeat(INLINE)]] {
            let mut http = of([old, "q=1", "host", "", "PURGE"].map(str::as_bytes));
            http.replace(Piece::Path, new);
            http.replace(Piece::Query, "q=2");
            let names = [Piece::Path, Piece::Query, Piece::Host, Piece::UserAgent, Piece::Method];
            assert_eq!(names.map(|name| http.piece(name)), [new, "q=2", "host", "", "PURGE"]);
        }
    }

    #[test]
    fn texts_of_any_length_are_whole() {
        for length in [INLINE - 1, INLINE, INLINE + 1, 70_000] {
            let long = "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
            read_back([&long, "", "", "", ""]);
            read_back(["/x", "", "host", &long, "PURGE"]);
        }
    }
}

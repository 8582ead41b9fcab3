//! What a hop remembers of an HTTP request: copied once at its begin, into one inline buffer.

use std::net::SocketAddr;

use super::method::Method;

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
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
    pub(crate) port: Option<u16>,
    /// The host is a `Host` header as sent. Few of them are shown, so it is taken apart where one is.
    pub(crate) host_as_sent: bool,
    pub(crate) peer: Option<SocketAddr>,
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
    /// What a request's URI says; most say nothing, and then nobody encrypts as far as we know.
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
            port: None,
            host_as_sent: false,
            peer: None,
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

    /// The same as bytes: what is ASCII need not be read letter by letter.
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
        host_and_port_of(self.bytes(Piece::Host)).unwrap_or_default()
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
    let credentials = has(host.as_bytes(), b'@').then(|| host.rsplit_once('@')).flatten();
    let host = credentials.map_or(host, |(_, host)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// What a host and its port are written with (RFC 3986, 3.2.2, without escapes).
const OF_HOST: [bool; 256] = {
    let mut is_of_host = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        is_of_host[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':' | b'[' | b']');
        byte += 1;
    }
    is_of_host
};

/// A `Host` header taken apart; one that is no host is shown to nobody: it is the client's to invent.
pub(crate) fn host_and_port(host: &str) -> Option<(&str, Option<u16>)> {
    host_and_port_of(host.as_bytes())
}

fn host_and_port_of(host: &[u8]) -> Option<(&str, Option<u16>)> {
    let is_host = !host.is_empty() && host.iter().all(|byte| OF_HOST[usize::from(*byte)]);
    let host = if is_host { std::str::from_utf8(host).ok()? } else { return None };
    Some(split_authority(host))
}

/// Host and port of an authority, without the credentials before them; what it is made of was checked before.
#[inline]
pub(crate) fn split_authority(authority: &str) -> (&str, Option<u16>) {
    // Nearly always there is a name, and behind it at most a port.
    let (mut front, mut port, mut scale) = (authority.as_bytes(), 0, 1);
    while let [before @ .., digit @ b'0'..=b'9'] = front
        && scale < 100_000
    {
        port += scale * u32::from(digit - b'0');
        scale *= 10;
        front = before;
    }
    match front {
        [host @ .., b':'] if scale > 1 && !has(host, b'@') => {
            (authority.get(..host.len()).unwrap_or_default(), u16::try_from(port).ok())
        }
        _ if has(authority.as_bytes(), b':') || has(authority.as_bytes(), b'@') => take_apart(authority),
        _ => (authority, None),
    }
}

/// Is the byte one of these? Eight are looked at together.
#[inline]
fn has(text: &[u8], byte: u8) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // A byte that is zero borrows into its highest bit, unless that was set before.
    let is_within = |eight: &[u8; 8]| {
        let other = u64::from_ne_bytes(*eight) ^ (ONES * u64::from(byte));
        other.wrapping_sub(ONES) & !other & ONES << 7 != 0
    };
    match text.last_chunk() {
        // The last eight are looked at whole, and so some of them twice.
        Some(last) => is_within(last) || text.as_chunks().0.iter().any(is_within),
        None => text.contains(&byte),
    }
}

#[cold]
fn take_apart(authority: &str) -> (&str, Option<u16>) {
    let bytes = authority.as_bytes();
    let start = bytes.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let host = |end| authority.get(start..end).unwrap_or_default();
    // What ends in a bracket is an address of version 6.
    match bytes.iter().rposition(|byte| matches!(byte, b':' | b']')) {
        Some(at) if at >= start && bytes[at] == b':' => {
            (host(at), authority.get(at + 1..).and_then(|port| port.parse().ok()))
        }
        _ => (host(bytes.len()), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_neither_credentials_nor_brackets() {
        for (host, shown) in
            [("user:pass@example.org", "example.org"), ("example.org", "example.org"), ("a@[::1]", "::1")]
        {
            assert_eq!(address(host), shown);
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
        for none in ["", "no host<at all", "a@b", "é"] {
            assert_eq!(shown(none), (String::new(), None), "{none}");
        }
    }

    #[test]
    fn an_authority_of_any_length_is_taken_apart() {
        for length in 1..20 {
            let host = "h".repeat(length);
            for before in ["", "u@", "user:pass@", "longer:password@"] {
                let split = |port: &str| split_authority(&format!("{before}{host}{port}")).1;
                for (port, number) in [
                    ("", None),
                    (":", None),
                    (":1", Some(1)),
                    (":08080", Some(8080)),
                    (":65535", Some(65535)),
                ] {
                    let authority = format!("{before}{host}{port}");
                    assert_eq!(split_authority(&authority), (&*host, number), "{authority}");
                }
                for none in [":65536", ":99999", ":x", ":8x"] {
                    assert_eq!(split(none), None, "{before}{host}{none}");
                }
            }
        }
        assert_eq!(split_authority("[::1]:8080"), ("[::1]", Some(8080)));
        assert_eq!(split_authority("u@[::1]"), ("[::1]", None));
        assert_eq!(split_authority("1.2.3.4"), ("1.2.3.4", None));
        assert_eq!(split_authority("host7:000443"), ("host7", Some(443)));
        assert_eq!(split_authority("é@host:1"), ("host", Some(1)));
        assert_eq!(split_authority(""), ("", None));
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

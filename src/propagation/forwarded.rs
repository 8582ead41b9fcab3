//! What proxies write of the request that they pass on: `Forwarded` (RFC 7239) and the `X-Forwarded-…` headers.
//!
//! Every proxy appends to what it got, and the leftmost entry may be the client's own invention. So lists are read from the
//! right, an entry at a time, and nothing to the left of an entry changes how it is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::ValueIter;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::record::{Scheme, host_and_port};

/// How many bytes of one header are looked at, from the right.
const MOST_BYTES: usize = 8 * 1_024;
/// No host is longer (RFC 1035, with a port), and no address.
const LONGEST: usize = 261;

/// The entries of a header that is a comma-separated list, from the right, over all of its lines.
#[derive(Debug)]
pub(super) struct FromRight<'a> {
    lines: ValueIter<'a, HeaderValue>,
    /// What is left of the current line.
    rest: Option<&'a [u8]>,
    room: usize,
}

/// One element of `Forwarded`: what one proxy says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) node: Option<IpAddr>,
    pub(super) scheme: Option<Scheme>,
    pub(super) host: Option<&'a [u8]>,
}

impl<'a> FromRight<'a> {
    pub(super) fn of(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        Self { lines: headers.get_all(name).into_iter(), rest: None, room: MOST_BYTES }
    }
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    /// The next entry that is not empty (RFC 9110, 5.6.1).
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let list = match self.rest.take() {
                Some(rest) => rest,
                None => self.lines.next_back()?.as_bytes(),
            };
            let (rest, entry) = split_last(list, self.room)?;
            // With its comma, so that a list of nothing but commas ends as well.
            self.room = self.room.saturating_sub(entry.len() + 1);
            self.rest = rest;
            let entry = entry.trim_ascii();
            if !entry.is_empty() {
                return Some(entry);
            }
        }
    }
}

/// The last entry of a list, and the list before it; `None` if the entry begins more than `room` bytes from the right. A comma
/// within quotes separates nothing.
fn split_last(list: &[u8], room: usize) -> Option<(Option<&[u8]>, &[u8])> {
    let mut is_quoted = false;
    for (at, byte) in list.iter().enumerate().rev().take(room) {
        match byte {
            b'"' if !(is_quoted && is_escaped(list, at)) => is_quoted = !is_quoted,
            b',' if !is_quoted => return Some((list.get(..at), list.get(at + 1..).unwrap_or_default())),
            _ => {}
        }
    }
    (list.len() <= room).then_some((None, list))
}

/// Is there an odd number of backslashes before this byte?
fn is_escaped(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

impl<'a> Element<'a> {
    /// Reads an element; nothing of one that is malformed, as one is that says something twice (RFC 7239, 4).
    pub(super) fn parse(text: &'a [u8]) -> Self {
        Self::pairs(text).unwrap_or_default()
    }

    fn pairs(mut text: &'a [u8]) -> Option<Self> {
        let mut element = Self::default();
        let (mut has_node, mut has_scheme, mut has_host) = (false, false, false);
        loop {
            let (pair, rest) = split_pair(text)?;
            if !pair.trim_ascii().is_empty() {
                let equals = pair.iter().position(|byte| *byte == b'=')?;
                let (name, value) = (pair.get(..equals)?.trim_ascii(), pair.get(equals + 1..)?);
                let once = |has: &mut bool| !std::mem::replace(has, true);
                // What others say, such as `by` and extensions, may have escapes and is not read.
                if name.eq_ignore_ascii_case(b"for") {
                    element.node = once(&mut has_node).then_some(node(unquoted(value)?))?;
                } else if name.eq_ignore_ascii_case(b"proto") {
                    element.scheme = once(&mut has_scheme).then_some(scheme(unquoted(value)?))?;
                } else if name.eq_ignore_ascii_case(b"host") {
                    element.host = once(&mut has_host).then_some(host(unquoted(value)?))?;
                }
            }
            match rest {
                Some(rest) => text = rest,
                None => return Some(element),
            }
        }
    }
}

/// The first pair of an element, and what follows its semicolon; `None` if a quote does not end.
fn split_pair(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => return Some((text.get(..at)?, text.get(at + 1..))),
            _ => {}
        }
    }
    (!is_quoted).then_some((text, None))
}

/// A value without the quotes around it; `None` if it has an escape, which no host and no address needs.
pub(super) fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let Some(inner) = value.strip_prefix(b"\"") else { return Some(value) };
    let inner = inner.strip_suffix(b"\"")?;
    (!inner.contains(&b'\\') && !inner.contains(&b'"')).then_some(inner)
}

/// The address of a node: `192.0.2.43:47011`, `[2001:db8::1]:4711`, each also without a port; `None` for `unknown`, for an
/// obfuscated name (`_hidden`), and for what is no node (RFC 7239, 6).
pub(super) fn node(value: &[u8]) -> Option<IpAddr> {
    let text = text(unquoted(value)?)?;
    let address = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']')?;
            let is_whole = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
            address.parse::<Ipv6Addr>().ok().filter(|_| is_whole)?.into()
        }
        None => match text.parse::<IpAddr>() {
            Ok(address) => address,
            Err(_) => {
                let (address, port) = text.split_once(':')?;
                address.parse::<Ipv4Addr>().ok().filter(|_| is_port(port))?.into()
            }
        },
    };
    Some(address.to_canonical())
}

/// A number, or an obfuscated port.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// `http` or `https`; a WebSocket's schemes are those of the request that opened it.
pub(super) fn scheme(value: &[u8]) -> Option<Scheme> {
    let value = unquoted(value)?;
    let is = |names: [&[u8]; 2]| names.iter().any(|name| value.eq_ignore_ascii_case(name));
    match () {
        () if is([b"https", b"wss"]) => Some(Scheme::Https),
        () if is([b"http", b"ws"]) => Some(Scheme::Http),
        () => None,
    }
}

/// What could be the value of a `Host` header.
pub(super) fn host(value: &[u8]) -> Option<&[u8]> {
    let value = unquoted(value)?;
    text(value).and_then(host_and_port).map(|_| value)
}

fn text(value: &[u8]) -> Option<&str> {
    (value.len() <= LONGEST).then_some(value).and_then(|value| std::str::from_utf8(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let value = |line: &&[u8]| HeaderValue::from_bytes(line).expect("a header's value");
        lines.iter().map(|line| (http::header::FORWARDED, value(line))).collect()
    }

    fn from_right(lines: &[&str]) -> Vec<String> {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        let headers = headers(&lines);
        let entries = FromRight::of(&headers, &http::header::FORWARDED);
        entries.map(|entry| String::from_utf8_lossy(entry).into_owned()).collect()
    }

    #[test]
    fn a_list_is_read_from_the_right_over_all_of_its_lines() {
        assert_eq!(from_right(&["a, b", "c"]), ["c", "b", "a"]);
        assert_eq!(from_right(&[",,a ,\t, b,,", "", " , "]), ["b", "a"]);
        assert_eq!(from_right(&[]), [""; 0]);
    }

    #[test]
    fn a_comma_within_quotes_separates_nothing_and_a_quote_that_never_ended_nothing_to_its_right() {
        assert_eq!(from_right(&[r#"a="1,2", b"#]), ["b", r#"a="1,2""#]);
        assert_eq!(from_right(&[r#"a="\",\\", b"#]), ["b", r#"a="\",\\""#]);
        assert_eq!(from_right(&[r#"for=", for=192.0.2.1"#])[0], "for=192.0.2.1");
        assert_eq!(from_right(&[r#"for="\, for="[::1]""#])[0], r#"for="[::1]""#);
    }

    #[test]
    fn no_list_is_read_further_than_its_bound() {
        let long = "10.0.0.1,".repeat(10_000);
        assert_eq!(from_right(&[&long]).len(), MOST_BYTES / 9);
        assert_eq!(from_right(&["x", &"y".repeat(MOST_BYTES + 1)]), [""; 0]);
        assert_eq!(from_right(&["x", &",".repeat(MOST_BYTES + 1)]), [""; 0]);
        assert_eq!(from_right(&[&"\"".repeat(MOST_BYTES * 2), "x"]), ["x"]);
    }

    #[test]
    fn a_node_is_an_address_with_or_without_a_port() {
        for (sent, address) in [
            ("192.0.2.43", "192.0.2.43"),
            ("192.0.2.43:47011", "192.0.2.43"),
            ("\"192.0.2.43:47011\"", "192.0.2.43"),
            ("192.0.2.43:_port", "192.0.2.43"),
            ("\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
            ("[2001:db8:cafe::17]:4711", "2001:db8:cafe::17"),
            ("2001:db8:cafe::17", "2001:db8:cafe::17"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(node(sent.as_bytes()), Some(address.parse().unwrap()), "{sent}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for sent in [
            "",
            "unknown",
            "_hidden",
            "_SEVKISEK",
            "client.example",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1:",
            "192.0.2.1:port",
            "192.0.2.1:123456",
            "192.0.2.1 ; x",
            "[2001:db8::1",
            "[192.0.2.1]",
            "[2001:db8::1]4711",
            "[2001:db8::1]:",
            "fe80::1%eth0",
            "\"192.0.2.1",
            "\"192.0.2\\.1\"",
            "0x7f.1",
            "é",
        ] {
            assert_eq!(node(sent.as_bytes()), None, "{sent}");
        }
    }

    #[test]
    fn an_element_says_who_asked_by_which_scheme_and_for_whom() {
        let parsed = Element::parse(
            br#"For="[2001:db8::1]:80" ; PROTO=HTTPS;by=203.0.113.43;host="shop.example:8443";x=1;"#,
        );
        let expected = Element {
            node: Some("2001:db8::1".parse().unwrap()),
            scheme: Some(Scheme::Https),
            host: Some(b"shop.example:8443"),
        };
        assert_eq!(parsed, expected);
        let said = r#"for=192.0.2.1;by="_a\"b";note="1\\,\"2\";for=192.0.2.9";proto=https"#;
        assert_eq!(from_right(&["for=192.0.2.8", said])[0], said);
        let parsed = Element::parse(said.as_bytes());
        let node = Some("192.0.2.1".parse().unwrap());
        assert_eq!(parsed, Element { node, scheme: Some(Scheme::Https), host: None });
        let partly = Element::parse(b"for=unknown;proto=gopher;host=\"a b\"");
        assert_eq!(partly, Element::default());
        for malformed in
            ["for=192.0.2.1;for=192.0.2.2", "for=192.0.2.1;proto", "for=192.0.2.1;host=\"a", "192.0.2.1"]
        {
            assert_eq!(Element::parse(malformed.as_bytes()), Element::default(), "{malformed}");
        }
    }

    /// What a header's value may hold.
    fn any_value() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![3 => prop::sample::select(&b"\",;\\=: []x1."[..]), 1 => 0x20_u8..0x7f, 1 => 0x80_u8..];
        proptest::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_wrongly(value in any_value()) {
            let headers = headers(&[&value]);
            for entry in FromRight::of(&headers, &http::header::FORWARDED) {
                let element = Element::parse(entry);
                prop_assert!(element.host.is_none_or(|host| host.len() <= LONGEST && host.is_ascii()));
                let _ = (node(entry), scheme(entry), host(entry));
            }
        }

        #[test]
        fn what_is_left_of_an_entry_does_not_change_it(before in any_value(), on_a_line in any::<bool>()) {
            let said = &b"for=\"[2001:db8::1]:443\";host=\"a.example\""[..];
            let joined = [&before, &b", "[..], said].concat();
            let headers = if on_a_line { headers(&[&before, said]) } else { headers(&[&joined]) };
            prop_assert_eq!(FromRight::of(&headers, &http::header::FORWARDED).next(), Some(said));
        }
    }
}

//! Who may read, and who may change something: one that knows the token; where there is none, a caller on this machine.

use std::net::{IpAddr, SocketAddr};

use http::header::{AUTHORIZATION, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

/// Headers, beside `x-forwarded-…`, by which proxies say for whom they ask, and browsers for which page.
const FOR_ANOTHER: [&str; 11] = [
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded",
    "origin",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-real-ip",
];

/// May a request from this peer be answered? One from this machine only if it was meant for it: a web page whose own
/// name was made to resolve to this machine still sends that name. `own` is the name that the listener was given.
pub(super) fn may_read<B>(peer: SocketAddr, request: &Request<B>, own: &str) -> bool {
    // An address is not resolved, so that no foreign name can lead to it.
    let is_ours =
        |host: &str| is_localhost(host) || host.eq_ignore_ascii_case(own) || host.parse::<IpAddr>().is_ok();
    let by_uri = request.uri().host().is_none_or(|host| is_ours(bare(host)));
    !is_loopback(peer)
        || by_uri && hosts(request.headers()).all(|host| host.is_some_and(|host| is_ours(&host)))
}

/// May a request from this peer change the log level? Where there is a token, nobody may without it: what a proxy on this
/// machine passes on cannot always be told from what was asked here.
pub(super) fn may_change(peer: Option<SocketAddr>, headers: &HeaderMap, token: Option<&str>) -> bool {
    token.map_or_else(|| is_local(peer, headers), |token| has_token(headers, token))
}

/// From this machine, and not on behalf of another: a proxy or a web page on this machine must not pass for it.
fn is_local(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let passes_on =
        |name: &HeaderName| FOR_ANOTHER.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded-");
    let names_loopback =
        |host: &str| is_localhost(host) || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback());
    peer.is_some_and(is_loopback)
        && !headers.keys().any(passes_on)
        && hosts(headers).all(|host| host.is_some_and(|host| names_loopback(&host)))
}

fn is_loopback(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

fn is_localhost(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
}

/// The names of each `Host` header; `None` for one that cannot be read.
fn hosts(headers: &HeaderMap) -> impl Iterator<Item = Option<String>> {
    let name = |host: &HeaderValue| {
        let authority: Authority = host.to_str().ok()?.parse().ok()?;
        Some(bare(authority.host()).to_owned())
    };
    headers.get_all(HOST).iter().map(name)
}

fn bare(host: &str) -> &str {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Does the request have this token?
pub(super) fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let Some(sent) = headers.get(AUTHORIZATION) else { return false };
    let Some((scheme, sent)) = sent.as_bytes().split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && equal(sent, token.as_bytes())
}

/// Compares in constant time for a given length.
fn equal(sent: &[u8], token: &[u8]) -> bool {
    let differing = sent.iter().zip(token).fold(0, |differing, (a, b)| differing | (a ^ b));
    sent.len() == token.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        may_with(None, peer, headers)
    }

    fn may_with(token: Option<&str>, peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a header")));
        may_change(peer.parse().ok(), &headers.collect(), token)
    }

    #[test]
    fn this_machine_may_and_another_may_not() {
        for local in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(may(local, &[]), "{local}");
            assert!(may(local, &[("host", "localhost:9464")]), "{local}");
        }
        for foreign in ["10.0.0.1:1", "[2001:db8::1]:1", "no address"] {
            assert!(!may(foreign, &[]), "{foreign}");
        }
    }

    #[test]
    fn this_machine_on_behalf_of_another_may_not() {
        for (name, value) in [
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-forwarded-host", "shop.example"),
            ("x-forwarded-proto", "https"),
            ("x-real-ip", "10.0.0.1"),
            ("via", "1.1 edge"),
            ("cf-connecting-ip", "10.0.0.1"),
            ("origin", "https://evil.example"),
            ("host", "evil.example:9464"),
            ("host", "localhost.evil.example"),
        ] {
            assert!(!may("127.0.0.1:1", &[(name, value)]), "{name}: {value}");
        }
        assert!(may("127.0.0.1:1", &[("host", "[::1]:9464")]));
    }

    #[test]
    fn a_page_whose_name_was_made_to_resolve_to_this_machine_reads_nothing() {
        let may = |peer: &str, uri: &str, hosts: &[&str]| {
            let mut request = Request::get(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            may_read(peer.parse().expect("an address"), &request.body(()).expect("valid"), "bookings.test")
        };
        for host in
            ["localhost:9464", "LOCALHOST.", "127.0.0.1:9464", "[::1]:9464", "0.0.0.0:9464", "bookings.test"]
        {
            assert!(may("127.0.0.1:1", "/metrics", &[host]), "{host}");
        }
        assert!(may("127.0.0.1:1", "/metrics", &[]));
        for hosts in [
            &["evil.example"][..],
            &["evil.example:9464"],
            &["localhost.evil.example"],
            &["localhost", "evil.example"],
            &["a b"],
            &[""],
        ] {
            assert!(!may("127.0.0.1:1", "/metrics", hosts), "{hosts:?}");
            assert!(!may("[::ffff:127.0.0.1]:1", "/metrics", hosts), "{hosts:?}");
            assert!(
                may("10.0.0.7:1", "/metrics", hosts),
                "who comes from elsewhere was let in by the address"
            );
        }
        assert!(!may("127.0.0.1:1", "http://evil.example/metrics", &["localhost"]));
    }

    #[test]
    fn the_token_opens_from_anywhere_and_nothing_like_it_does() {
        let may = |peer, headers: &[_]| may_with(Some("hush"), peer, headers);
        assert!(may("10.0.0.1:1", &[("authorization", "Bearer hush")]));
        assert!(may("10.0.0.1:1", &[("authorization", "bearer hush"), ("x-forwarded-for", "10.0.0.2")]));
        assert!(may("127.0.0.1:1", &[("authorization", "Bearer hush")]));
        // As a proxy on this machine asks that names nobody.
        assert!(!may("127.0.0.1:1", &[("host", "127.0.0.1:9464")]));
        for wrong in ["Bearer hus", "Bearer hushh", "Bearer ", "hush", "Basic hush", "Bearer Hush"] {
            for peer in ["10.0.0.1:1", "127.0.0.1:1"] {
                assert!(!may(peer, &[("authorization", wrong)]), "{wrong}");
            }
        }
        assert!(!may_with(None, "10.0.0.1:1", &[("authorization", "Bearer hush")]));
    }
}

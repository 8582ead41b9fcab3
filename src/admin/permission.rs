//! Who may change something: a caller on this machine, or one that knows the token.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};

/// May a request from this peer change the log level?
pub(super) fn may_change(peer: Option<SocketAddr>, headers: &HeaderMap, token: Option<&str>) -> bool {
    is_local(peer, headers) || token.is_some_and(|token| has_token(headers, token))
}

/// From this machine, and not on behalf of another: a proxy or a web page open here must not lend its place.
fn is_local(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let passed_on = [FORWARDED.as_str(), "x-forwarded-for", ORIGIN.as_str()];
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && passed_on.iter().all(|name| !headers.contains_key(*name))
        && names_this_machine(headers)
}

// A page whose own name was made to resolve to this machine still sends that name.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Some(authority) = host.to_str().ok().and_then(|host| host.parse::<http::uri::Authority>().ok())
    else {
        return false;
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback())
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let Some(sent) = headers.get(AUTHORIZATION) else { return false };
    let Some((scheme, sent)) = sent.as_bytes().split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && equal(sent, token.as_bytes())
}

/// Takes as long for a wrong token as for the right one of that length.
fn equal(sent: &[u8], token: &[u8]) -> bool {
    let differing = sent.iter().zip(token).fold(0, |differing, (a, b)| differing | (a ^ b));
    sent.len() == token.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a header")));
        may_change(peer.parse().ok(), &headers.collect(), Some("hush"))
    }

    #[test]
    fn this_machine_may_and_another_may_not() {
        for local in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(may(local, &[]), "{local}");
            assert!(may(local, &[("host", "localhost:9464")]), "{local}");
        }
        for foreign in ["10.0.0.1:1", "[2001:db8::1]:1", "nobody"] {
            assert!(!may(foreign, &[]), "{foreign}");
        }
    }

    #[test]
    fn this_machine_on_behalf_of_another_may_not() {
        for (name, value) in [
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("origin", "https://evil.example"),
            ("host", "evil.example:9464"),
            ("host", "localhost.evil.example"),
        ] {
            assert!(!may("127.0.0.1:1", &[(name, value)]), "{name}: {value}");
        }
        assert!(may("127.0.0.1:1", &[("host", "[::1]:9464")]));
    }

    #[test]
    fn the_token_opens_from_anywhere_and_nothing_like_it_does() {
        assert!(may("10.0.0.1:1", &[("authorization", "Bearer hush")]));
        assert!(may("10.0.0.1:1", &[("authorization", "bearer hush"), ("x-forwarded-for", "10.0.0.2")]));
        for wrong in ["Bearer hus", "Bearer hushh", "Bearer ", "hush", "Basic hush", "Bearer Hush"] {
            assert!(!may("10.0.0.1:1", &[("authorization", wrong)]), "{wrong}");
        }
    }
}

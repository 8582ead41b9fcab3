//! Who may ask: programs on this machine, and our own page. Not the pages of other sites, which a browser on this machine
//! shows as well, whatever name they give our address.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use crate::context::within_brackets;

/// Why a request is refused, if it is.
pub(super) fn refuse(uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let text =
        |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or_default());
    // In HTTP/2 the host stands in the URI.
    let host = text(header::HOST).or_else(|| uri.authority().map(Authority::as_str)).unwrap_or_default();
    if !is_loopback(host) {
        return Some("the host is not a name of this machine's loopback\n");
    }
    match text(header::ORIGIN) {
        Some(origin) if origin.strip_prefix("http://") != Some(host) => {
            Some("another site's page may not ask\n")
        }
        _ => None,
    }
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let address = within_brackets(name).unwrap_or(name);
    let is_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    !host.contains('@') && (is_name || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        origin.map(|origin| headers.insert(header::ORIGIN, origin.parse().unwrap()));
        refuse(&Uri::from_static("/"), &headers).is_some()
    }

    #[test]
    fn only_names_of_loopback_are_answered() {
        for host in
            ["127.0.0.1:4318", "127.8.8.8", "[::1]:4318", "localhost:1", "LOCALHOST", "view.localhost:80"]
        {
            assert!(!refused(host, None), "{host}");
        }
        for host in
            ["", "example.org", "127.0.0.1.example.org", "10.0.0.1:4318", "localhost.example", "x@127.0.0.1"]
        {
            assert!(refused(host, None), "{host}");
        }
    }

    #[test]
    fn only_our_own_page_is_answered() {
        assert!(!refused("localhost:4318", Some("http://localhost:4318")));
        for origin in ["http://localhost:3000", "https://localhost:4318", "http://example.org", "null"] {
            assert!(refused("localhost:4318", Some(origin)), "{origin}");
        }
    }
}

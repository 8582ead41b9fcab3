//! Which proxies' headers are believed.

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    let value = |value: &str| HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
    lines.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn known(text: &str) -> Client {
    Client::Known(ip(text))
}

/// The client that the chain names, where a proxy at 10.0.0.1 calls us.
fn client(proxies: &Proxies, chain: &str) -> Client {
    let headers = if proxies.forwarded {
        let nodes = chain.split(',').map(|node| format!("for=\"{}\"", node.trim()));
        headers(&[(FORWARDED, &nodes.collect::<Vec<_>>().join(", "))])
    } else {
        headers(&[(X_FORWARDED_FOR, chain)])
    };
    proxies.original(Some(ip("10.0.0.1")), &headers).expect("the peer is trusted").client
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_no_trusted_proxy() {
    let by_address = Proxies::at(["10.0.0.0/8", "fd00::/8"]);
    for proxies in [by_address.clone(), by_address.forwarded()] {
        for (chain, expected) in [
            ("203.0.113.9", known("203.0.113.9")),
            ("6.6.6.6, 203.0.113.9", known("203.0.113.9")),
            ("6.6.6.6, 203.0.113.9, 10.0.0.2", known("203.0.113.9")),
            ("6.6.6.6, 2001:db8::1, fd00::2, ::ffff:10.0.0.3", known("2001:db8::1")),
            ("6.6.6.6, unknown, 10.0.0.2", Client::Unknown),
            ("6.6.6.6, _hidden", Client::Unknown),
            ("10.0.0.4, 10.0.0.3", known("10.0.0.4")),
        ] {
            assert_eq!(client(&proxies, chain), expected, "{chain}");
        }
    }
}

#[test]
fn by_number_the_client_is_as_far_from_the_right_as_there_are_proxies() {
    let chain = "6.6.6.6, 203.0.113.9, _edge";
    for (hops, expected) in
        [(1, Client::Unknown), (2, known("203.0.113.9")), (3, known("6.6.6.6")), (9, known("6.6.6.6"))]
    {
        assert_eq!(client(&Proxies::hops(hops), chain), expected, "{hops}");
        assert_eq!(client(&Proxies::hops(hops).forwarded(), chain), expected, "{hops}");
    }
    let both = Proxies::at(["10.0.0.0/8"]).at_most(1);
    assert_eq!(client(&both, "203.0.113.9, 10.0.0.2"), known("10.0.0.2"));
}

#[test]
fn only_a_trusted_peer_is_believed() {
    let headers = headers(&[(X_FORWARDED_FOR, "203.0.113.9"), (X_FORWARDED_PROTO, "https")]);
    let proxies = Proxies::at(["10.0.0.0/8", "2001:db8::7"]);
    for stranger in ["11.0.0.1", "9.255.255.255", "2001:db8::8", "::10.0.0.1"] {
        assert_eq!(proxies.original(Some(ip(stranger)), &headers), None, "{stranger}");
    }
    assert_eq!(proxies.original(None, &headers), None);
    for proxy in ["10.255.255.255", "::ffff:10.0.0.1", "2001:db8::7"] {
        assert!(proxies.original(Some(ip(proxy)), &headers).is_some(), "{proxy}");
    }
    assert_eq!(Proxies::at([""; 0]).original(Some(ip("10.0.0.1")), &headers), None);
    assert!(Proxies::hops(1).original(None, &headers).is_some(), "on a Unix socket there is no address");
}

#[test]
fn scheme_and_host_are_those_that_the_client_asked_the_outermost_proxy_for() {
    let said = |proxies: Proxies, lines: &[(HeaderName, &str)]| {
        let headers = headers(lines);
        let original = proxies.original(Some(ip("10.0.0.1")), &headers).expect("trusted");
        (original.scheme, original.host.map(|host| String::from_utf8_lossy(host).into_owned()))
    };
    let within = || Proxies::at(["10.0.0.0/8"]);
    let https = |host: &str| (Some(Scheme::Https), Some(host.to_owned()));
    let chain = (X_FORWARDED_FOR, "203.0.113.9, 10.0.0.2");
    let of = |proto, host| [chain.clone(), (X_FORWARDED_PROTO, proto), (X_FORWARDED_HOST, host)];
    assert_eq!(said(within(), &of("https", "shop.example")), https("shop.example"), "one wrote for all");
    assert_eq!(said(within(), &of("https,http", "shop.example:8443, inner")), https("shop.example:8443"));
    assert_eq!(
        said(within(), &of("a,https,http", "a,b,c")),
        (None, None),
        "which entry belongs to which proxy is not known"
    );
    assert_eq!(said(within().at_most(1), &of("a,http,https", "a,b")), https("b"), "the last is our proxy's");
    let alone = [(X_FORWARDED_PROTO, "http, WSS"), (X_FORWARDED_HOST, "\"[::1]:80\"")];
    assert_eq!(said(within(), &alone), https("[::1]:80"));
    assert_eq!(said(within(), &of("gopher", "no host<at all")), (None, None));

    let elements = "for=6.6.6.6;proto=http;host=evil, for=203.0.113.9;proto=https;host=shop.example, for=10.0.0.2;proto=http";
    assert_eq!(said(within().forwarded(), &[(FORWARDED, elements)]), https("shop.example"));
    assert_eq!(said(within().forwarded().at_most(1), &[(FORWARDED, elements)]), (Some(Scheme::Http), None));
}

#[test]
fn the_other_header_is_the_clients_own_and_is_not_read() {
    let both = headers(&[(X_FORWARDED_FOR, "203.0.113.9"), (FORWARDED, "for=6.6.6.6;host=evil")]);
    let peer = Some(ip("10.0.0.1"));
    let read = |proxies: Proxies| proxies.original(peer, &both).expect("trusted").client;
    assert_eq!(read(Proxies::hops(1)), known("203.0.113.9"));
    assert_eq!(read(Proxies::hops(1).forwarded()), known("6.6.6.6"));
    let only_forwarded = headers(&[(FORWARDED, "for=6.6.6.6;host=evil")]);
    assert_eq!(Proxies::hops(1).original(peer, &only_forwarded), Some(Original::default()));
}

#[test]
fn the_variable_names_ranges_hops_and_the_header() {
    for (list, shown) in [
        ("10.0.0.0/8, fd00::/8", "10.0.0.0/8,fd00::/8"),
        ("10.0.0.1,hops=2,forwarded", "10.0.0.1,hops=2,forwarded"),
        ("hops=1", "hops=1"),
        ("none", "none"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ] {
        let read = Proxies::from_list(list).unwrap_or_else(|refusal| panic!("{list}: {refusal:?}"));
        assert_eq!(read.to_string(), shown);
    }
    for bad in [
        "10.0.0.0/33",
        "::/129",
        "10.0.0",
        "hops=0",
        "hops=17",
        "hops=x",
        "forwarded",
        "10.0.0.1,none",
        "all",
        ",",
    ] {
        assert_eq!(Proxies::from_list(bad), Err(Refusal::expected(RIGHT)), "{bad}");
    }
}

#[test]
fn a_range_of_no_bits_is_every_address_of_its_kind() {
    let range = |text| AddressRange::parse(text).expect("a range");
    assert!(range("0.0.0.0/0").contains(ip("203.0.113.9")) && range("::/0").contains(ip("2001:db8::1")));
    assert!(!range("0.0.0.0/0").contains(ip("::1")));
    assert!(
        range("10.0.0.128/25").contains(ip("10.0.0.255"))
            && !range("10.0.0.128/25").contains(ip("10.0.0.127"))
    );
}

proptest! {
    /// The proxy at 10.0.0.1 appends, on the same line or on one of its own, whatever the client sent.
    #[test]
    fn no_client_can_pass_for_another_one(sent in "[ -~]{0,300}", appends in any::<bool>(), by_number in any::<bool>()) {
        let proxies = if by_number { Proxies::hops(1) } else { Proxies::at(["10.0.0.0/8"]) };
        for (proxies, name, real) in [
            (proxies.clone(), X_FORWARDED_FOR, "203.0.113.9"),
            (proxies.forwarded(), FORWARDED, "for=203.0.113.9;proto=https"),
        ] {
            let joined = format!("{sent}, {real}");
            let headers = if appends { headers(&[(name.clone(), &joined)]) } else { headers(&[(name.clone(), &sent), (name, real)]) };
            let read = proxies.original(Some(ip("10.0.0.1")), &headers).expect("trusted");
            prop_assert_eq!(read.client, known("203.0.113.9"));
        }
    }
}

//! The lists of hosts: which context may be sent to which host.

/// Stands for every host.
const EVERY: &str = "*";

/// Does a host stand in such a list? Hosts compare without case, without the brackets of an address and without
/// the dot that ends a full name; `.example.org` covers every host below.
pub(crate) fn names_host(list: &[String], host: &str) -> bool {
    let host = bare(host);
    list.iter().map(|named| bare(named)).any(|named| match named.strip_prefix('.') {
        Some(_) => host
            .len()
            .checked_sub(named.len())
            .filter(|start| *start > 0)
            .and_then(|start| host.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(named)),
        None => !named.is_empty() && (named == EVERY || named.eq_ignore_ascii_case(host)),
    })
}

/// A host of such a list as it is compared, however it was written: with a scheme, a port or a path, or with `*.` for
/// the hosts below; `*` alone is every host.
pub(crate) fn listed_host(written: &str) -> String {
    let written = written.trim();
    let place = written.split_once("://").map_or(written, |(_, place)| place);
    let place = place.split(['/', '?', '#']).next().unwrap_or_default();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    // An address of version 6 has colons of its own.
    let host = match (place.rfind(']'), place.split_once(':')) {
        (Some(end), _) => place.get(..=end).unwrap_or(place),
        (None, Some((host, port))) if !port.contains(':') => host,
        _ => place,
    };
    host.strip_prefix('*').filter(|below| below.starts_with('.')).unwrap_or(host).to_owned()
}

fn bare(host: &str) -> &str {
    within_brackets(host).or_else(|| host.strip_suffix('.')).unwrap_or(host)
}

/// What is between brackets: an address of version 6 is, where a port may follow (RFC 3986, 3.2.2), and not where it is looked
/// up.
#[inline]
pub(crate) fn within_brackets(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_written_into_a_list_as_people_write_it() {
        for (written, host) in [
            ("api.example.org", "api.example.org"),
            (" https://api.example.org:8443/v1?x#y ", "api.example.org"),
            ("http://ann:pw@api.example.org", "api.example.org"),
            ("api.example.org:80", "api.example.org"),
            ("*.example.org", ".example.org"),
            ("https://*.example.org:443", ".example.org"),
            (".example.org", ".example.org"),
            ("[::1]:80", "[::1]"),
            ("http://[::1]", "[::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(listed_host(written), host, "{written}");
        }
        assert!(names_host(&["*".to_owned()], "any.example") && names_host(&["*".to_owned()], "[::1]"));
    }

    #[test]
    fn a_host_is_named_by_itself_or_by_a_domain_above_it() {
        let list = ["api.example.org", ".Internal", "::1", "[::2]", "full.example."].map(str::to_owned);
        let named =
            ["api.example.org", "API.example.org", "api.example.org.", "db.internal", "a.b.internal."];
        for host in named.into_iter().chain(["[::1]", "[::2]", "full.example"]) {
            assert!(names_host(&list, host), "{host}");
        }
        for host in
            ["example.org", "xapi.example.org", "internal", "evilinternal", ".internal", "", ".", "é.x"]
        {
            assert!(!names_host(&list, host), "{host}");
        }
    }
}

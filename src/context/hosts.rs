//! The lists of hosts: which context may be sent to which host.

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
        None => !named.is_empty() && named.eq_ignore_ascii_case(host),
    })
}

fn bare(host: &str) -> &str {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    address.or_else(|| host.strip_suffix('.')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

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

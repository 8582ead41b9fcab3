//! URLs of receivers: how a path is joined to one, what of it is shown, and whether it is served.

use std::fmt;

use http::Uri;
use http::uri::Authority;

use super::feature::TLS;
use crate::error::masked_url;
use crate::variable::Refusal;

/// Where records go.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Switched off.
    Off,
    /// No endpoint was named.
    None,
    /// To standard error, for a person.
    Console,
    /// To this URL.
    Url(String),
    /// Not served; says why.
    Refused(String),
}

impl Destination {
    /// To this URL, if it is served.
    pub(crate) fn of(url: String) -> Self {
        match reachable(&url, "http://collector:4318") {
            Err(refusal) => Self::Refused(format!("{}: {}", masked_url(&url), refusal.reason())),
            Ok(_) => Self::Url(url),
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::None => f.write_str("None"),
            Self::Console => f.write_str("Console"),
            Self::Url(url) => write!(f, "Url({})", masked_url(url)),
            Self::Refused(reason) => write!(f, "Refused({reason})"),
        }
    }
}

/// The URL of a path below a base, whose query stays behind the path; its fragment is the client's and is left out.
pub(crate) fn join(base: &str, path: &str) -> String {
    let base = base.split('#').next().unwrap_or_default();
    let (base, query) = base.find('?').map_or((base, ""), |place| base.split_at(place));
    format!("{}{path}{query}", base.trim_end_matches('/'))
}

/// Does this URL have a name or a password in it?
pub(crate) fn has_credentials(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
}

/// The parts of a URL to which something can be exported; `example` is such a one.
pub(crate) fn reachable(url: &str, example: &str) -> Result<Uri, Refusal> {
    let uri: Option<Uri> = url.parse().ok();
    match uri.filter(|uri| uri.authority().is_some()) {
        Some(uri) if uri.authority().is_some_and(has_wrong_port) => {
            Err(Refusal::Expected(format!("a URL with a port up to 65535, such as {example}")))
        }
        Some(uri) if uri.scheme_str() == Some("http") => Ok(uri),
        Some(uri) if uri.scheme_str() == Some("https") => {
            TLS.check().map(|()| uri).map_err(Refusal::NotServed)
        }
        _ => Err(Refusal::Expected(format!("a URL such as {example}"))),
    }
}

/// Is there something behind the host that is no port? The client would take the scheme's instead.
fn has_wrong_port(authority: &Authority) -> bool {
    let text = authority.as_str();
    let place = text.rsplit_once('@').map_or(text, |(_, place)| place);
    let port = place.strip_prefix(authority.host()).unwrap_or_default().trim_start_matches(':');
    !port.is_empty() && authority.port_u16().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_stands_before_the_query_of_its_base() {
        for (base, joined) in [
            ("http://c:4318", "http://c:4318/v1/traces"),
            ("http://c:4318/", "http://c:4318/v1/traces"),
            ("http://c/prefix//", "http://c/prefix/v1/traces"),
            ("http://c/x?api_key=K", "http://c/x/v1/traces?api_key=K"),
            ("http://c?api_key=K&a=/b/", "http://c/v1/traces?api_key=K&a=/b/"),
            ("http://c/?#f?x", "http://c/v1/traces?"),
            ("http://c/x#f", "http://c/x/v1/traces"),
        ] {
            assert_eq!(join(base, "/v1/traces"), joined, "{base}");
        }
    }

    #[test]
    fn a_port_is_a_number_up_to_65535_or_none() {
        for (place, is_served) in [
            ("c", true),
            ("c:", true),
            ("c:4318", true),
            ("ann:pw@c:65535", true),
            ("[::1]:4318", true),
            ("[::1]", true),
            ("c:431800", false),
            ("c:4318x", false),
            ("ann:s3cret", false),
            ("[::1]:65536", false),
        ] {
            let refused =
                reachable(&format!("http://{place}/x"), "http://c:4318").map_err(Refusal::reason).err();
            assert_eq!(refused.is_none(), is_served, "{place}: {refused:?}");
        }
        let refused = Destination::of(join("http://ann:s3cret#1@c:4318", "/v1/traces"));
        let reason = "http://REDACTED: a URL with a port up to 65535, such as http://collector:4318";
        assert_eq!(refused, Destination::Refused(reason.to_owned()));
    }

    #[test]
    fn credentials_and_queries_are_masked_and_the_rest_is_shown() {
        for (url, shown) in [
            ("http://c:4318/v1/traces", "http://c:4318/v1/traces"),
            ("http://ann:pa@ss@c:4318/v1", "http://REDACTED@c:4318/v1"),
            ("http://c/x?api_key=K#f", "http://c/x?REDACTED"),
            ("http://c?api_key=K", "http://c?REDACTED"),
            ("http://c#K", "http://c#REDACTED"),
            ("http://ann:s@c?u=d@x", "http://REDACTED@c?REDACTED"),
            ("http://host/@", "http://host/@"),
            ("http://[::1]/@", "http://[::1]/@"),
            ("http://h:80/a@b?c@d", "http://h:80/a@b?REDACTED"),
            ("http://ann:pa#ss@c:4318", "http://REDACTED"),
            ("http://ann:pa?ss@c:4318/v1", "http://REDACTED"),
            ("http://ann:pa/ss@c:4318/v1", "http://REDACTED"),
            ("http://ann:1#2@c", "http://REDACTED"),
            ("http://ann:p@ss/wo@c/v1", "http://REDACTED@c/v1"),
            ("http://proxy/http://ann:s@c/v1", "http://proxy/http://REDACTED@c/v1"),
            ("c:4317?api_key=K", "c:4317?REDACTED"),
            ("ann:s@c:4317", "REDACTED@c:4317"),
            ("", ""),
        ] {
            assert_eq!(masked_url(url), shown, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_secret_is_shown_wherever_it_stands(
            scheme in "(https?://)?",
            path in "(/[a-z]{0,4}){0,3}",
            behind in "[?#][a-z=&/@:?#]{0,9}",
        ) {
            for url in [
                format!("{scheme}me:s3cr3t@host{path}{behind}"),
                format!("{scheme}host{path}{behind}s3cr3t"),
                format!("{scheme}me:s3cr3t{behind}x@host{path}"),
                format!("{scheme}host{path},http://me:s3cr3t@host{path}{behind}"),
            ] {
                prop_assert!(!masked_url(&url).contains("s3cr3t"), "{}", masked_url(&url));
            }
        }
    }
}

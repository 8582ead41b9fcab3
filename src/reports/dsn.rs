//! The address of a project at a server that speaks Sentry's protocol: `https://<key>@<host>/<project>`.

use std::fmt;

use http::Uri;

use crate::export::masked_url;
use crate::variable::Refusal;

/// What a DSN says. The key is public, and is shown nowhere all the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Dsn {
    /// Where envelopes are posted to.
    pub(super) endpoint: String,
    pub(super) key: String,
}

impl Dsn {
    /// Reads `<scheme>://<key>[:<secret>]@<host>[:<port>][<path>]/<project>`.
    ///
    /// # Errors
    ///
    /// It is none; says what would be right.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let expected = || Refusal::expected("a DSN such as https://key@sentry.example/1");
        let uri: Uri = text.trim().parse().map_err(|_| expected())?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
        let (credentials, host) =
            uri.authority().and_then(|authority| authority.as_str().rsplit_once('@')).ok_or_else(expected)?;
        let key = credentials.split(':').next().unwrap_or_default();
        let (path, project) = uri.path().trim_end_matches('/').rsplit_once('/').ok_or_else(expected)?;
        let scheme = scheme.filter(|_| uri.query().is_none() && !host.is_empty()).ok_or_else(expected)?;
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_project = !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_key || !is_project {
            return Err(expected());
        }
        let endpoint = format!("{scheme}://{host}{path}/api/{project}/envelope/");
        Ok(Self { endpoint, key: key.to_owned() })
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dsn({})", masked_url(&self.endpoint))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parts_of_a_dsn_make_its_endpoint() {
        for (text, endpoint) in [
            ("https://abc@o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/api/42/envelope/"),
            ("http://abc:old@127.0.0.1:8000/1", "http://127.0.0.1:8000/api/1/envelope/"),
            (
                "https://abc@errors.example/behind/a/proxy/7",
                "https://errors.example/behind/a/proxy/api/7/envelope/",
            ),
            ("http://abc@[::1]:8000/1/", "http://[::1]:8000/api/1/envelope/"),
        ] {
            let dsn = Dsn::parse(text).unwrap();
            assert_eq!((&*dsn.endpoint, &*dsn.key), (endpoint, "abc"));
        }
    }

    #[test]
    fn what_is_no_dsn_is_refused_with_an_example() {
        for bad in [
            "",
            "abc",
            "https://sentry.io/42",
            "https://@sentry.io/42",
            "https://abc@sentry.io",
            "https://abc@sentry.io/",
            "ftp://abc@sentry.io/1",
            "https://abc@/1",
            "https://a b@sentry.io/1",
            "https://abc@sentry.io/1?x=y",
        ] {
            let Err(Refusal::Expected(right)) = Dsn::parse(bad) else { panic!("{bad} was taken") };
            assert!(right.contains("https://key@sentry.example/1"), "{right}");
        }
    }

    #[test]
    fn debug_does_not_show_the_key() {
        assert!(!format!("{:?}", Dsn::parse("https://s3cr3t@sentry.io/42").unwrap()).contains("s3cr3t"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = Dsn::parse(&text);
        }
    }
}

//! The headers that are captured: only those that are listed, bounded, and never a secret.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

use super::paths::Hidden;
use crate::error::masked_urls;
use crate::names::Conventions;
use crate::record::{FieldValue, Hop, Texts, prefix};
use crate::threads::{Once, complain};
use crate::traces::{REDACTED, redact_query};

/// How many headers may be listed.
const MOST_NAMES: usize = 32;
/// How many values of one header are kept.
const MOST_VALUES: usize = 16;
/// A value longer than this is cut.
const LONGEST: usize = 1_024;
/// All values of one message together.
const MOST_BYTES: usize = 8 * 1_024;
/// Stands for what was cut off.
const CUT: &str = "…";

/// Words in the names of headers that hold credentials, also where these are written with `_`. If one is captured, only its
/// presence is recorded.
const SECRETS: [&str; 16] = [
    "access-key",
    "api-key",
    "apikey",
    "assertion",
    "auth-key",
    "authorization",
    "cookie",
    "credential",
    "functions-key",
    "jwt",
    "passwd",
    "password",
    "private-key",
    "secret",
    "subscription-key",
    "token",
];

/// Begins of values that are credentials, in whatever header (RFC 7235, "credentials").
const SCHEMES: [&str; 2] = ["basic ", "bearer "];

/// Their value is a URL, however it looks, so what is hidden in URLs is hidden in them.
const URLS: [&str; 5] = ["content-location", "destination", "location", "referer", "sourcemap"];

static SECRET_LISTED: Once = Once::new();
static NOT_A_NAME: Once = Once::new();
static TOO_MANY: Once = Once::new();

/// The headers that are captured of one direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headers(Vec<Listed>);

/// What stands before a captured header's name in a request of HTTP, and in a call of gRPC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) http: &'static str,
    /// By the conventions' version 1.44, and by 1.45.
    pub(super) grpc: [&'static str; 2],
}

#[derive(Clone, Debug)]
struct Listed {
    name: HeaderName,
    /// The field's whole name in a request of HTTP, and the two in a call of gRPC.
    fields: [String; 3],
    shows: Shows,
}

/// What of a header's values is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    All,
    Url,
    /// A URL behind `url=`, as `refresh` has it.
    UrlBehind,
    Nothing,
}

impl Headers {
    /// The headers of this list; `before` stands before each name. What cannot be served is said once.
    pub(super) fn new<N: Into<String>>(before: Before, names: impl IntoIterator<Item = N>) -> Self {
        let mut listed: Vec<Listed> = Vec::new();
        for name in names.into_iter().map(Into::into) {
            let Ok(name) = HeaderName::try_from(name.trim()) else {
                if NOT_A_NAME.first() {
                    complain(format_args!("{name:?} is not the name of a header, so it is not captured"));
                }
                continue;
            };
            if listed.iter().any(|known| known.name == name) {
                continue;
            }
            if listed.len() >= MOST_NAMES {
                if TOO_MANY.first() {
                    complain(format_args!(
                        "more than {MOST_NAMES} headers are listed; {name} is not captured"
                    ));
                }
                break;
            }
            let shows = Shows::of(&name);
            if shows == Shows::Nothing && SECRET_LISTED.first() {
                complain(format_args!(
                    "the header {name} holds a secret: its value is shown as {REDACTED}; take it off the list"
                ));
            }
            let [older, newer] = before.grpc;
            let fields = [before.http, older, newer].map(|before| [before, name.as_str()].concat());
            listed.push(Listed { name, fields, shows });
        }
        Self(listed)
    }

    /// Adds what is there of them to the hop's fields.
    pub(super) fn capture(&self, headers: &HeaderMap, hidden: &Hidden, hop: &Hop, is_grpc: bool) {
        let mut room = MOST_BYTES;
        for listed in &self.0 {
            let mut values = headers.get_all(&listed.name).iter().take(MOST_VALUES);
            let Some(first) = values.next() else { continue };
            let values = std::iter::once(first).chain(values);
            // Nearly all have one.
            let values: SmallVec<[_; 1]> =
                values.map(|value| listed.shown(value, hidden, &mut room)).collect();
            hop.add(listed.field(is_grpc), FieldValue::List(Texts::Values(&values)));
        }
    }
}

impl Headers {
    /// Gives what was captured of a request the names that it has in a call of gRPC.
    pub(super) fn become_metadata(&self, hop: &Hop) {
        if let Some(notes) = &mut *hop.notes() {
            for listed in &self.0 {
                notes.fields.rename(listed.field(false), listed.field(true));
            }
        }
    }
}

impl Shows {
    fn of(name: &HeaderName) -> Self {
        match name.as_str().replace('_', "-").as_str() {
            name if SECRETS.iter().any(|word| name.contains(word)) => Self::Nothing,
            name if URLS.contains(&name) => Self::Url,
            "refresh" => Self::UrlBehind,
            _ => Self::All,
        }
    }
}

impl Listed {
    /// The field's whole name.
    fn field(&self, is_grpc: bool) -> &str {
        // The names are chosen at the start, perhaps after the layer was made.
        let place = if is_grpc { 1 + usize::from(Conventions::has_stable_rpc()) } else { 0 };
        &self.fields[place]
    }

    /// A value as it is shown; what is no UTF-8 in it is U+FFFD.
    fn shown<'v>(&self, value: &'v HeaderValue, hidden: &Hidden, room: &mut usize) -> Cow<'v, str> {
        // A value that is marked as sensitive must not be logged.
        if self.shows == Shows::Nothing || value.is_sensitive() || is_credential(value) {
            return REDACTED.into();
        }
        // Nearly all are text, which one look tells.
        let text = str::from_utf8(value.as_bytes())
            .map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed);
        let text = match self.shows {
            Shows::Url => url(&text, hidden).into(),
            Shows::UrlBehind => url_behind(&text, hidden).into(),
            _ => hidden_in(text, hidden),
        };
        let kept = prefix(&text, LONGEST.min(*room));
        *room -= kept.len();
        if kept.len() == text.len() { text } else { [kept, CUT].concat().into() }
    }
}

fn is_credential(value: &HeaderValue) -> bool {
    let begins = |scheme: &&str| {
        let begin = value.as_bytes().get(..scheme.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    SCHEMES.iter().any(begins)
}

/// What is hidden in URLs is hidden in what looks like one (`x-original-uri`, `hx-current-url`), and in those that stand
/// somewhere in a value (`link`).
fn hidden_in<'v>(text: Cow<'v, str>, hidden: &Hidden) -> Cow<'v, str> {
    if text.starts_with('/') {
        return url(&text, hidden).into();
    }
    if text.as_bytes().contains(&b'<') {
        return targets(&text, hidden).into();
    }
    // Few values have a colon, which is found faster.
    if !text.as_bytes().contains(&b':') || !text.contains("://") {
        return text;
    }
    let is_one = !text.contains([' ', '\t', ',', '<']);
    if is_one { url(&text, hidden).into() } else { masked_urls(&text).into_owned().into() }
}

/// A value with URLs in brackets, as `link` has them, also relative ones.
fn targets(text: &str, hidden: &Hidden) -> String {
    let mut parts = text.split('<');
    let mut shown = masked_urls(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let end = part.find('>').unwrap_or(part.len());
        shown.extend(["<", &masked_urls(&url(&part[..end], hidden)), &masked_urls(&part[end..])]);
    }
    shown
}

/// A value with a URL at its end: `5; url=/start?token=…`.
fn url_behind(text: &str, hidden: &Hidden) -> String {
    // Behind one of these it is a part of the URL.
    let before = text.split(['/', '?', '#']).next().unwrap_or_default();
    let at = before.to_ascii_lowercase().find("url=").map_or(0, |at| at + "url=".len());
    text[..at].to_owned() + &url(&text[at..], hidden)
}

/// A URL or the end of one, as `url.full` is shown: no credentials, no query values; and no fragment, which some hand
/// tokens over in.
fn url(text: &str, hidden: &Hidden) -> String {
    let (text, fragment) = text.split_once('#').map_or((text, ""), |(text, _)| (text, "#REDACTED"));
    let (before, query) = text.split_once('?').map_or((text, None), |(text, query)| (text, Some(query)));
    // Behind a slash, two of them are a path's.
    let authority = before.find('/').filter(|at| before[*at..].starts_with("//")).map_or(0, |at| at + 2);
    let path_at =
        if authority == 0 { Some(0) } else { before[authority..].find('/').map(|at| authority + at) };
    let (origin, path) = before.split_at(path_at.unwrap_or(before.len()));
    let mut shown = match origin.rsplit_once('@') {
        Some((_, host)) => [&origin[..authority], REDACTED, "@", host].concat(),
        None => origin.to_owned(),
    };
    shown.push_str(hidden.hide(path, None).as_deref().unwrap_or(path));
    if let Some(query) = query {
        shown.extend(["?", &redact_query(query, |_| false)]);
    }
    shown + fragment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::context::{Flags, SpanId, TraceContext, TraceId};
    use crate::record::Kind;
    use proptest::prelude::*;

    fn captured(names: &[&str], headers: &HeaderMap, hidden: &Hidden) -> Vec<(String, Vec<String>)> {
        let (trace_id, span_id) = (TraceId::random(), SpanId::random());
        let trace = TraceContext { trace_id, span_id, flags: Flags::NONE };
        let hop = Hop::begin(trace, Kind::Server, Moment::now(), |_| {});
        let before = Before { http: "", grpc: ["grpc.", "rpc."] };
        Headers::new(before, names.iter().copied()).capture(headers, hidden, &hop, false);
        let notes = hop.notes();
        let fields = notes.iter().flat_map(|notes| notes.fields.iter());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let texts = |value: FieldValue<'_>| match value {
            FieldValue::List(texts) => texts.map(text).collect(),
            other => panic!("{other:?}"),
        };
        fields.map(|(name, value)| (text(name), texts(value))).collect()
    }

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).expect("a header's value");
        pairs.iter().map(|(name, bytes)| (HeaderName::from_static(name), value(bytes))).collect()
    }

    fn one(name: &'static str, value: &[u8]) -> String {
        captured(&[name], &headers(&[(name, value)]), &Hidden::default())[0].1.concat()
    }

    #[test]
    fn what_is_listed_twice_or_is_no_name_is_there_once_or_not_at_all() {
        let sent = headers(&[("x-tenant", b"blue"), ("accept", b"*/*")]);
        let found = captured(&["X-Tenant", "x-tenant", "no name", "", "x-absent"], &sent, &Hidden::default());
        assert_eq!(found, [("x-tenant".to_owned(), vec!["blue".to_owned()])]);
        assert!(captured(&[], &sent, &Hidden::default()).is_empty());
    }

    #[test]
    fn no_listed_secret_is_shown() {
        for name in [
            "api-key",
            "apikey",
            "authorization",
            "cf-access-jwt-assertion",
            "cookie",
            "job-token",
            "private-token",
            "proxy-authorization",
            "set-cookie",
            "set-cookie2",
            "x-access-token",
            "x-amz-security-token",
            "x-amzn-oidc-accesstoken",
            "api_key",
            "ocp-apim-subscription-key",
            "x-access-key",
            "x-amz-credential",
            "x-api-key",
            "x-api_key",
            "x-auth_key",
            "x-functions-key",
            "x_csrf_token",
            "x-private_key",
            "x-apikey",
            "x-auth-key",
            "x-auth-token",
            "x-authorization",
            "x-client-secret",
            "x-csrf-token",
            "x-csrftoken",
            "x-forwarded-access-token",
            "x-gitlab-token",
            "x-goog-iap-jwt-assertion",
            "x-id-token",
            "x-password",
            "x-session-token",
            "x-shopify-access-token",
            "x-vault-token",
            "x-xsrf-token",
        ] {
            assert_eq!(one(name, b"s3cr3t"), REDACTED, "{name}");
        }
        for value in [&b"Bearer s3cr3t"[..], b"bearer s3cr3t", b"BASIC czNjcjN0"] {
            assert_eq!(one("x-upstream", value), REDACTED);
        }
        let mut sent = headers(&[("x-own", b"s3cr3t")]);
        sent.get_mut("x-own").expect("there").set_sensitive(true);
        assert_eq!(captured(&["x-own"], &sent, &Hidden::default())[0].1, [REDACTED]);
    }

    #[test]
    fn bytes_that_are_no_text_are_safe() {
        assert_eq!(one("x-own", b"a\xff\xc3z"), "a\u{fffd}\u{fffd}z");
    }

    #[test]
    fn a_url_in_a_header_hides_what_urls_hide() {
        let hidden = Hidden::default().and("/reset/{token}", &[]);
        for (sent, shown) in [
            (
                "https://me:pw@a.example/x?key=s3cr3t#t=s3cr3t",
                "https://REDACTED@a.example/x?key=REDACTED#REDACTED",
            ),
            ("/reset/s3cr3t", "/reset/REDACTED"),
            ("https://a.example", "https://a.example"),
            ("/reset//s3cr3t", "/reset//REDACTED"),
            ("//a.example/reset/s3cr3t", "//a.example/reset/REDACTED"),
            ("", ""),
        ] {
            let found = captured(&["location"], &headers(&[("location", sent.as_bytes())]), &hidden);
            assert_eq!(found[0].1, [shown]);
        }
    }

    #[test]
    fn where_a_header_leads_by_a_parameter_hides_it_as_well() {
        for (sent, shown) in [
            ("0; url=/start?token=s3cr3t", "0; url=/start?token=REDACTED"),
            ("5;URL='https://me:s3cr3t@a.example/'", "5;URL='https://REDACTED@a.example/'"),
            ("5", "5"),
            ("0, /?s3cr3t", "0, /?REDACTED"),
            ("0; /x?token=s3cr3t&url=/y", "0; /x?token=REDACTED&url=REDACTED"),
            ("0; /x?url=/a&token=s3cr3t", "0; /x?url=REDACTED&token=REDACTED"),
        ] {
            let sent = headers(&[("refresh", sent.as_bytes())]);
            assert_eq!(captured(&["refresh"], &sent, &Hidden::default())[0].1, [shown]);
        }
    }

    #[test]
    fn what_looks_like_a_url_hides_it_as_well() {
        let hidden = Hidden::default().and("/reset/{token}", &[]);
        for (sent, shown) in [
            ("/reset/s3cr3t?key=s3cr3t", "/reset/REDACTED?key=REDACTED"),
            ("https://me:s3cr3t@a.example/reset/s3cr3t", "https://REDACTED@a.example/reset/REDACTED"),
            ("<https://a.example/x?key=s3cr3t>; rel=next", "<https://a.example/x?REDACTED>; rel=next"),
            ("<http://p/http://me:s3cr3t@a.example/x>", "<http://p/http://REDACTED@a.example/x>"),
            ("</reset/s3cr3t?key=s3cr3t>; rel=next", "</reset/REDACTED?key=REDACTED>; rel=next"),
            (
                "<?key=s3cr3t>; rel=a, <https://a.example/reset/s3cr3t>; rel=\"http://b/?s3cr3t\"",
                "<?key=REDACTED>; rel=a, <https://a.example/reset/REDACTED>; rel=\"http://b/?REDACTED\"",
            ),
            ("<https://a.example/?s3cr3t", "<https://a.example/?REDACTED"),
            ("Ann <ann@a.example>", "Ann <ann@a.example>"),
            ("0; url=https://a.example/#s3cr3t", "0; url=https://a.example/#REDACTED"),
            ("text/html; q=0.9, */*", "text/html; q=0.9, */*"),
            ("Bot/1.0 (+http://a.example/bot)", "Bot/1.0 (+http://a.example/bot)"),
            ("9:30", "9:30"),
            ("a < b", "a < b"),
        ] {
            let found = captured(&["x-own"], &headers(&[("x-own", sent.as_bytes())]), &hidden);
            assert_eq!(found[0].1, [shown]);
        }
    }

    proptest! {
        #[test]
        fn nothing_a_stranger_sends_grows_without_bound(
            values in proptest::collection::vec(proptest::collection::vec(0x80_u8.., 0..3_000), 0..40),
        ) {
            let mut sent = HeaderMap::new();
            for (place, value) in values.iter().enumerate() {
                let name = ["x-a", "referer", "x-c"][place % 3];
                sent.append(name, HeaderValue::from_bytes(value).expect("no control characters"));
            }
            let found = captured(&["x-a", "referer", "x-c"], &sent, &Hidden::default());
            let texts: Vec<_> = found.iter().flat_map(|(_, texts)| texts).collect();
            prop_assert!(found.iter().all(|(_, texts)| texts.len() <= MOST_VALUES));
            prop_assert!(texts.iter().all(|text| text.len() <= LONGEST + CUT.len()));
            prop_assert!(texts.iter().map(|text| text.trim_end_matches(CUT).len()).sum::<usize>() <= MOST_BYTES);
        }

        #[test]
        fn no_credential_of_any_url_is_shown(
            scheme in "(https?:)?", user in "[a-z]{0,5}", path in "(/[a-z]{0,3}){0,3}", secret in "[0-9]{4,9}",
        ) {
            let sent = format!("{scheme}//{user}:{secret}@h.example{path}?k={secret}&{user}={secret}#{secret}");
            let shown = url(&sent, &Hidden::default());
            prop_assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{}", shown);
            prop_assert!(shown.contains(&format!("h.example{path}?k=")), "{}", shown);
        }
    }
}

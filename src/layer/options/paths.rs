//! The paths that the user names by pattern: what is hidden of them, and whose query values are shown.
//!
//! A pattern is compared with the path itself and not with the matched route, which may become known only later, or
//! never: a mistyped link has its secret all the same.

use std::borrow::Cow;

use crate::threads::{Once, complain};
use crate::traces::REDACTED;

/// A path as routers write it: `/users/{id}`, `/files/{*rest}`, or the older `/users/:id`, `/files/*rest`.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
struct Segment {
    is: Is,
    hidden: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Is {
    Literal(String),
    Parameter(String),
    /// All that follows.
    Rest(String),
}

/// The parts of paths that are hidden.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden(Vec<Pattern>);

/// The keys of queries whose values are shown: everywhere, and on certain paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    everywhere: Vec<String>,
    on: Vec<(Pattern, Vec<String>)>,
}

static HIDES_NOTHING: Once = Once::new();

impl Pattern {
    fn new(text: &str) -> Self {
        let segments = text.split('/').filter(|segment| !segment.is_empty());
        let segments = segments.map(|segment| Segment { is: Is::of(segment), hidden: false }).collect();
        Self { text: text.to_owned(), segments }
    }

    /// Hides the parameters of these names; all of them, where none is named or one is misspelt.
    fn hiding(mut self, names: &[String]) -> Self {
        let has = |name: &String| self.segments.iter().any(|segment| segment.is.name() == Some(name));
        let all = names.is_empty() || !names.iter().all(has);
        for segment in &mut self.segments {
            let name = segment.is.name();
            segment.hidden = name.is_some_and(|name| all || names.iter().any(|named| named == name));
        }
        let hides = self.segments.iter().any(|segment| segment.hidden);
        if (!hides || (all && !names.is_empty())) && HIDES_NOTHING.first() {
            let stays = if hides { "all of them are hidden" } else { "nothing is hidden" };
            complain(format_args!(
                "the path {:?} does not contain every parameter of {names:?}; {stays}",
                self.text
            ));
        }
        self
    }

    /// Compares the pattern from this segment on; says which of the path's segments it hides, and whether the path
    /// goes on behind it. `None` if the path begins otherwise.
    fn compare(&self, from: usize, path: &[(usize, impl AsRef<str>)]) -> Option<(Vec<usize>, bool)> {
        let mut parts = path.iter().map(|(place, part)| (*place, part.as_ref()));
        let mut hides = Vec::new();
        for Segment { is, hidden } in self.segments.iter().skip(from) {
            if let Is::Rest(_) = is {
                hides.extend(parts.filter(|_| *hidden).map(|(place, _)| place));
                return Some((hides, false));
            }
            let (place, part) = parts.next()?;
            match is {
                Is::Literal(literal) if !same(literal, part) => return None,
                _ if *hidden => hides.push(place),
                _ => {}
            }
        }
        Some((hides, parts.next().is_some()))
    }

    /// Which of the path's segments are hidden, as it was sent or as servers may understand it.
    fn hides(&self, path: &[&str], route: Option<&str>) -> Vec<usize> {
        let (sent, resolved) = (named(path), resolved(path));
        let compared: Vec<_> =
            [self.compare(0, &sent), self.compare(0, &resolved)].into_iter().flatten().collect();
        if !compared.is_empty() {
            return compared.into_iter().flat_map(|(hides, _)| hides).collect();
        }
        if route != Some(&self.text) {
            return Vec::new();
        }
        // A router in another one sees the end of the path; where that cannot be found either, all of it goes.
        let ends =
            (1..self.segments.len()).find_map(|from| self.compare(from, &sent).filter(|(_, more)| !more));
        ends.map_or_else(|| (0..path.len()).collect(), |(hides, _)| hides)
    }

    fn is_all_of(&self, path: &[&str], route: Option<&str>) -> bool {
        // What a server understands otherwise is another path: what is shown was named.
        let is_plain = path.iter().all(|part| !is_dots(part) && !part.contains(';'));
        route == Some(&self.text) || is_plain && matches!(self.compare(0, &named(path)), Some((_, false)))
    }
}

impl Is {
    fn of(segment: &str) -> Self {
        let braced = segment.find('{').zip(segment.rfind('}'));
        let braced = braced.and_then(|(open, close)| segment.get(open + 1..close));
        if let Some(rest) = braced.and_then(|name| name.strip_prefix('*')).or(segment.strip_prefix('*')) {
            return Self::Rest(rest.to_owned());
        }
        match braced.or(segment.strip_prefix(':')) {
            Some(name) => Self::Parameter(name.to_owned()),
            None => Self::Literal(segment.to_owned()),
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Rest(name) => Some(name),
        }
    }
}

impl Hidden {
    /// One more pattern, of which these parameters are hidden.
    pub(super) fn and(mut self, pattern: &str, names: &[String]) -> Self {
        self.0.push(Pattern::new(pattern).hiding(names));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without what is hidden of it; `None` where nothing is.
    pub(super) fn hide(&self, path: &str, route: Option<&str>) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut parts: Vec<&str> = path.split('/').collect();
        let mut places: Vec<_> = self.0.iter().flat_map(|pattern| pattern.hides(&parts, route)).collect();
        places.retain(|place| parts.get(*place).is_some_and(|part| !part.is_empty()));
        for place in &places {
            if let Some(part) = parts.get_mut(*place) {
                *part = REDACTED;
            }
        }
        (!places.is_empty()).then(|| parts.join("/"))
    }
}

impl Shown {
    pub(super) fn everywhere(&mut self, keys: Vec<String>) {
        self.everywhere = keys;
    }

    pub(super) fn on(&mut self, pattern: &str, keys: Vec<String>) {
        self.on.push((Pattern::new(pattern), keys));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.on.is_empty()
    }

    /// The keys that are shown of this path's query; `None` where there is no such list.
    pub(super) fn keys(&self, path: &str, route: Option<&str>) -> Option<Vec<&str>> {
        let parts: Vec<&str> = if self.on.is_empty() { Vec::new() } else { path.split('/').collect() };
        let on = self.on.iter().filter(|(pattern, _)| pattern.is_all_of(&parts, route));
        let keys: Vec<&str> =
            on.flat_map(|(_, keys)| keys).chain(&self.everywhere).map(String::as_str).collect();
        (!keys.is_empty()).then_some(keys)
    }
}

/// The segments that have a name, and where they are. A slash too many matches no route, but the path is still of its kind.
fn named<'a>(path: &[&'a str]) -> Vec<(usize, &'a str)> {
    path.iter().copied().enumerate().filter(|(_, part)| !part.is_empty()).collect()
}

/// The segments that are left once `.` and `..` are resolved (RFC 3986, 5.2.4), without parameters behind `;`. An encoded
/// slash and a backslash are slashes to some servers.
fn resolved(path: &[&str]) -> Vec<(usize, String)> {
    let mut left = Vec::new();
    for (place, part) in named(path) {
        for part in decoded(part).split(['/', '\\']) {
            match part.split(';').next().unwrap_or_default() {
                "" | "." => {}
                ".." => _ = left.pop(),
                part => left.push((place, part.to_owned())),
            }
        }
    }
    left
}

fn is_dots(part: &str) -> bool {
    matches!(&*decoded(part), "." | "..")
}

/// Is a path's segment this literal, however it is written? Rather too often than not: it is about secrets.
fn same(literal: &str, part: &str) -> bool {
    literal.eq_ignore_ascii_case(part) || part.contains('%') && literal.eq_ignore_ascii_case(&decoded(part))
}

fn decoded(part: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn hidden(pattern: &str, of: &[&str], path: &str) -> String {
        let hidden = Hidden::default().and(pattern, &names(of));
        hidden.hide(path, None).unwrap_or_else(|| path.to_owned())
    }

    #[test]
    fn the_named_parameters_are_hidden_and_the_others_stay() {
        let pattern = "/users/{id}/reset/{token}";
        assert_eq!(hidden(pattern, &["token"], "/users/7/reset/s"), "/users/7/reset/REDACTED");
        assert_eq!(hidden(pattern, &[], "/users/7/reset/s"), "/users/REDACTED/reset/REDACTED");
        assert_eq!(hidden(pattern, &["tokne"], "/users/7/reset/s"), "/users/REDACTED/reset/REDACTED");
        assert_eq!(hidden(pattern, &["token"], "/users/7"), "/users/7");
        assert_eq!(hidden("/users/:id/*rest", &[], "/users/7/a/b"), "/users/REDACTED/REDACTED/REDACTED");
        assert_eq!(hidden("/f/{*rest}", &["rest"], "/f/a//b/"), "/f/REDACTED//REDACTED/");
        assert_eq!(hidden("/f/{name}.pdf", &["name"], "/f/7.pdf"), "/f/REDACTED");
    }

    #[test]
    fn a_path_that_the_router_refuses_is_hidden_as_well() {
        for path in ["/reset/s/", "//reset//s", "/Reset/s", "/re%73et/s", "/reset/s/more", "/%52ESET/s"] {
            let shown = hidden("/reset/{token}", &["token"], path);
            assert!(shown.contains("/REDACTED") && !shown.ends_with("/s"), "{shown}");
        }
        for path in ["/", "", "*", "/reset", "/reset/", "/resets/s", "/x/reset/s", "/re%7", "/%ff%fe"] {
            assert_eq!(hidden("/reset/{token}", &["token"], path), path);
        }
    }

    #[test]
    fn a_path_is_hidden_as_servers_may_understand_it() {
        for path in [
            "/reset/./s3cret",
            "/./reset/s3cret",
            "/reset/%2e/s3cret",
            "/reset;x=1/s3cret",
            "/reset/;x=1/s3cret",
            "/other/../reset/s3cret",
            "/other/%2E%2e/reset/s3cret",
            "/reset/s3cret/..",
            "/reset/s3cret;x=1",
            "/../reset/s3cret",
            "/reset%2fs3cret",
            "/reset%2F%2Fs3cret/",
            "/reset%5cs3cret",
            "/reset\\s3cret",
            "/other%2f..%2freset;x=1%2Fs3cret",
            "/reset%3bx=1/s3cret",
        ] {
            let shown = hidden("/reset/{token}", &["token"], path);
            assert!(shown.contains(REDACTED) && !shown.contains("s3cret"), "{path}: {shown}");
        }
    }

    #[test]
    fn what_is_shown_of_a_query_is_that_of_the_path_as_it_was_sent() {
        let mut shown = Shown::default();
        shown.on("/search/{kind}", names(&["q"]));
        for path in
            ["/search/../reset", "/search;x=1/cars", "/search/%2e%2e", "/search/cars;x=1", "/./search/cars"]
        {
            assert_eq!(shown.keys(path, None), None, "{path}");
        }
    }

    #[test]
    fn a_router_within_another_one_sees_the_end_of_the_path() {
        let hidden = Hidden::default().and("/api/reset/{token}/{kind}", &names(&["token"]));
        let shown = |path| hidden.hide(path, Some("/api/reset/{token}/{kind}"));
        assert_eq!(shown("/reset/s/mail").as_deref(), Some("/reset/REDACTED/mail"));
        assert_eq!(shown("/s/mail").as_deref(), Some("/REDACTED/mail"));
        assert_eq!(shown("/who/knows/what/this/is").unwrap().matches(REDACTED).count(), 5);
        assert_eq!(hidden.hide("/s/mail", Some("/other")), None);
    }

    #[test]
    fn query_values_are_shown_on_exactly_the_path_that_was_named() {
        let mut shown = Shown::default();
        assert_eq!(shown.keys("/search/cars", None), None);
        shown.on("/search/{kind}", names(&["q"]));
        assert_eq!(shown.keys("/search/cars", None), Some(vec!["q"]));
        assert_eq!(shown.keys("/cars", Some("/search/{kind}")), Some(vec!["q"]));
        for other in ["/search", "/search/cars/7", "/x/search/cars"] {
            assert_eq!(shown.keys(other, None), None, "{other}");
        }
        shown.everywhere(names(&["page"]));
        assert_eq!(shown.keys("/", None), Some(vec!["page"]));
        assert_eq!(shown.keys("/search/cars", None), Some(vec!["q", "page"]));
    }

    proptest! {
        #[test]
        fn a_hidden_parameter_is_never_shown_and_the_rest_of_the_path_always(
            before in proptest::collection::vec("[a-z]{1,5}", 0..4),
            secret in "[0-9%+=.-]{1,20}",
            behind in proptest::collection::vec("[a-z]{1,5}", 0..3),
            slashes in "/{1,3}",
        ) {
            let pattern = format!("/{}/{{t}}/{}", before.join("/"), behind.join("/"));
            let sent = |part: &str| {
                let parts = before.iter().map(String::as_str).chain([part]);
                format!("/{}", parts.chain(behind.iter().map(String::as_str)).collect::<Vec<_>>().join(&slashes))
            };
            prop_assert_eq!(hidden(&pattern, &["t"], &sent(&secret)), sent(REDACTED));
        }

        #[test]
        fn any_pattern_and_any_path_are_safe(pattern in "\\PC{0,40}", path in "[/a-z%:{}*.é]{0,40}") {
            let hidden = Hidden::default().and(&pattern, &[]);
            for route in [None, Some(&*pattern)] {
                let shown = hidden.hide(&path, route).unwrap_or_else(|| path.clone());
                prop_assert_eq!(shown.matches('/').count(), path.matches('/').count());
            }
        }
    }
}

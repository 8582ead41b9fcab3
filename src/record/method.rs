//! The method as the conventions tell it: out of a closed set, so that no caller can add a series. The operator
//! may write the set anew.

use std::sync::OnceLock;

/// The methods that the semantic conventions know, and those that the operator names; everything else is `_OTHER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Query,
    Other,
    /// One beyond the conventions, by its place in the operator's list.
    Own(u8),
}

/// A list that stands in the place of the conventions' own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Methods {
    /// Which of [`Method::CONVENTIONS`] it names.
    conventions: [bool; CONVENTIONS],
    own: Vec<String>,
}

const CONVENTIONS: usize = 10;
/// How many a list may name beyond the conventions': enough for WebDAV and its extensions.
const MOST_OWN: usize = 21;

/// The operator's list; empty where there is none.
static LISTED: OnceLock<Methods> = OnceLock::new();

impl Method {
    /// Those of RFC 9110, PATCH and QUERY.
    pub(crate) const CONVENTIONS: [Self; CONVENTIONS] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Delete,
        Self::Connect,
        Self::Options,
        Self::Trace,
        Self::Patch,
        Self::Query,
    ];
    /// How many there can be; a power of two.
    pub(crate) const COUNT: usize = CONVENTIONS + 1 + MOST_OWN;

    /// The method as a value of `http.request.method`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Query => "QUERY",
            Self::Other => "_OTHER",
            Self::Own(place) => {
                let own = LISTED.get().and_then(|listed| listed.own.get(usize::from(place)));
                own.map_or("_OTHER", String::as_str)
            }
        }
    }

    /// Its number among all of them, below [`Method::COUNT`].
    #[inline]
    pub(crate) const fn index(self) -> u16 {
        match self {
            Self::Get => 0,
            Self::Head => 1,
            Self::Post => 2,
            Self::Put => 3,
            Self::Delete => 4,
            Self::Connect => 5,
            Self::Options => 6,
            Self::Trace => 7,
            Self::Patch => 8,
            Self::Query => 9,
            Self::Other => 10,
            Self::Own(place) => 11 + place as u16,
        }
    }

    /// From now on these are the known ones. Only the first list of a process counts.
    pub(crate) fn know(methods: Methods) {
        let _ = LISTED.set(methods);
    }
}

impl From<&http::Method> for Method {
    #[inline]
    fn from(method: &http::Method) -> Self {
        // Case-sensitive, as the conventions demand.
        let known = match method.as_str() {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "PATCH" => Self::Patch,
            "QUERY" => Self::Query,
            _ => Self::Other,
        };
        LISTED.get().map_or(known, |listed| listed.judge(known, method.as_str()))
    }
}

impl Methods {
    /// Reads a comma-separated list; `None` if it holds what is no method, or too many.
    pub(crate) fn from_list(list: &str) -> Option<Self> {
        let mut methods = Self { conventions: [false; CONVENTIONS], own: Vec::new() };
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            http::Method::from_bytes(name.as_bytes()).ok()?;
            let conventions = methods.conventions.iter_mut().zip(Method::CONVENTIONS);
            match conventions.into_iter().find(|(_, method)| method.as_str() == name) {
                Some((listed, _)) => *listed = true,
                None if methods.own.iter().any(|known| known == name) => {}
                None => methods.own.push(name.to_owned()),
            }
        }
        let is_empty = methods.own.is_empty() && !methods.conventions.contains(&true);
        (!is_empty && methods.own.len() <= MOST_OWN).then_some(methods)
    }

    /// As one would write it.
    pub(crate) fn list(&self) -> String {
        let conventions = Method::CONVENTIONS.iter().zip(self.conventions);
        let conventions = conventions.filter(|(_, listed)| *listed).map(|(method, _)| method.as_str());
        conventions.chain(self.own.iter().map(String::as_str)).collect::<Vec<_>>().join(",")
    }

    fn judge(&self, known: Method, sent: &str) -> Method {
        match self.conventions.get(usize::from(known.index())) {
            Some(true) => known,
            Some(false) => Method::Other,
            None => {
                let place = self.own.iter().position(|own| own == sent);
                place.and_then(|place| u8::try_from(place).ok()).map_or(Method::Other, Method::Own)
            }
        }
    }
}

impl Default for Methods {
    fn default() -> Self {
        Self { conventions: [true; CONVENTIONS], own: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_has_its_number() {
        let own = (0..MOST_OWN).map(|place| Method::Own(u8::try_from(place).unwrap()));
        let all = Method::CONVENTIONS.into_iter().chain([Method::Other]).chain(own);
        assert!(all.map(Method::index).eq(0..u16::try_from(Method::COUNT).unwrap()));
    }

    #[test]
    fn a_list_stands_in_the_place_of_the_conventions() {
        let listed = Methods::from_list(" GET,PROPFIND ,get, PROPFIND").unwrap();
        assert_eq!(listed.list(), "GET,PROPFIND,get");
        let judged = |sent: &str| {
            let method = Method::CONVENTIONS.into_iter().find(|method| method.as_str() == sent);
            listed.judge(method.unwrap_or(Method::Other), sent)
        };
        let sent = ["GET", "POST", "PROPFIND", "get", "BREW"];
        let right = [Method::Get, Method::Other, Method::Own(0), Method::Own(1), Method::Other];
        assert_eq!(sent.map(judged), right);
        assert_eq!(Methods::from_list(&Methods::default().list()), Some(Methods::default()));
    }

    #[test]
    fn a_list_that_is_none_is_refused() {
        let long: Vec<_> = (0..=MOST_OWN).map(|number| format!("M{number}")).collect();
        for list in ["", ",", "GE T", "GET,(", &long.join(",")] {
            assert_eq!(Methods::from_list(list), None, "{list}");
        }
    }
}

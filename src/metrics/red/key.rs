//! Label sets as numbers: the facts of a hop that are labels, packed without a loss, and told as text once.

use std::borrow::Cow;
use std::sync::OnceLock;

use ::metrics::Label;

use crate::names::label;
use crate::record::{End, ErrorType, Http, HttpVersion, Kind, Method, Piece, Route, Scheme};

pub(super) const SCHEMES: [Scheme; 2] = [Scheme::Http, Scheme::Https];

/// A request served.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerKey {
    method: Method,
    scheme: Scheme,
    version: HttpVersion,
    route: Option<Route>,
    status: Option<u16>,
    error: Error,
}

/// A request made.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientKey {
    method: Method,
    address: Option<Route>,
    port: u16,
    status: Option<u16>,
    error: Error,
}

/// A job or a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkKey {
    kind: Kind,
    name: Route,
    error: Error,
}

/// `error.type` as a number: none, a status, or a word's place in a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Error {
    code: u16,
    kind: ErrorType,
}

const WORDS: usize = 64;
static KNOWN: [OnceLock<&'static str>; WORDS] = [const { OnceLock::new() }; WORDS];
const OTHER: &str = "_OTHER";

/// Facts one behind the other, each in its bits.
pub(super) struct Packed(u64);

impl Packed {
    pub(super) fn new() -> Self {
        Self(0)
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }

    pub(super) fn and(self, bits: u32, value: u16) -> Self {
        debug_assert!(u32::from(value) < 1 << bits);
        Self(self.0 << bits | u64::from(value))
    }

    fn and_status(self, status: Option<u16>) -> Self {
        self.and(10, status.unwrap_or(0).min(1_023))
    }

    pub(super) fn and_error(self, error: Error) -> Self {
        self.and(11, error.code)
    }

    // A route's number plus one: zero is none.
    pub(super) fn and_route(self, route: Option<Route>) -> Self {
        self.and(13, route.map_or(0, |route| route.index() + 1))
    }
}

impl Error {
    pub(super) fn new(kind: ErrorType) -> Self {
        match kind {
            ErrorType::None => Self { code: 0, kind },
            ErrorType::Status(status) => Self { code: status.min(1_023), kind },
            ErrorType::Word(word) => Self::of_word(word),
        }
    }

    // The words are a closed set; were there ever more than the table holds, they share one.
    fn of_word(word: &'static str) -> Self {
        let place = KNOWN.iter().take(WORDS - 1).position(|known| *known.get_or_init(|| word) == word);
        let kind = ErrorType::Word(if place.is_some() { word } else { OTHER });
        Self { code: 1_024 + place.unwrap_or(WORDS - 1) as u16, kind }
    }
}

impl ServerKey {
    #[inline]
    pub(super) fn new(http: &Http, route: Option<Route>, end: &End) -> Self {
        Self {
            method: http.method,
            scheme: http.scheme,
            version: http.version,
            route,
            status: end.status,
            error: Error::new(end.error_type),
        }
    }

    /// The same request, had it been answered with 500.
    pub(super) fn failed(self) -> Self {
        Self { status: Some(500), error: Error::new(ErrorType::Status(500)), ..self }
    }

    #[inline]
    pub(super) fn pack(self) -> u64 {
        let version = match self.version {
            HttpVersion::V09 => 0,
            HttpVersion::V10 => 1,
            HttpVersion::V11 => 2,
            HttpVersion::V2 => 3,
            HttpVersion::V3 => 4,
        };
        let packed = Packed(0).and(5, self.method.index()).and(1, self.scheme as u16).and(3, version);
        packed.and_route(self.route).and_status(self.status).and_error(self.error).0
    }

    pub(super) fn labels(self) -> Vec<Label> {
        let mut labels = active(self.method, self.scheme);
        labels.push(Label::from_static_parts(label::NETWORK_PROTOCOL_VERSION, self.version.as_str()));
        labels.extend(self.route.map(|route| Label::from_static_parts(label::HTTP_ROUTE, route.as_str())));
        labels.extend(status(self.status));
        labels.extend(error(self.error));
        labels
    }
}

impl ClientKey {
    #[inline(always)]
    pub(super) fn new(http: &Http, end: &End) -> Self {
        let address = http.bytes(Piece::Host);
        Self {
            method: http.method,
            address: (!address.is_empty()).then(|| Route::of_bytes(address)),
            port: http.port.unwrap_or(http.scheme.default_port()),
            status: end.status,
            error: Error::new(end.error_type),
        }
    }

    #[inline]
    pub(super) fn pack(self) -> u64 {
        let packed = Packed(0).and(5, self.method.index()).and_route(self.address).and(16, self.port);
        packed.and_status(self.status).and_error(self.error).0
    }

    pub(super) fn labels(self) -> Vec<Label> {
        let mut labels = vec![method(self.method)];
        if let Some(address) = self.address {
            labels.push(Label::from_static_parts(label::SERVER_ADDRESS, address.as_str()));
            labels.push(Label::new(label::SERVER_PORT, self.port.to_string()));
        }
        labels.extend(status(self.status));
        labels.extend(error(self.error));
        labels
    }
}

impl WorkKey {
    pub(super) fn new(kind: Kind, name: &str, end: &End) -> Self {
        Self { kind, name: Route::of(name), error: Error::new(end.error_type) }
    }

    pub(super) fn pack(self) -> u64 {
        Packed(0).and(3, self.kind as u16).and_route(Some(self.name)).and_error(self.error).0
    }

    pub(super) fn labels(self) -> Vec<Label> {
        let kind = match self.kind {
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
            Kind::Internal => "internal",
        };
        let mut labels = vec![
            Label::from_static_parts(label::WORK_KIND, kind),
            Label::from_static_parts(label::WORK_NAME, self.name.as_str()),
        ];
        labels.extend(error(self.error));
        labels
    }
}

/// The labels of the in-flight gauge: what is known when a request begins.
pub(super) fn active(of: Method, scheme: Scheme) -> Vec<Label> {
    vec![method(of), Label::from_static_parts(label::URL_SCHEME, scheme.as_str())]
}

fn method(method: Method) -> Label {
    Label::from_static_parts(label::HTTP_REQUEST_METHOD, method.as_str())
}

fn status(status: Option<u16>) -> Option<Label> {
    status.map(|status| Label::new(label::HTTP_RESPONSE_STATUS_CODE, status.to_string()))
}

pub(super) fn error(error: Error) -> Option<Label> {
    let text: Cow<'static, str> = match error.kind {
        ErrorType::None => return None,
        ErrorType::Word(word) => word.into(),
        ErrorType::Status(status) => status.to_string().into(),
    };
    Some(Label::new(label::ERROR_TYPE, text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_facts_are_different_numbers() {
        let mut seen = std::collections::HashSet::new();
        let errors =
            [ErrorType::None, ErrorType::Status(500), ErrorType::Word("timeout"), ErrorType::Word("panic")];
        let methods = [Method::Other, Method::Own(0), Method::Own(20)];
        for method in Method::CONVENTIONS.into_iter().chain(methods) {
            for scheme in SCHEMES {
                for route in [None, Some(Route::of("/a")), Some(Route::of("/b")), Some(Route::OTHER)] {
                    for status in [None, Some(200), Some(500), Some(999)] {
                        for error in errors {
                            let (version, error) = (HttpVersion::V11, Error::new(error));
                            let key = ServerKey { method, scheme, version, route, status, error };
                            assert!(seen.insert(key.pack()), "{key:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_server_that_answered_500_is_its_own_sibling() {
        let error = Error::new(ErrorType::Status(500));
        let (method, scheme, version) = (Method::Get, Scheme::Http, HttpVersion::V2);
        let key = ServerKey { method, scheme, version, route: None, status: Some(500), error };
        assert_eq!(key.pack(), key.failed().pack());
    }
}

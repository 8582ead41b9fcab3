//! Whether a call that is tried again must not be: the other side said that it is wrong, or may do it twice.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::grpc;
use crate::names::word;
use crate::record::{Code, End, ErrorType, Hop, Interned, Method, Piece};

/// What the request of an attempt says.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The other side knows the same wish, however often it arrives.
    has_key: bool,
    /// They may be renewed after a 401.
    credentials: Option<HeaderValue>,
    is_grpc: bool,
}

/// An attempt that was made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    hop: Arc<Hop>,
    asked: Asked,
}

/// Any of these makes a request idempotent.
const KEYS: [&str; 3] = ["idempotency-key", "x-idempotency-key", "if-match"];

/// The other side was never reached.
const NOT_REACHED: [&str; 7] = [
    word::CONNECTION_ERROR,
    word::CONNECTION_REFUSED,
    word::CONNECTION_TIMEOUT,
    word::DNS_ERROR,
    word::HOST_UNREACHABLE,
    word::INVALID_REQUEST,
    word::TLS_ERROR,
];

/// The other side says that it has done nothing: the request came over the wrong connection, too early, or was one too many.
/// Not 408, which servers also answer while they still work at it.
const NOT_DONE: [u16; 3] = [421, 425, 429];

/// What 400, 404, 403 and 401 mean.
const WRONG: [Code; 4] =
    [Code::INVALID_ARGUMENT, Code::NOT_FOUND, Code::PERMISSION_DENIED, Code::UNAUTHENTICATED];

impl Asked {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut credentials = headers.get(AUTHORIZATION).cloned();
        // Whoever prints the future does not print them.
        credentials.iter_mut().for_each(|credentials| credentials.set_sensitive(true));
        Self {
            has_key: KEYS.iter().any(|key| headers.contains_key(*key)),
            credentials,
            is_grpc: grpc::is_content(headers.get(CONTENT_TYPE)),
        }
    }
}

impl Made {
    pub(super) fn new(hop: Arc<Hop>, asked: Asked) -> Self {
        Self { hop, asked }
    }

    /// Whom it asked, as a label.
    pub(super) fn host(&self) -> Interned {
        Interned::of(self.hop.http().map_or("", |http| http.piece(Piece::Host)))
    }

    /// Why this one must not have been made after that one. `None` if it may, or if it is another call.
    pub(super) fn must_not_follow(&self, last: &Self) -> Option<String> {
        let (before, now) = (last.hop.http()?, self.hop.http()?);
        let is_same = before.method == now.method
            && [Piece::Host, Piece::Path].iter().all(|piece| before.piece(*piece) == now.piece(*piece));
        if !is_same {
            return None;
        }
        let end = last.hop.end();
        let renews = self.asked.credentials != last.asked.credentials;
        if let Some(code) = end.and_then(|end| end.rpc).map(|rpc| rpc.code) {
            let is_wrong = WRONG.contains(&code) && !(code == Code::UNAUTHENTICATED && renews);
            return is_wrong.then(|| format!("after {}", code.as_str()));
        }
        match end.and_then(|end| end.status) {
            Some(401) if renews => {}
            Some(status @ (400 | 401 | 403 | 404)) => return Some(format!("after {status}")),
            _ => {}
        }
        let is_unsafe = matches!(now.method, Method::Post | Method::Patch) && !self.asked.is_grpc;
        let may_be_done = end.is_none_or(may_be_done) && !is_left_out(&last.hop);
        (is_unsafe && !self.asked.has_key && may_be_done)
            .then(|| format!("{} without an idempotency key", now.method.as_str()))
    }
}

/// The other side may have done what it was asked for.
fn may_be_done(end: End) -> bool {
    let was_reached = !matches!(end.error_type, ErrorType::Word(word) if NOT_REACHED.contains(&word));
    was_reached && !end.status.is_some_and(|status| NOT_DONE.contains(&status))
}

/// Did the other side say of a request over HTTP/2 that it has done nothing of it: refused its stream, or went away and
/// left it out (RFC 9113, "request reliability")? The type of that error is private to hyper.
fn is_left_out(hop: &Hop) -> bool {
    let says = |text: &String| {
        text.starts_with("stream error received: refused stream")
            || text.starts_with("connection error received: ")
    };
    hop.notes().as_ref().and_then(|notes| notes.error.as_ref()).is_some_and(|chain| chain.iter().any(says))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_compared_and_not_shown() {
        let asked = |token| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(token));
            Asked::of(&headers)
        };
        assert_eq!(asked("old").credentials, asked("old").credentials);
        assert_ne!(asked("old").credentials, asked("new").credentials);
        let text = format!("{:?}", asked("secret"));
        assert!(text.contains("Sensitive") && !text.contains("secret"), "{text}");
    }
}

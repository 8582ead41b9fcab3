//! What a user may choose to record of a request: headers, fields from its head, hidden paths, visible query values,
//! the span's name.
//!
//! All choices are behind one pointer, so that a layer without any pays one branch.

use std::fmt;
use std::mem;
use std::sync::Arc;

use http::{HeaderMap, Request, Response, request, response};

use super::headers::Headers;
use super::paths::{Hidden, Shown};
use super::priority::Priorities;
use crate::record::{Hop, NameSpan, Piece, Route, Subject};
use crate::signals::Observation;
use crate::traces::redact_query;

/// A callback that gets the head of a request or a response.
type Callback<P> = Arc<dyn Fn(&P) + Send + Sync>;

/// The choices of one layer.
#[derive(Clone, Default)]
pub(crate) struct Choices {
    pub(super) request_headers: Headers,
    pub(super) response_headers: Headers,
    pub(super) on_request: Option<Callback<request::Parts>>,
    pub(super) on_response: Option<Callback<response::Parts>>,
    pub(super) hidden: Hidden,
    pub(super) shown: Shown,
    pub(super) span_name: Option<NameSpan>,
    pub(crate) priorities: Priorities,
}

impl Choices {
    /// Applies the choices to a new hop: what is to be hidden is hidden before anything reads it.
    #[cold]
    pub(crate) fn begin(&self, hop: &mut Hop, headers: &HeaderMap, route: Option<Route>, is_grpc: bool) {
        self.priorities.record(hop, route);
        let route = route.map(Route::as_str);
        if let Subject::Http(http) = &mut hop.subject
            && !(self.hidden.is_empty() && self.shown.is_empty())
        {
            let (path, query) = (http.piece(Piece::Path), http.piece(Piece::Query));
            let keys = if query.is_empty() { None } else { self.shown.keys(path, route) };
            let query = keys.map(|keys| redact_query(query, |key| keys.contains(&key)));
            let path = self.hidden.hide(path, route);
            if let Some(path) = path {
                http.replace(Piece::Path, &path);
                http.hides = true;
            }
            if let Some(query) = query {
                http.replace(Piece::Query, &query);
                http.query_as_shown = true;
            }
        }
        if let Some(name) = &self.span_name {
            hop.notes().get_or_insert_default().span_name = Some(name.clone());
        }
        self.request_headers.capture(headers, &self.hidden, hop, is_grpc);
    }

    /// The request proved to be a call of gRPC: its captured headers are metadata.
    #[cold]
    pub(crate) fn is_grpc(&self, hop: &Hop) {
        self.request_headers.become_metadata(hop);
    }

    /// Runs the user's callback on the request before it is passed on.
    #[cold]
    pub(crate) fn request<B>(&self, observation: &Observation, request: &mut Request<B>) {
        if let Some(say) = &self.on_request {
            with_parts(request, |parts| observation.say(|| say(parts)));
        }
    }

    /// Captures the chosen parts of the response head.
    #[cold]
    pub(crate) fn capture<B>(&self, observation: &Observation, response: &Response<B>) {
        let Some(hop) = observation.hop() else { return };
        self.response_headers.capture(response.headers(), &self.hidden, hop, observation.call.is_some());
        // A layer around the router learns the route only now.
        self.priorities.record(hop, hop.route.get());
    }

    /// Runs the user's callback on the response.
    #[cold]
    pub(crate) fn response<B>(&self, observation: &Observation, response: Response<B>) -> Response<B> {
        let Some(say) = &self.on_response else { return response };
        let (parts, body) = response.into_parts();
        observation.say(|| say(&parts));
        Response::from_parts(parts, body)
    }

    /// Is the response to be shown to the user?
    #[inline]
    pub(crate) fn show_response(&self) -> bool {
        self.on_response.is_some()
    }
}

/// Looks at the head of a request. A request is large, so it stays where it is, and its head comes back to it.
pub(crate) fn with_parts<B, T>(request: &mut Request<B>, look: impl FnOnce(&request::Parts) -> T) -> T {
    let (mut parts, ()) = Request::new(()).into_parts();
    exchange(request, &mut parts);
    let result = look(&parts);
    exchange(request, &mut parts);
    result
}

fn exchange<B>(request: &mut Request<B>, parts: &mut request::Parts) {
    mem::swap(request.method_mut(), &mut parts.method);
    mem::swap(request.uri_mut(), &mut parts.uri);
    mem::swap(request.version_mut(), &mut parts.version);
    mem::swap(request.headers_mut(), &mut parts.headers);
    mem::swap(request.extensions_mut(), &mut parts.extensions);
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choices").finish_non_exhaustive()
    }
}

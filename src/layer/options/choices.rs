//! What a user may want told otherwise than it is: headers, fields from a request's parts, hidden paths, shown
//! queries, the span's name.
//!
//! All of it stands behind one pointer, so that a layer without any pays one branch.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Request, Response, request, response};

use super::ObservabilityLayer;
use super::headers::{Before, Headers};
use super::paths::{Hidden, Shown};
use crate::names::attribute;
use crate::record::{Hop, NameSpan, Piece, Route, Subject};
use crate::signals::Observation;
use crate::traces::redact_query;

/// Says something of a request or a response.
type Say<P> = Arc<dyn Fn(&P) + Send + Sync>;

/// What is told otherwise.
#[derive(Clone, Default)]
pub(crate) struct Choices {
    request_headers: Headers,
    response_headers: Headers,
    on_request: Option<Say<request::Parts>>,
    on_response: Option<Say<response::Parts>>,
    hidden: Hidden,
    shown: Shown,
    span_name: Option<NameSpan>,
}

impl<D> ObservabilityLayer<D> {
    /// Request headers that stand on the span and on the request's line, as `http.request.header.<name>`: a list of
    /// their values, which the line shows as one text; of a call of gRPC as `rpc.request.metadata.<name>`. Replaces an earlier list. Default: none. Variable: none.
    ///
    /// At most 32 names, 16 values of a name, 1,024 bytes of a value and 8 KiB of a request are kept; what was cut ends
    /// with `…`. Bytes that are no UTF-8 become U+FFFD. Of a secret listed by mistake (`authorization`, `cookie`,
    /// `x-api-key`, …), and of a value that is marked as sensitive, `REDACTED` is shown. In `referer`, `location` and
    /// `content-location` it stands for query values, credentials, and what [`redact_path`](Self::redact_path) hides.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let layer = ObservabilityLayer::new()
    ///     .capture_request_headers(["x-tenant", "accept-language"])
    ///     .capture_response_headers(["x-cache"]);
    /// ```
    pub fn capture_request_headers<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let before = Before { http: attribute::HTTP_REQUEST_HEADER, grpc: attribute::RPC_REQUEST_METADATA };
        let headers = Headers::new(before, names);
        self.choose(|choices| choices.request_headers = headers)
    }

    /// The same for the response's headers, as `http.response.header.<name>`, of gRPC `rpc.response.metadata.<name>`: those
    /// of its head, not of its trailers. Default: none. Variable: none.
    pub fn capture_response_headers<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let before = Before { http: attribute::HTTP_RESPONSE_HEADER, grpc: attribute::RPC_RESPONSE_METADATA };
        let headers = Headers::new(before, names);
        self.choose(|choices| choices.response_headers = headers)
    }

    /// Called within each request that is observed, before it is passed on: what it says by
    /// [`request::add`](crate::request::add) and the like is said of this request, and its lines have the request's
    /// ids. On the client's side it is said of the call. If it panics, the request goes on. Default: nothing is called.
    ///
    /// ```
    /// use tower_observability::{ObservabilityLayer, request};
    ///
    /// let layer = ObservabilityLayer::new().on_request(|parts| {
    ///     if let Some(host) = parts.uri.host().and_then(|host| host.split('.').next()) {
    ///         request::add("tenant", host.to_owned());
    ///     }
    /// });
    /// ```
    pub fn on_request(self, say: impl Fn(&request::Parts) + Send + Sync + 'static) -> Self {
        self.choose(|choices| choices.on_request = Some(Arc::new(say)))
    }

    /// The same with the head of the response, once it is there. An inner service that fails has none, nor has a
    /// request that was cancelled before. Default: nothing is called.
    ///
    /// ```
    /// use tower_observability::{ObservabilityLayer, Outcome, request};
    ///
    /// // A 404 of this service is no mistake of the client's.
    /// let layer = ObservabilityLayer::new().on_response(|parts| {
    ///     if parts.status == 404 {
    ///         request::outcome(Outcome::Ok);
    ///     }
    /// });
    /// ```
    pub fn on_response(self, say: impl Fn(&response::Parts) + Send + Sync + 'static) -> Self {
        self.choose(|choices| choices.on_response = Some(Arc::new(say)))
    }

    /// Shows `REDACTED` in the place of these parameters of a path, on the span, on every line and in `url.full`: those
    /// of the list, or all of them if it is empty. Can be called for many paths. Default: paths are shown as asked for.
    /// Variable: none.
    ///
    /// The pattern is written as a router's, `/reset/{token}` or `/files/{*rest}`, and compared with the path as this
    /// layer sees it: so it holds from the first line on, where the route is not known yet, for the client's side, and
    /// for paths that no route matches. Letter case, escapes and slashes too many make no difference. A longer path that
    /// begins like the pattern is covered; what stands behind is shown.
    ///
    /// What the service writes itself, such as a field with the token, is not changed.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let layer = ObservabilityLayer::new()
    ///     .redact_path("/users/{id}/reset/{token}", ["token"]) // the id stays
    ///     .redact_path("/share/{*rest}", []);
    /// ```
    pub fn redact_path<'a>(self, pattern: &str, parameters: impl IntoIterator<Item = &'a str>) -> Self {
        let parameters: Vec<_> = parameters.into_iter().map(str::to_owned).collect();
        self.choose(|choices| choices.hidden = std::mem::take(&mut choices.hidden).and(pattern, &parameters))
    }

    /// Keys of queries whose values `url.query` and `url.full` show. Keys compare with their letter case, and as they
    /// were sent. Replaces an earlier list. Default: none; each value is `REDACTED`. Variable: none.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let layer = ObservabilityLayer::new().show_query(["page", "sort"]).show_query_of("/search/{kind}", ["q"]);
    /// ```
    pub fn show_query<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.choose(|choices| choices.shown.everywhere(keys.into_iter().map(Into::into).collect()))
    }

    /// The same for one path, written as for [`redact_path`](Self::redact_path); a longer path is another one.
    pub fn show_query_of<K: Into<String>>(self, pattern: &str, keys: impl IntoIterator<Item = K>) -> Self {
        self.choose(|choices| choices.shown.on(pattern, keys.into_iter().map(Into::into).collect()))
    }

    /// What a request's span is called. Told is the method (`HTTP` where it is not a known one) and where the request
    /// goes: on the server's side its route, on the client's the host, of a gRPC call its method, such as
    /// `shop.Shop/Buy`; nothing else, so that names stay few. Called behind the request, for those that are sampled. An
    /// empty name, or a panic, is the default. Lines and metrics do not change. Default: `GET /users/{id}`, or
    /// the method where no route is known; of a gRPC call its method. Variable: none.
    ///
    /// ```
    /// use tower_observability::{ObservabilityLayer, side};
    ///
    /// let layer: ObservabilityLayer<side::Client> = ObservabilityLayer::client()
    ///     .span_name(|method, host| format!("{method} {}", host.unwrap_or("somewhere")));
    /// ```
    pub fn span_name(self, name: impl Fn(&str, Option<&str>) -> String + Send + Sync + 'static) -> Self {
        self.choose(|choices| choices.span_name = Some(NameSpan::new(name)))
    }

    fn choose(self, choose: impl FnOnce(&mut Choices)) -> Self {
        self.change(|options| choose(Arc::make_mut(options.choices.get_or_insert_default())))
    }
}

impl Choices {
    /// Completes a hop that begins: what is hidden of it is hidden before anybody sees it.
    #[cold]
    pub(crate) fn begin(&self, hop: &mut Hop, headers: &HeaderMap, route: Option<Route>, is_grpc: bool) {
        let route = route.map(Route::as_str);
        if let Subject::Http(http) = &mut hop.subject {
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

    /// Lets the user see the request before it is passed on.
    pub(crate) fn request<B>(&self, observation: &Observation, request: Request<B>) -> Request<B> {
        let Some(say) = &self.on_request else { return request };
        let (parts, body) = request.into_parts();
        observation.say(|| say(&parts));
        Request::from_parts(parts, body)
    }

    /// Takes over what is wanted of the response's head.
    #[cold]
    pub(crate) fn response<B>(&self, observation: &Observation, response: Response<B>) -> Response<B> {
        if let (false, Some(hop)) = (self.response_headers.is_empty(), observation.hop()) {
            let is_grpc = observation.call.is_some();
            self.response_headers.capture(response.headers(), &self.hidden, hop, is_grpc);
        }
        let Some(say) = &self.on_response else { return response };
        let (parts, body) = response.into_parts();
        observation.say(|| say(&parts));
        Response::from_parts(parts, body)
    }
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choices").finish_non_exhaustive()
    }
}

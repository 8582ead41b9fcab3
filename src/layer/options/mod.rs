//! The layer and its options.

mod choices;
mod headers;
mod health;
mod paths;
mod priority;

pub(crate) use choices::{Choices, with_parts};
pub use priority::Priority;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, OnceLock};

use http::{request, response};
use tracing::Span;

use self::headers::{Before, Headers};
use self::health::HealthPaths;
use super::side::{Client, Server, Side};
use crate::context::{listed_host, names_host};
use crate::names::attribute;
use crate::propagation::Proxies;
use crate::record::{NameSpan, guarded};
use crate::signals::Signals;

/// What a caller's trace context may do.
///
/// ```
/// use tower_observability::{ObservabilityLayer, Trust};
///
/// // A public edge: callers do not decide which of our traces are recorded.
/// let layer = ObservabilityLayer::new().trust(Trust::Link);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// The request continues the caller's trace, with the caller's decision whether it is recorded.
    #[default]
    Continue,
    /// The request starts a new trace that links to the caller's; the caller's `tracestate` and baggage are ignored.
    Link,
    /// The caller's trace context and baggage are not read.
    Ignore,
}

/// The tower layer: one hop for each request, from its first byte to its last.
///
/// A request that passes two of these layers is observed once: the inner layer recognises it by the current hop, the
/// method and the path. Two exceptions follow from that: behind something that calls its service from another task, such
/// as `tower::buffer`, the inner layer observes it again; and a service that calls itself in-process with the same
/// method and path suffix is observed once for both requests.
///
/// The request ends with the last byte or trailer of its response body, or, if the response has no body (HEAD, 204, 304,
/// 101, a successful CONNECT), with the response head. Over HTTP/2 hyper sends the body that such a response has all the
/// same, and the request ends with that. If it is dropped before, its outcome is `cancelled`; if it panics, `panic`, and the
/// panic continues. Errors, readiness, extensions and bodies pass through unchanged. `poll_ready`
/// belongs to no request.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_observability::ObservabilityLayer;
///
/// let app: Router = Router::new()
///     .route("/bookings/{id}", get(|| async { "booked" }))
///     .layer(ObservabilityLayer::new());
/// ```
///
/// The client's side goes around hyper-util's client, or any other service of HTTP requests:
///
/// ```
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::{Client, connect::HttpConnector};
/// use hyper_util::rt::TokioExecutor;
/// use tower::Layer;
/// use tower_observability::ObservabilityLayer;
///
/// let client: Client<HttpConnector, Empty<bytes::Bytes>> =
///     Client::builder(TokioExecutor::new()).build_http();
/// let client = ObservabilityLayer::client().layer(client);
/// ```
#[derive(Clone)]
#[must_use = "hand it to `.layer(…)`"]
pub struct ObservabilityLayer<D = Server> {
    pub(super) side: PhantomData<D>,
    pub(crate) signals: Option<&'static Signals>,
    // Shared by every clone of the service; `None` where nothing was changed, so that cloning is free.
    pub(crate) options: Option<Arc<Options>>,
}

/// Decides whether a request is observed.
type Filter = Arc<dyn Fn(&request::Parts) -> bool + Send + Sync>;

/// Creates the `tracing` span of a request.
type MakeSpan = Arc<dyn Fn() -> Span + Send + Sync>;

/// Everything that can be chosen for a layer.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) trust: Trust,
    pub(crate) proxies: Option<Proxies>,
    pub(crate) filter: Option<Filter>,
    pub(crate) health_paths: HealthPaths,
    pub(crate) request_span: Option<MakeSpan>,
    pub(crate) baggage_to: Vec<String>,
    pub(crate) no_context_to: Vec<String>,
    pub(crate) server_timing: bool,
    /// What is recorded beside the defaults, or hidden.
    pub(crate) choices: Option<Arc<Choices>>,
}

static UNCHANGED: LazyLock<Options> = LazyLock::new(Options::default);

/// The layer of the process's server: the first that was put around something.
static SERVING: OnceLock<ObservabilityLayer> = OnceLock::new();

impl ObservabilityLayer<Server> {
    /// A layer for servers. It reports to what [`init`](crate::init()) started; before that it passes requests on
    /// unobserved.
    pub fn new() -> Self {
        Self::unchanged()
    }

    /// It is put around something.
    pub(super) fn is_used(&self) {
        if self.signals.is_none() {
            SERVING.get_or_init(|| self.clone());
        }
    }

    /// The layer of the process's server, with its choices, if there is one.
    #[cfg(feature = "axum")]
    pub(crate) fn in_use() -> Option<Self> {
        SERVING.get().cloned()
    }

    /// What a caller's trace context may do. Default: [`Trust::Continue`].
    pub fn trust(self, trust: Trust) -> Self {
        self.change(|options| options.trust = trust)
    }

    /// Believes these proxies about the original request: `url.scheme`, `server.address`, `server.port` and
    /// `client.address` are then those of the client's request to the outermost of them. What they do not say, or what
    /// comes from elsewhere, is as without them. `network.peer.address` is always the connection's other end.
    ///
    /// Trust by address needs the peer's address: axum's `ConnectInfo<SocketAddr>`, from
    /// `into_make_service_with_connect_info::<SocketAddr>()`, or a `SocketAddr` among the request's extensions.
    ///
    /// Default: nobody is believed. Variable: `OBSERVABILITY_TRUSTED_PROXIES`, which replaces what is set here.
    ///
    /// ```
    /// use tower_observability::{ObservabilityLayer, propagation::Proxies};
    ///
    /// let layer = ObservabilityLayer::new().trusted_proxies(Proxies::at(["10.0.0.0/8"]).at_most(2));
    /// ```
    pub fn trusted_proxies(self, proxies: Proxies) -> Self {
        self.change(|options| options.proxies = Some(proxies))
    }

    /// Paths of health checks, whose requests are recorded only if they fail. Replaces the default: `/live`, `/livez`,
    /// `/ready`, `/readyz`, `/health`, `/healthz`, `/metrics`, `/-/healthy`, and gRPC's
    /// `/grpc.health.v1.Health/Check`. A path that ends with `/*` matches every path below it.
    pub fn health_paths<P: Into<String>>(self, paths: impl IntoIterator<Item = P>) -> Self {
        let paths = HealthPaths::new(paths.into_iter().map(Into::into).collect());
        self.change(|options| options.health_paths = paths)
    }

    /// States how urgent a failing route is: on the span and on the request's line as `observability.route.priority`, and
    /// for alerting rules as the series `observability_route_priority`. The route is written as in the router; for gRPC
    /// it is the method, `shop.Shop/Buy`. At most 500 routes. Default: nothing is shown, which rules read as
    /// [`Priority::Medium`]. Variable: none.
    ///
    /// ```
    /// use tower_observability::{ObservabilityLayer, Priority};
    ///
    /// let layer = ObservabilityLayer::new().priority("/bookings/{id}", Priority::High);
    /// ```
    pub fn priority(self, route: &str, priority: Priority) -> Self {
        self.choose(|choices| choices.priorities.state(route, priority))
    }

    /// Opens a real `tracing` span named `request` around each request, so that `Span::current()` and
    /// `in_current_span` work in your service. Default: no such span; events and spans inside the request have its
    /// context without it.
    ///
    /// It represents the request and adds no second span to the trace. It has no fields, and with `tracing` only
    /// declared fields can be recorded; see [`request_span_with`](Self::request_span_with).
    pub fn request_span(self) -> Self {
        self.request_span_with(|| tracing::info_span!(target: "tower_observability::request", "request"))
    }

    /// Opens the `tracing` span that `make` returns around each request, so that it can declare fields. A value recorded
    /// on it is on every later line within it, and on the request's own line and span, as with
    /// [`request::add`](crate::request::add). The span's name and level are not recorded; a level below INFO may be
    /// disabled by the filter. If `make` panics, the request goes on without such a span. Default: no such span.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    /// use tracing::field::Empty;
    ///
    /// let layer = ObservabilityLayer::new()
    ///     .request_span_with(|| tracing::info_span!("request", customer_id = Empty));
    /// // … and in a handler: tracing::Span::current().record("customer_id", 4711);
    /// ```
    pub fn request_span_with(self, make: impl Fn() -> Span + Send + Sync + 'static) -> Self {
        self.change(|options| options.request_span = Some(Arc::new(make)))
    }

    /// Adds the trace to each response: `server-timing: trace;desc=00-…`, beside what the service itself writes into
    /// that header. Browsers show it, so use it where callers may see trace ids. Default: off.
    pub fn server_timing(self) -> Self {
        self.change(|options| options.server_timing = true)
    }
}

impl<For> ObservabilityLayer<Client<For>> {
    /// A layer for clients: a span for each call, which carries `traceparent`, `tracestate` and `x-request-id`.
    ///
    /// Around a router of axum it does not compile, because a router serves requests:
    ///
    /// ```compile_fail,E0283
    /// use axum::Router;
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let app: Router = Router::new().layer(ObservabilityLayer::client()); // a server's is `ObservabilityLayer::new()`
    /// ```
    ///
    /// ```compile_fail,E0283
    /// use axum::Router;
    /// use tower::Layer;
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let app = ObservabilityLayer::client().layer(Router::<()>::new());
    /// ```
    ///
    /// Options of one side do not exist on the other:
    ///
    /// ```compile_fail,E0599
    /// tower_observability::ObservabilityLayer::client().trust(tower_observability::Trust::Link);
    /// ```
    ///
    /// ```compile_fail,E0599
    /// tower_observability::ObservabilityLayer::new().baggage_to([".internal"]);
    /// ```
    pub fn client() -> Self {
        Self::unchanged()
    }

    /// Hosts to which baggage is sent; `.example.org` and `*.example.org` mean all hosts below `example.org`, `*` every host;
    /// scheme, port and path are ignored. A `baggage`
    /// header on a call to any other host is removed, because a forwarding proxy may have copied it. Default: none.
    pub fn baggage_to<H: Into<String>>(self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.change(|options| options.baggage_to = listed(hosts))
    }

    /// Hosts to which neither trace context nor baggage nor request id is sent; such headers that a forwarding proxy
    /// copied are removed. Same syntax as [`baggage_to`](Self::baggage_to), over which it takes precedence. Default:
    /// none.
    pub fn no_context_to<H: Into<String>>(self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.change(|options| options.no_context_to = listed(hosts))
    }
}

fn listed<H: Into<String>>(hosts: impl IntoIterator<Item = H>) -> Vec<String> {
    hosts.into_iter().map(|host| listed_host(&host.into())).collect()
}

impl<D> ObservabilityLayer<D> {
    fn unchanged() -> Self {
        Self { side: PhantomData, signals: None, options: None }
    }

    /// Reports to these signals instead of the process's.
    pub(crate) fn with_core(mut self, signals: &'static Signals) -> Self {
        self.signals = Some(signals);
        self
    }

    /// Requests for which `observe` returns false are passed on unobserved; those for which it panics are observed. Default:
    /// every request is observed.
    pub fn filter(self, observe: impl Fn(&request::Parts) -> bool + Send + Sync + 'static) -> Self {
        let observe = move |parts: &request::Parts| guarded(|| observe(parts)).unwrap_or(true);
        self.change(|options| options.filter = Some(Arc::new(observe)))
    }

    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(self.options.get_or_insert_default()));
        self
    }
}

impl Default for ObservabilityLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The options of a layer, or the defaults.
    pub(crate) fn of(options: Option<&Arc<Options>>) -> &Options {
        match options {
            Some(options) => options,
            None => &UNCHANGED,
        }
    }

    /// Must the host see nothing of ours?
    #[inline]
    pub(crate) fn denies<'a>(&self, host: impl FnOnce() -> &'a str) -> bool {
        !self.no_context_to.is_empty() && names_host(&self.no_context_to, host())
    }

    /// May the host see our baggage, unless it must see nothing?
    #[inline]
    pub(crate) fn trusts<'a>(&self, host: impl FnOnce() -> &'a str) -> bool {
        !self.baggage_to.is_empty() && names_host(&self.baggage_to, host())
    }
}

impl<D: Side> fmt::Debug for ObservabilityLayer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservabilityLayer").field("is_client", &D::IS_CLIENT).finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl<D> ObservabilityLayer<D> {
    /// Records these request headers on the span and on the request's line, as `http.request.header.<name>` (for gRPC
    /// `rpc.request.metadata.<name>`): on the span a list of values, on the line one text. Replaces an earlier list.
    /// Default: none. Variable: none.
    ///
    /// At most 32 names, 16 values per name, 1,024 bytes per value and 8 KiB per request are kept; a cut value ends
    /// with `…`. Invalid UTF-8 becomes U+FFFD. A secret that was listed by mistake (a name with `authorization`, `cookie`,
    /// `token`, `api-key`, … in it, a value that begins with `Bearer` or `Basic`), and a value that is marked as sensitive,
    /// is shown as `REDACTED`. In values that are URLs or have some in them (`referer`, `location`, `link`, …), `REDACTED`
    /// replaces query values, credentials, and what
    /// [`redact_path`](Self::redact_path) hides.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let layer = ObservabilityLayer::new()
    ///     .capture_request_headers(["x-tenant", "accept-language"])
    ///     .capture_response_headers(["x-cache"]);
    /// ```
    pub fn capture_request_headers<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let before = Before {
            http: attribute::HTTP_REQUEST_HEADER,
            grpc: [attribute::RPC_REQUEST_METADATA, attribute::RPC_REQUEST_HEADER],
        };
        let headers = Headers::new(before, names);
        self.choose(|choices| choices.request_headers = headers)
    }

    /// Records these response headers, as `http.response.header.<name>` (for gRPC `rpc.response.metadata.<name>`), by
    /// the rules of [`capture_request_headers`](Self::capture_request_headers). Trailers are not captured. Default:
    /// none. Variable: none.
    pub fn capture_response_headers<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let before = Before {
            http: attribute::HTTP_RESPONSE_HEADER,
            grpc: [attribute::RPC_RESPONSE_METADATA, attribute::RPC_RESPONSE_HEADER],
        };
        let headers = Headers::new(before, names);
        self.choose(|choices| choices.response_headers = headers)
    }

    /// Calls `say` for each observed request before the service gets it. [`request::add`](crate::request::add) and all
    /// else in [`request`](crate::request) applies to this request there (on the client's side to the call), and log
    /// lines have its ids. If `say` panics, the request goes on. Default: nothing is called.
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

    /// Calls `say` with the response head of each observed request, before the caller gets it. As in
    /// [`on_request`](Self::on_request), all of [`request`](crate::request) can be used. Not called if the inner service
    /// fails or the request is cancelled first. Default: nothing is called.
    ///
    /// ```
    /// use tower_observability::{ObservabilityLayer, Outcome, request};
    ///
    /// // In this service a 404 is not an error.
    /// let layer = ObservabilityLayer::new().on_response(|parts| {
    ///     if parts.status == 404 {
    ///         request::outcome(Outcome::Ok);
    ///     }
    /// });
    /// ```
    pub fn on_response(self, say: impl Fn(&response::Parts) + Send + Sync + 'static) -> Self {
        self.choose(|choices| choices.on_response = Some(Arc::new(say)))
    }

    /// Replaces these path parameters by `REDACTED` on the span, on every line and in `url.full`: the listed ones, or
    /// all if the list is empty. Can be called for many paths. Default: paths are shown as requested. Variable: none.
    ///
    /// The pattern has the syntax of axum's routes, `/reset/{token}` or `/files/{*rest}`, and is matched against the
    /// path as this layer sees it. So it also applies before the route is known, on the client's side, and to paths
    /// that no route matches. Letter case, percent-encoding and repeated slashes make no difference. A longer path that
    /// begins with the pattern is redacted as well; the rest of it is shown.
    ///
    /// What the service itself logs, such as a field with the token, is not changed.
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

    /// Shows the values of these query keys in `url.query` and `url.full`. Keys are compared as sent, case-sensitively.
    /// Replaces an earlier list. Default: none; every value is `REDACTED`. Variable: none.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    ///
    /// let layer = ObservabilityLayer::new().show_query(["page", "sort"]).show_query_of("/search/{kind}", ["q"]);
    /// ```
    pub fn show_query<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.choose(|choices| choices.shown.everywhere(keys.into_iter().map(Into::into).collect()))
    }

    /// Shows the values of these query keys for one path only. The pattern has the syntax of
    /// [`redact_path`](Self::redact_path) and must match the whole path. Default: none. Variable: none.
    pub fn show_query_of<K: Into<String>>(self, pattern: &str, keys: impl IntoIterator<Item = K>) -> Self {
        self.choose(|choices| choices.shown.on(pattern, keys.into_iter().map(Into::into).collect()))
    }

    /// Names the span of each request. `name` gets the method (`HTTP` if it is not a known one) and the target: the
    /// route on the server's side, the host on the client's, for gRPC the method, such as `shop.Shop/Buy`. It gets nothing
    /// else, so that the number of names stays small. It is called after the request has ended, and only if the request
    /// is sampled. If it returns an empty name or panics, the default is used. Lines and metrics do not change.
    /// Default: `GET /users/{id}`, or the method if no route is known; for gRPC its method. Variable: none.
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

//! The begin of a request that we serve: what is read from it, and whose trace it joins.

use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Uri};

use super::grpc;
use super::options::{Options, Trust};
use super::route;
use super::twice::is_observed;
use crate::clock::Moment;
use crate::context::{RequestId, TraceContext};
use crate::names::header;
use crate::propagation::{KnownHeaders, Original, Remote};
use crate::record::{Detailed, Hop, Http, Kind, RouteCell, Subject, host_and_port_of};
use crate::signals::{Observation, Signals};

/// Begins the hop of a request; `None` if an outer layer did.
pub(super) fn begin<B>(
    signals: &'static Signals,
    options: &Options,
    request: &Request<B>,
) -> Option<Observation> {
    if is_observed(Kind::Server, request) {
        return None;
    }
    let start = Moment::now();
    let path = request.uri().path();
    let asked = Asked { signals, options, request, path, start, known: KnownHeaders::of(request.headers()) };
    let alone =
        signals.propagators.read_trace_alone(&asked.known).filter(|_| options.trust == Trust::Continue);
    let hop = match alone {
        Some(parent) => signals.hop_in(parent, Kind::Server, start, |hop| asked.describe(hop)),
        None => asked.with_more(),
    };
    if signals.spans.peers().is_some() && options.trust == Trust::Continue {
        meet_peer(signals, &hop, request.headers());
    }
    let mut observation = Observation::begin_as(signals, hop, options.health_paths.contains(path));
    observation.tells_trace = options.server_timing;
    if asked.may_be_grpc() {
        let route = route::matched(request.extensions());
        observation.is_call(grpc::deadline(request.headers(), start), route);
    }
    if let Some(make) = &options.request_span {
        observation.open_span(&**make);
    }
    Some(observation)
}

/// The caller says where it is told that the trace is kept.
#[cold]
fn meet_peer(signals: &Signals, hop: &Hop, headers: &HeaderMap) {
    if let Some(address) = headers.get(header::PEER) {
        signals.join(hop, address.as_bytes());
    }
}

/// What is read from a request.
struct Asked<'a, B> {
    signals: &'static Signals,
    options: &'a Options,
    request: &'a Request<B>,
    path: &'a str,
    start: Moment,
    known: KnownHeaders<'a>,
}

impl<B> Asked<'_, B> {
    /// A hop that takes more over than its place in the trace, or less.
    // What is large and mostly empty is moved here only.
    #[inline(never)]
    fn with_more(&self) -> Arc<Hop> {
        let mut remote = self.signals.propagators.read_headers(&self.known, self.request.headers());
        let foreign = distrust(self.options.trust, &mut remote);
        self.signals.hop(remote, Kind::Server, self.start, |hop| {
            hop.links.extend(foreign);
            self.describe(hop);
        })
    }

    /// Its answer will tell: anybody may write this header.
    #[inline]
    fn may_be_grpc(&self) -> bool {
        *self.request.method() == Method::POST && grpc::is_content(self.known.content_type)
    }

    #[inline]
    fn describe(&self, hop: &mut Hop) {
        let Self { signals, options, request, start, known, .. } = self;
        if signals.propagators.request_id {
            // Any caller may give the request its id, trusted or not.
            let named = signals.propagators.read_request_id(known);
            hop.request_id = Some(named.unwrap_or_else(|| RequestId::make(start.unix_nanos() / 1_000_000)));
        }
        let route = route::matched(request.extensions());
        // A call of gRPC has its method.
        if !self.may_be_grpc() {
            hop.route = RouteCell::new(route);
        }
        // A route that is observed in detail may become known later.
        let recorded =
            signals.spans.records(hop.trace.flags) || signals.spans.is_on() && Detailed::now().is_some();
        if let Subject::Http(http) = &mut hop.subject {
            http.begin(request);
            let original = self.original();
            if let Some(Original { client, scheme, .. }) = original {
                http.client = client;
                http.scheme = scheme.unwrap_or(http.scheme);
            }
            let host = original.and_then(|original| original.host);
            http.names_client = signals.lines.name_the_client();
            if signals.lines.names_request_size() {
                http.request_bytes = length(request.headers());
            }
            self.copy(http, recorded || http.names_client, host);
        }
        hop.route_is_known();
        if let Some(choices) = &options.choices {
            choices.priorities.expose(&signals.red);
            choices.begin(hop, request.headers(), route, false);
        }
    }

    /// What trusted proxies say of the request. The environment's proxies go before those of the code.
    #[inline]
    fn original(&self) -> Option<Original<'_>> {
        let proxies = self.signals.proxies.as_ref().or(self.options.proxies.as_ref())?;
        let peer = route::peer(self.request.extensions());
        proxies.original(peer.map(|peer| peer.ip()), self.request.headers())
    }

    /// Copies what span and line need. `whole`: not only what every line shows, but what a span does, and a line that names
    /// the client. `host` is what the client asked a proxy for.
    fn copy(&self, http: &mut Http, whole: bool, host: Option<&[u8]>) {
        let Self { request, known, .. } = self;
        let path = if self.path.is_empty() { tunnel(request.uri()) } else { self.path }.as_bytes();
        let sent = http.unknown_method(request.method()).as_bytes();
        if !whole {
            return http.set([path, b"", b"", b"", sent]);
        }
        let uri = request.uri();
        let host = match (host, uri.authority()) {
            (None, Some(authority)) => {
                let (host, port) = host_and_port_of(authority);
                http.port = port;
                host.as_bytes()
            }
            (host, _) => {
                http.host_as_sent = true;
                host.or_else(|| known.host.only()).unwrap_or_default()
            }
        };
        let query = uri.query().unwrap_or_default().as_bytes();
        http.set([path, query, host, known.user_agent.only().unwrap_or_default(), sent]);
        http.peer = route::peer(request.extensions());
    }
}

/// Where the tunnel leads that is asked for: a CONNECT has that in the place of a path.
#[cold]
fn tunnel(uri: &Uri) -> &str {
    let authority = uri.authority().map_or("", Authority::as_str);
    // Without the credentials before it.
    authority.rsplit_once('@').map_or(authority, |(_, target)| target)
}

/// How long a body is, if its head says so.
#[cold]
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// Takes away what of a stranger's context the hop does not continue; returns what it links to instead.
fn distrust(trust: Trust, remote: &mut Remote) -> Option<TraceContext> {
    if trust == Trust::Continue {
        return None;
    }
    // A caller that only says "do not sample" (B3) sends no ids.
    let foreign = remote.trace.filter(|trace| trust == Trust::Link && !trace.flags.is_invented());
    *remote = Remote::default();
    foreign
}

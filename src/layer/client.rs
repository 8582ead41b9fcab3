//! Owns the begin of a call that we make: its span, and the headers that carry the context on.

use http::Request;
use http::header::HOST;

use super::options::{Options, names_host};
use super::server::destination;
use super::twice::is_observed;
use crate::clock::Moment;
use crate::context::Tracestate;
use crate::hop::{Core, Observation};
use crate::propagation::Outgoing;
use crate::scope::{Current, Hop, Http, Kind, Piece, Scheme, Subject, current, unknown_method};

/// Begins the hop of a call and writes its context onto the request; `None` if an outer layer did.
pub(super) fn begin<B>(
    core: &'static Core,
    options: &Options,
    request: &mut Request<B>,
) -> Option<Observation> {
    if is_observed(Kind::Client, request) {
        return None;
    }
    let hop = below(core, current(), facts(request));
    inject(core, options, &hop, request);
    Some(Observation::begin(core, hop))
}

/// The call's place: below whatever is current, else at the root of a trace of its own.
fn below(core: &Core, current: Option<Current>, http: Http) -> Hop {
    let start = Moment::now();
    let parent = current.as_ref().map(|current| current.trace);
    let caller = current.as_ref().and_then(|current| current.hop.as_deref());
    let tracestate = caller.map_or_else(Tracestate::default, |caller| caller.tracestate.clone());
    let (trace, tracestate) = core.place(parent, false, tracestate);
    let mut hop = Hop::new(trace, Kind::Client, start, Subject::Http(http));
    hop.parent = parent.map(|parent| parent.span_id);
    hop.tracestate = tracestate;
    if let Some(caller) = caller {
        hop.baggage = caller.baggage.clone();
        hop.request_id = caller.request_id.clone();
    }
    hop
}

fn facts<B>(request: &Request<B>) -> Http {
    let uri = request.uri();
    let scheme = if uri.scheme_str() == Some("https") { Scheme::Https } else { Scheme::Http };
    let (host, port) = destination(uri, request.headers().get(HOST)).unwrap_or_default();
    let (query, sent) = (uri.query().unwrap_or_default(), unknown_method(request.method()));
    let pieces = [uri.path().as_bytes(), query.as_bytes(), host, b"", sent.as_bytes()];
    let mut http = Http::new(request.method().into(), scheme, request.version().into(), pieces);
    http.port = Some(port.unwrap_or(if scheme == Scheme::Https { 443 } else { 80 }));
    http
}

fn inject<B>(core: &Core, options: &Options, hop: &Hop, request: &mut Request<B>) {
    let host = hop.http().map_or("", |http| http.piece(Piece::Host));
    let denied = names_host(&options.no_context_to, host);
    let trusted = !denied && names_host(&options.baggage_to, host);
    let outgoing = Outgoing {
        trace: (!denied).then_some(hop.trace),
        tracestate: &hop.tracestate,
        baggage: trusted.then_some(&hop.baggage),
        request_id: hop.request_id.as_ref().filter(|_| !denied),
    };
    core.propagators.write_headers(request.headers_mut(), outgoing);
}

//! The begin of a call that we make: its span, and the headers that carry the context on.

use std::sync::Arc;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request};

use super::attempts::{self, Attempt};
use super::grpc;
use super::options::Options;
use super::twice::{is_observed, is_this};
use crate::clock::Moment;
use crate::current::{Current, current, top_hop};
use crate::names::header;
use crate::propagation::OutgoingContext;
use crate::record::{Hop, Http, KeepReason, Kind, Piece, Subject, host_and_port, host_and_port_of};
use crate::signals::{Observation, Signals};
use crate::traces::Peers;

/// Begins the hop of a call and writes its context onto the request; `None` if an outer layer did.
pub(super) fn begin<B>(
    signals: &'static Signals,
    options: &Options,
    request: &mut Request<B>,
) -> Option<Observation> {
    let here = current();
    let within = here.as_ref().and_then(|here| here.hop.as_deref());
    if within.map_or_else(|| is_observed(Kind::Client, request), |hop| is_this(hop, Kind::Client, request)) {
        return None;
    }
    let (attempt, is_grpc) =
        (attempts::next(request.extensions(), request.headers()), grpc::is_call(request));
    let hop = open(signals, here.as_ref(), attempt, |hop| {
        if let Subject::Http(http) = &mut hop.subject {
            http.begin(request);
            describe(http, request);
        }
        if let Some(choices) = &options.choices {
            choices.begin(hop, request.headers(), None, is_grpc);
        }
    });
    inject(signals, options, &hop, request.headers_mut());
    let start = hop.start;
    let mut observation = Observation::begin(signals, hop);
    if is_grpc {
        observation.is_call(grpc::deadline(request.headers(), start), None);
    }
    Some(observation)
}

/// Makes the hop of a call, which `describe` fills.
#[inline]
pub(crate) fn open(
    signals: &'static Signals,
    here: Option<&Current>,
    attempt: Option<Attempt>,
    describe: impl FnOnce(&mut Hop),
) -> Arc<Hop> {
    let hop = signals.hop_below(here, Kind::Client, Moment::now(), describe);
    if let Some(attempt) = attempt {
        attempt.begins(signals, &hop);
    }
    hop
}

/// Copies what span and line need.
fn describe<B>(http: &mut Http, request: &Request<B>) {
    let (host, port) = destination(request).unwrap_or_default();
    http.port = Some(port.unwrap_or(http.scheme.default_port()));
    let (uri, sent) = (request.uri(), http.unknown_method(request.method()));
    let query = uri.query().unwrap_or_default();
    http.set([uri.path(), query, host, "", sent].map(str::as_bytes));
}

/// Where the call goes: what its URI says, else `Host`.
fn destination<B>(request: &Request<B>) -> Option<(&str, Option<u16>)> {
    if let Some(authority) = request.uri().authority() {
        return Some(host_and_port_of(authority));
    }
    let mut sent = request.headers().get_all(HOST).into_iter();
    // Of two, either may be what the other side takes.
    let host = sent.next().filter(|_| sent.next().is_none())?;
    host_and_port(std::str::from_utf8(host.as_bytes()).ok()?)
}

/// Writes the hop's context onto the call, as far as its host may see it.
#[inline]
pub(crate) fn inject(signals: &Signals, options: &Options, hop: &Hop, headers: &mut HeaderMap) {
    let host = || hop.http().map_or("", |http| http.piece(Piece::Host));
    let denied = options.denies(host);
    let trusted = !denied && options.trusts(host);
    let outgoing = OutgoingContext {
        trace: (!denied).then_some(hop.trace),
        tracestate: &hop.tracestate,
        baggage: trusted.then_some(&hop.baggage),
        request_id: hop.request_id.as_ref().filter(|_| !denied),
    };
    signals.propagators.write_headers(headers, outgoing);
    if signals.spans.peers().is_some() {
        name_ourselves(signals, hop, host(), headers);
    }
}

/// Says to a peer where we are told that the trace is kept. To others nothing is said, nor what our caller has said.
#[cold]
fn name_ourselves(signals: &Signals, hop: &Hop, host: &str, headers: &mut HeaderMap) {
    let own =
        signals.spans.peers().filter(|peers| hop.kept.is_held() && peers.trusts(host)).and_then(Peers::own);
    match own.and_then(|own| HeaderValue::from_str(own).ok()) {
        Some(own) => drop(headers.try_insert(header::PEER, own)),
        None => drop(headers.remove(header::PEER)),
    }
}

/// What a peer's response says: where it is told that the trace is kept, and whether it is.
#[cold]
pub(super) fn meet_peer(signals: &Signals, hop: &Hop, headers: &HeaderMap) {
    let host = hop.http().map_or("", |http| http.piece(Piece::Host));
    let Some(peers) = signals.spans.peers().filter(|peers| hop.kept.is_held() && peers.trusts(host)) else {
        return;
    };
    let said = headers.get(header::PEER).and_then(|said| peers.read_response(said.as_bytes()));
    let Some((peer, is_kept)) = said else { return };
    hop.notes().get_or_insert_default().peer = Some(peer);
    if is_kept {
        hop.keep(KeepReason::Peer);
        // What the caller does from now on belongs to it as well.
        top_hop(|caller| caller.keep(KeepReason::Peer));
    }
}

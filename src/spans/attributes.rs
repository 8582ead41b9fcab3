//! Owns what a hop's span says: name, attributes and status by the semantic conventions.

mod rpc;

use std::borrow::Cow;

use super::finished::{Attributes, within};
use super::{Finished, Limits, Status, redact};
use crate::names::attribute as name;
use crate::scope::{End, Hop, Http, Kind, Method, Notes, Piece, Rpc, Subject, Work, address, stacktrace};

/// The span of a hop; `None` if it has not ended.
pub(super) fn of_hop(hop: &Hop, limits: &Limits) -> Option<Finished> {
    let end = hop.end()?;
    let name = span_name(hop, end.rpc);
    let notes = hop.notes();
    let mut attributes = Attributes::new(limits);
    match &hop.subject {
        Subject::Http(http) => match end.rpc {
            Some(call) => {
                rpc::call(&mut attributes, hop, http, call);
                network(&mut attributes, http);
            }
            None if hop.kind == Kind::Client => client(&mut attributes, http),
            None => server(&mut attributes, hop, http),
        },
        Subject::Work(work) => messaging(&mut attributes, hop.kind, work),
    }
    ending(&mut attributes, hop, &end);
    let mut dropped_before = 0;
    if let Some(notes) = notes.as_deref() {
        said(&mut attributes, notes);
        dropped_before = notes.fields_dropped;
    }
    let (attributes, attributes_dropped) = attributes.done(dropped_before);
    let (links, links_dropped) = within(&hop.links, limits.links);
    Some(Finished {
        name,
        kind: hop.kind,
        trace: hop.trace,
        tracestate: hop.tracestate.clone(),
        parent: hop.parent,
        parent_is_remote: hop.parent_is_remote,
        attributes,
        attributes_dropped,
        status: status(!end.error_type.is_none(), notes.as_deref()),
        links,
        links_dropped,
        start: hop.start,
        end: end.at,
    })
}

/// `{method} {route}`, or the method alone; never the path. An unknown method is `HTTP`; a gRPC call is its method.
fn span_name(hop: &Hop, rpc: Option<Rpc>) -> Cow<'static, str> {
    let http = match &hop.subject {
        Subject::Work(work) => return work.name.clone(),
        Subject::Http(http) => http,
    };
    let method = if http.method == Method::Other { "HTTP" } else { http.method.as_str() };
    let route = hop.route.get().filter(|_| hop.kind == Kind::Server).map(|route| route.as_str());
    // Cloned, because the user's code is called, and must not meet a lock of ours.
    let chosen = hop.notes().as_ref().and_then(|notes| notes.span_name.clone());
    let rpc = rpc.map(rpc::span_name);
    let to = || match (&rpc, route) {
        (Some(rpc), _) => Some(&**rpc),
        (None, Some(route)) => Some(route),
        (None, None) => (hop.kind == Kind::Client).then(|| address(http.piece(Piece::Host))),
    };
    if let Some(name) = chosen.and_then(|chosen| chosen.name(method, to())) {
        return Cow::Owned(name);
    }
    match (rpc, route) {
        (Some(rpc), _) => rpc,
        (None, Some(route)) => Cow::Owned([method, " ", route].concat()),
        (None, None) => Cow::Borrowed(method),
    }
}

fn server(attributes: &mut Attributes, hop: &Hop, http: &Http) {
    method(attributes, http);
    attributes.set(name::URL_PATH, http.piece(Piece::Path).to_owned());
    attributes.set(name::URL_SCHEME, http.scheme.as_str());
    attributes.text(name::URL_QUERY, &query(http));
    if let Some(route) = hop.route.get() {
        attributes.set(name::HTTP_ROUTE, route.as_str());
    }
    let (host, port) = http.destination();
    let host = address(host);
    attributes.text(name::SERVER_ADDRESS, host);
    if let (Some(port), false) = (port, host.is_empty()) {
        attributes.set(name::SERVER_PORT, port);
    }
    if let Some(peer) = http.peer {
        attributes.set(name::CLIENT_ADDRESS, peer.ip().to_string());
    }
    network(attributes, http);
    attributes.text(name::USER_AGENT_ORIGINAL, http.piece(Piece::UserAgent));
}

fn client(attributes: &mut Attributes, http: &Http) {
    method(attributes, http);
    attributes.set(name::SERVER_ADDRESS, address(http.piece(Piece::Host)).to_owned());
    attributes.set(name::SERVER_PORT, http.port.unwrap_or(http.scheme.default_port()));
    attributes.set(name::URL_FULL, full_url(http));
    network(attributes, http);
}

fn method(attributes: &mut Attributes, http: &Http) {
    attributes.set(name::HTTP_REQUEST_METHOD, http.method.as_str());
    attributes.text(name::HTTP_REQUEST_METHOD_ORIGINAL, http.piece(Piece::Method));
}

fn network(attributes: &mut Attributes, http: &Http) {
    attributes.set(name::NETWORK_PROTOCOL_VERSION, http.version.as_str());
    if let Some(peer) = http.peer {
        attributes.set(name::NETWORK_PEER_ADDRESS, peer.ip().to_string());
        attributes.set(name::NETWORK_PEER_PORT, peer.port());
    }
}

/// The query as it may be shown.
fn query(http: &Http) -> Cow<'_, str> {
    let query = http.piece(Piece::Query);
    if http.query_as_shown { query.into() } else { redact::query(query, |_| false).into() }
}

fn full_url(http: &Http) -> String {
    let host = address(http.piece(Piece::Host));
    let mut url = format!("{}://", http.scheme.as_str());
    if host.contains(':') {
        url.extend(["[", host, "]"]);
    } else {
        url.push_str(host);
    }
    if let Some(port) = http.port.filter(|port| *port != http.scheme.default_port()) {
        url.extend([":", itoa::Buffer::new().format(port)]);
    }
    url.push_str(http.piece(Piece::Path));
    let query = query(http);
    if !query.is_empty() {
        url.extend(["?", &query]);
    }
    url
}

fn messaging(attributes: &mut Attributes, kind: Kind, work: &Work) {
    if let Some(system) = &work.system {
        attributes.set(name::MESSAGING_SYSTEM, system.clone());
        let operation = match kind {
            Kind::Producer => "send",
            Kind::Client => "receive",
            Kind::Consumer | Kind::Internal | Kind::Server => "process",
        };
        attributes.set(name::MESSAGING_OPERATION_NAME, operation);
        attributes.set(name::MESSAGING_OPERATION_TYPE, operation);
    }
    if let Some(destination) = &work.destination {
        attributes.set(name::MESSAGING_DESTINATION_NAME, destination.clone());
    }
}

fn ending(attributes: &mut Attributes, hop: &Hop, end: &End) {
    if let (Some(status), Subject::Http(_)) = (end.status, &hop.subject) {
        attributes.set(name::HTTP_RESPONSE_STATUS_CODE, status);
    }
    // The hop decided it, the same for span and metric; with it, the span failed.
    end.error_type.with_str(|text| attributes.text(name::ERROR_TYPE, text));
    attributes.set(name::OUTCOME, end.outcome.as_str());
    if let Some(id) = &hop.request_id {
        attributes.text(name::REQUEST_ID, id.as_str());
    }
    if let Some(first) = end.first_byte {
        attributes.set(name::TTFB_MS, first.since(hop.start).as_nanos() as f64 / 1e6);
    }
}

/// What the user said from below the layer.
fn said(attributes: &mut Attributes, notes: &Notes) {
    if let Some((error, sources)) = notes.error.as_deref().and_then(<[_]>::split_first) {
        attributes.text(name::EXCEPTION_MESSAGE, error);
        if !sources.is_empty() {
            attributes.set(name::EXCEPTION_STACKTRACE, stacktrace(error, sources));
        }
    }
    attributes.fields(&notes.fields);
}

/// No description where the attributes say it all; else the error that the user noted.
fn status(failed: bool, notes: Option<&Notes>) -> Status {
    if !failed {
        return Status::Unset;
    }
    let error = notes.and_then(|notes| notes.error.as_deref()?.first());
    Status::Error(error.cloned().unwrap_or_default().into())
}

#[cfg(test)]
mod tests;

//! The span of a hop: name, attributes and status by the semantic conventions.

mod message;
mod network;
mod query;
mod rpc;

use std::borrow::Cow;

pub(super) use self::rpc::span_name as rpc_span_name;

use self::network::{client_address, destination, network, peer};
use super::redact;
use super::span_writer::{Attributes, Limits, Name, Outline, SpanWriter, Status};
use crate::names::attribute as name;
use crate::record::{
    Detail, End, Hop, Http, Kind, Method, NameSpan, Notes, Piece, Rpc, Subject, address, stacktrace,
};

/// Writes the span of a hop; false, and nothing is written, if it has not ended.
pub(super) fn write(hop: &Hop, limits: &Limits, writer: &mut impl SpanWriter) -> bool {
    let Some((end, mut notes)) = hop.ended() else { return false };
    let mut name = usual_name(hop, end.rpc);
    if let Some(chosen) = notes.as_ref().and_then(|notes| notes.span_name.clone()) {
        // The user's code is called, and must not meet a lock of ours.
        drop(notes);
        name = chosen_name(&chosen, hop, end.rpc).unwrap_or(name);
        notes = hop.notes();
    }
    let notes = notes.as_deref();
    let (links, links_dropped) = limits.links(&hop.links, hop.links_dropped);
    let tracestate = hop.tracestate_now();
    let outline = Outline {
        name,
        kind: hop.kind,
        trace: hop.trace_now(),
        tracestate: &tracestate,
        parent: hop.parent,
        parent_is_remote: hop.parent_is_remote,
        status: status(!end.error_type.is_none(), notes),
        links,
        links_dropped,
        start: hop.start,
        end: end.at,
    };
    let mut attributes = Attributes::begin(writer, &outline, limits, notes.is_some());
    subject(&mut attributes, hop, &end);
    ending(&mut attributes, hop, &end);
    if let Some(reason) = hop.kept.reason() {
        let asked = notes.and_then(|notes| notes.keep_for.as_deref());
        attributes.text(name::KEPT, asked.unwrap_or(reason.as_str()));
    }
    if let Some(notes) = notes {
        said(&mut attributes, notes);
    }
    attributes.end(&outline, notes.map_or(0, |notes| notes.fields_dropped));
    true
}

/// `{method} {route}`, or the method alone; never the path. An unknown method is `HTTP`; a gRPC call is its method.
#[inline]
fn usual_name(hop: &Hop, rpc: Option<Rpc>) -> Name<'_> {
    match (&hop.subject, rpc) {
        (Subject::Work(work), _) => Name::One((&*work.name).into()),
        (Subject::Http(_), Some(rpc)) => Name::One(rpc::span_name(rpc).into()),
        (Subject::Http(http), None) => match route(hop) {
            Some(route) => Name::Two(method_name(http), route),
            None => Name::One(method_name(http).into()),
        },
    }
}

/// The name that the user's code makes of the method and of where the request goes.
#[cold]
fn chosen_name(chosen: &NameSpan, hop: &Hop, rpc: Option<Rpc>) -> Option<Name<'static>> {
    let http = hop.http()?;
    let host = || (hop.kind == Kind::Client).then(|| address(http.piece(Piece::Host)));
    let to = rpc.map(rpc::span_name).or_else(|| route(hop)).or_else(host);
    chosen.name(method_name(http), to).map(|name| Name::One(name.into()))
}

fn method_name(http: &Http) -> &'static str {
    if http.method == Method::Other { "HTTP" } else { http.method.as_str() }
}

/// A server's route.
fn route(hop: &Hop) -> Option<&'static str> {
    hop.route.get().filter(|_| hop.kind == Kind::Server).map(|route| route.as_str())
}

#[inline]
fn subject(attributes: &mut Attributes<'_, impl SpanWriter>, hop: &Hop, end: &End) {
    match &hop.subject {
        Subject::Http(http) => match end.rpc {
            Some(call) => {
                rpc::call(attributes, hop, http, call);
                network(attributes, http, peer(http));
            }
            None if hop.kind == Kind::Client => client(attributes, http),
            None => server(attributes, hop, http),
        },
        Subject::Work(work) => match &work.detail {
            Detail::Query(query) => query::query(attributes, work, query),
            Detail::Job | Detail::Message(_) => message::message(attributes, hop.kind, work),
        },
    }
}

#[inline]
fn server(attributes: &mut Attributes<'_, impl SpanWriter>, hop: &Hop, http: &Http) {
    method(attributes, http);
    // A CONNECT has no path, but the target of a tunnel in its place.
    if !http.is_connect() || http.path().starts_with(b"/") {
        attributes.text(name::URL_PATH, http.path());
    }
    attributes.text(name::URL_SCHEME, http.scheme.as_str());
    attributes.known(name::URL_QUERY, &*query(http));
    if let Some(route) = hop.route.get() {
        attributes.text(name::HTTP_ROUTE, route.as_str());
    }
    destination(attributes, http);
    let peer = peer(http);
    client_address(attributes, http, peer.as_ref());
    network(attributes, http, peer);
    attributes.known(name::USER_AGENT_ORIGINAL, http.text(Piece::UserAgent));
}

#[inline]
fn client(attributes: &mut Attributes<'_, impl SpanWriter>, http: &Http) {
    method(attributes, http);
    attributes.text(name::SERVER_ADDRESS, address(http.piece(Piece::Host)));
    attributes.number(name::SERVER_PORT, http.port.unwrap_or(http.scheme.default_port()));
    attributes.text(name::URL_FULL, full_url(http));
    network(attributes, http, peer(http));
}

#[inline]
fn method(attributes: &mut Attributes<'_, impl SpanWriter>, http: &Http) {
    attributes.text(name::HTTP_REQUEST_METHOD, http.method.as_str());
    attributes.known(name::HTTP_REQUEST_METHOD_ORIGINAL, http.text(Piece::Method));
}

/// The query as it may be shown.
fn query(http: &Http) -> Cow<'_, str> {
    let query = http.piece(Piece::Query);
    if http.query_as_shown || query.is_empty() {
        query.into()
    } else {
        redact::query(query, |_| false).into()
    }
}

fn full_url(http: &Http) -> String {
    let host = address(http.piece(Piece::Host));
    let mut url = String::with_capacity(128);
    url.extend([http.scheme.as_str(), "://"]);
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

#[inline]
fn ending(attributes: &mut Attributes<'_, impl SpanWriter>, hop: &Hop, end: &End) {
    if let (Some(status), Subject::Http(_)) = (end.status, &hop.subject) {
        attributes.number(name::HTTP_RESPONSE_STATUS_CODE, status);
    }
    // The hop decided it, the same for span and metric; with it, the span failed.
    end.error_type.with_str(|text| attributes.known(name::ERROR_TYPE, text));
    attributes.text(name::OUTCOME, end.outcome.as_str());
    if let Some(id) = &hop.request_id {
        attributes.known(name::REQUEST_ID, id.as_bytes());
    }
    if let Some(first) = end.first_byte {
        attributes.float(name::TTFB_MS, first.nanos_since(hop.start) as f64 / 1e6);
    }
}

/// What the user added from below the layer.
#[cold]
fn said(attributes: &mut Attributes<'_, impl SpanWriter>, notes: &Notes) {
    if let Some((error, sources)) = notes.error.as_deref().and_then(<[_]>::split_first) {
        attributes.known(name::EXCEPTION_MESSAGE, error);
        if !sources.is_empty() {
            attributes.text(name::EXCEPTION_STACKTRACE, stacktrace(error, sources));
        }
    }
    // What did not fail has no `error.type` (semantic conventions, "recording errors"), even if the user sets it.
    attributes.fields(&notes.fields, Some(name::ERROR_TYPE));
}

/// No description where the attributes say it all; else the error that the user noted.
#[inline]
fn status(failed: bool, notes: Option<&Notes>) -> Status<'_> {
    if !failed {
        return Status::Unset;
    }
    let error = notes.and_then(|notes| notes.error.as_deref()?.first());
    Status::Error(error.map_or("", |error| error).into())
}

#[cfg(test)]
mod tests;

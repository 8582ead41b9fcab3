//! The way from what waits in the queue to a record in plain words, by the semantic conventions.

use super::entry::{Attributes, Entry};
use super::{Event, Record};
use crate::logs::line;
use crate::names::{attribute as name, event};
use crate::record::{End, Hop, Http, Kind, Method, Notes, Piece, address, stacktrace};

impl Entry {
    /// The entry of a record; `None` for a hop that has not ended.
    pub(super) fn of(record: &Record) -> Option<Self> {
        match record {
            Record::Hop(hop) => Some(of_hop(hop, &hop.end()?)),
            Record::Event(event) => Some(of_event(event)),
        }
    }
}

fn of_event(event: &Event) -> Entry {
    let mut attributes = Attributes::default();
    if let Some(hop) = &event.hop {
        request(&mut attributes, hop);
    }
    if let Some((file, line)) = &event.origin {
        attributes.set(name::CODE_FILE_PATH, file.clone());
        attributes.set(name::CODE_LINE_NUMBER, *line);
    }
    event.said.iter().for_each(|(name, value)| attributes.field(name, value));
    let of_spans = event.spans.iter().flat_map(|fields| fields.iter());
    of_spans.for_each(|(name, value)| attributes.field(name, value.clone()));
    Entry {
        at: event.at,
        severity: event.severity,
        event: event.name,
        scope: event.target.clone(),
        body: event.said.body().to_owned(),
        attributes,
        trace: event.trace,
    }
}

fn of_hop(hop: &Hop, end: &End) -> Entry {
    let mut attributes = Attributes::default();
    request(&mut attributes, hop);
    ending(&mut attributes, hop, end);
    if let Some(notes) = hop.notes().as_deref() {
        said(&mut attributes, notes);
    }
    let mut body = String::new();
    // Writing to a string does not fail.
    let _ = line::message(&mut body, hop, end);
    Entry {
        at: end.at,
        severity: line::level(hop.kind, end.outcome).into(),
        event: match hop.kind {
            Kind::Server => event::REQUEST,
            Kind::Client => event::CALL,
            Kind::Producer | Kind::Consumer | Kind::Internal => event::WORK,
        },
        scope: line::target(hop.kind).into(),
        body,
        attributes,
        trace: Some(hop.trace),
    }
}

/// Which request it is, as on every line within one.
fn request(attributes: &mut Attributes, hop: &Hop) {
    if let Some(id) = &hop.request_id {
        attributes.text(name::REQUEST_ID, id.as_str());
    }
    let Some(http) = hop.http() else { return };
    attributes.set(name::HTTP_REQUEST_METHOD, http.method.as_str());
    if http.method == Method::Other {
        attributes.text(name::HTTP_REQUEST_METHOD_ORIGINAL, http.piece(Piece::Method));
    }
    attributes.text(name::URL_PATH, http.piece(Piece::Path));
    if let Some(route) = hop.route.get() {
        attributes.set(name::HTTP_ROUTE, route.as_str());
    }
    if hop.kind == Kind::Client {
        called(attributes, http);
    }
}

/// Whom a call went to, as on its span.
fn called(attributes: &mut Attributes, http: &Http) {
    attributes.text(name::SERVER_ADDRESS, address(http.piece(Piece::Host)));
    attributes.set(name::SERVER_PORT, http.port.unwrap_or(http.scheme.default_port()));
}

/// How the hop ended.
fn ending(attributes: &mut Attributes, hop: &Hop, end: &End) {
    let milliseconds = |time: std::time::Duration| time.as_nanos() as f64 / 1e6;
    if let (Some(_), Some(status)) = (hop.http(), end.status) {
        attributes.set(name::HTTP_RESPONSE_STATUS_CODE, status);
    }
    if let Some(rpc) = end.rpc {
        attributes.set(name::RPC_SYSTEM_NAME, "grpc");
        attributes.set(name::RPC_METHOD, rpc.method());
        attributes.set(name::RPC_RESPONSE_STATUS_CODE, rpc.code.as_str());
    }
    // A call ends at its answer's head, so nobody has counted its body.
    if hop.http().is_some() && hop.kind == Kind::Server {
        attributes.set(name::HTTP_RESPONSE_BODY_SIZE, end.response_bytes);
    }
    attributes.set(name::DURATION_MS, milliseconds(end.at.since(hop.start)));
    if let Some(first_byte) = end.first_byte {
        attributes.set(name::TTFB_MS, milliseconds(first_byte.since(hop.start)));
    }
    attributes.set(name::OUTCOME, end.outcome.as_str());
    end.error_type.with_str(|text| attributes.text(name::ERROR_TYPE, text));
}

/// What the user said of the hop.
fn said(attributes: &mut Attributes, notes: &Notes) {
    if let Some((error, sources)) = notes.error.as_deref().and_then(<[_]>::split_first) {
        attributes.text(name::EXCEPTION_MESSAGE, error);
        if !sources.is_empty() {
            attributes.set(name::EXCEPTION_STACKTRACE, stacktrace(error, sources));
        }
    }
    notes.fields.iter().for_each(|(name, value)| attributes.field(name, value.clone()));
    attributes.dropped = notes.fields_dropped;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::context::{Flags, SpanId, TraceContext, TraceId};
    use crate::record::{HttpVersion, Scheme, Subject, Value};

    #[test]
    fn a_call_names_its_destination_as_its_span_does() {
        for (host, address) in
            [("pay.example", "pay.example"), ("a:b@pay.example", "pay.example"), ("[::1]", "::1")]
        {
            let mut http = Http::new(Method::Get, Scheme::Https, HttpVersion::V11);
            http.set([b"/pay", b"", host.as_bytes(), b"", b""]);
            let trace = TraceContext {
                trace_id: TraceId::random(),
                span_id: SpanId::random(),
                flags: Flags::SAMPLED,
            };
            let hop = Hop::new(trace, Kind::Client, Moment::now(), Subject::Http(http));
            let mut attributes = Attributes::default();
            request(&mut attributes, &hop);
            let value =
                |name: &str| attributes.list.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            assert_eq!(value(name::SERVER_ADDRESS), Some(&Value::from(address.to_owned())), "{host}");
            assert_eq!(value(name::SERVER_PORT), Some(&443_u16.into()), "{host}");
        }
    }
}

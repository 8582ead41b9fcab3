//! The way from what waits in the queue to a record in plain words, by the semantic conventions.

use super::Record;
use super::entry::{Attributes, Entry};
use crate::logs::hop_line;
use crate::names::{attribute as name, event, key};
use crate::record::{
    CAUSED_BY, End, Event, FieldValue, Hop, Http, Kind, Method, Notes, Piece, Severity, Value, address,
    stacktrace,
};

impl Entry {
    /// The entry of a record; `None` for a hop that has not ended.
    pub(super) fn of(record: &Record) -> Option<Self> {
        match record {
            Record::Hop(hop) => Some(of_hop(hop, &hop.end()?)),
            Record::Event(event) => Some(of_event(event.event())),
        }
    }
}

fn of_event(event: Event<'_>) -> Entry {
    let info = event.info;
    let mut attributes = Attributes::default();
    if let Some(hop) = &info.hop {
        request(&mut attributes, hop);
    }
    if let Some((file, line)) = event.origin() {
        attributes.set(name::CODE_FILE_PATH, text(file));
        attributes.set(name::CODE_LINE_NUMBER, line);
    }
    if info.severity == Severity::Fatal {
        attributes.set(name::EXCEPTION_MESSAGE, text(event.message()));
        event.thread().into_iter().for_each(|thread| attributes.set(name::THREAD_NAME, text(thread)));
        event
            .backtrace()
            .into_iter()
            .for_each(|trace| attributes.set(name::EXCEPTION_STACKTRACE, text(trace)));
    }
    event.fields(|name, value| field(&mut attributes, &text(name), value));
    event.span_fields(|name, value| field(&mut attributes, &text(name), value));
    Entry {
        at: info.at,
        severity: info.severity,
        event: info.name,
        scope: text(event.target()).into(),
        body: text(event.message()),
        attributes,
        trace: info.trace,
    }
}

/// A text of a snapshot.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Adds a field of an event.
fn field(attributes: &mut Attributes, name: &str, value: FieldValue<'_>) {
    // The error's text has a name in the conventions.
    let name = if name == key::ERROR { name::EXCEPTION_MESSAGE } else { name };
    let value: Value = match value {
        FieldValue::Bool(value) => value.into(),
        FieldValue::I64(value) => value.into(),
        FieldValue::U64(value) => value.into(),
        FieldValue::F64(value) => value.into(),
        FieldValue::Text(value) => text(value).into(),
        FieldValue::List(texts) => texts.map(text).collect(),
        FieldValue::Error(error, causes) => {
            if name == name::EXCEPTION_MESSAGE && !causes.is_empty() {
                let all: Vec<_> = std::iter::once(error).chain(causes).map(text).collect();
                attributes.field(name::EXCEPTION_STACKTRACE, all.join(CAUSED_BY).into());
            }
            text(error).into()
        }
    };
    attributes.field(name, value);
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
    let _ = hop_line::message(&mut body, hop, end);
    Entry {
        at: end.at,
        severity: hop_line::level(hop.kind, end.outcome).into(),
        event: match hop.kind {
            Kind::Server => event::REQUEST,
            Kind::Client => event::CALL,
            Kind::Producer | Kind::Consumer | Kind::Internal => event::WORK,
        },
        scope: hop_line::target(hop.kind).into(),
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
    use crate::record::{HttpVersion, Scheme, Subject};

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

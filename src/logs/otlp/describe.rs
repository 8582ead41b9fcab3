//! What waits in the queue as an entry, by the semantic conventions.

use std::borrow::Cow;

use super::Record;
use super::entry::{Attributes, Entry};
use crate::logs::hop_line;
use crate::names::{Conventions, attribute as name, event, key};
use crate::otlp::AnyValue;
use crate::record::{
    CAUSED_BY, End, ErrorType, Event, FieldValue, Hop, Http, Kind, Method, Notes, Piece, Severity, address,
    stacktrace,
};

/// The scope of a record: what made it.
pub(super) fn scope(record: &Record) -> &str {
    match record {
        Record::Hop(hop) => hop_line::target(hop.kind),
        Record::Event(event) => event.event().target_text(),
    }
}

/// Hands on the entry of a record; nothing for a hop that has not ended. A body that is to be formatted goes into `body`,
/// which keeps its room from one record to the next.
pub(super) fn describe(record: &Record, body: &mut String, hand_on: impl FnOnce(&mut Entry<'_>)) {
    match record {
        Record::Event(event) => hand_on(&mut of_event(event.event())),
        Record::Hop(hop) => {
            let Some((end, notes)) = hop.ended() else { return };
            body.clear();
            // Writing to a string does not fail.
            let _ = hop_line::message(body, hop, &end);
            let on_lines = hop.on_lines();
            let mut entry = of_hop(hop, &end, notes.as_deref(), body);
            // Those that it has itself are there by now.
            let fields = on_lines.iter().flat_map(|fields| fields.iter());
            fields.for_each(|(name, value)| entry.attributes.field(text(name), any(value)));
            hand_on(&mut entry);
        }
    }
}

// Inlined, as the next: an entry is large, and is made where it stays.
#[inline(always)]
fn of_event(event: Event<'_>) -> Entry<'_> {
    let info = event.info;
    let mut entry = Entry {
        at: info.at,
        severity: info.severity,
        event: info.name,
        body: Cow::Borrowed(text(event.message())),
        attributes: Attributes::default(),
        trace: info.trace,
    };
    let attributes = &mut entry.attributes;
    if let Some(hop) = &info.hop {
        request(attributes, hop);
    }
    if let Some((file, line)) = event.origin() {
        attributes.text(name::CODE_FILE_PATH, text(file));
        attributes.set(name::CODE_LINE_NUMBER, AnyValue::U64(u64::from(line)));
    }
    if info.severity == Severity::Fatal {
        attributes.text(name::EXCEPTION_MESSAGE, text(event.message()));
        attributes.text(name::THREAD_NAME, text(event.thread().unwrap_or_default()));
        attributes.text(name::EXCEPTION_STACKTRACE, text(event.backtrace().unwrap_or_default()));
    }
    event.fields(|name, value| field(attributes, text(name), value));
    event.span_fields(|name, value| field(attributes, text(name), value));
    entry
}

/// A text of a snapshot, which is UTF-8.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Adds a field of an event.
fn field<'a>(attributes: &mut Attributes<'a>, name: &'a str, value: FieldValue<'a>) {
    // The error's text has a name in the conventions.
    let name = if name == key::ERROR { name::EXCEPTION_MESSAGE } else { name };
    if let FieldValue::Error(error, causes) = value
        && name == name::EXCEPTION_MESSAGE
        && !causes.is_empty()
    {
        let all: Vec<_> = std::iter::once(error).chain(causes).map(text).collect();
        let all = AnyValue::Str(Cow::Owned(all.join(CAUSED_BY)));
        attributes.field(name::EXCEPTION_STACKTRACE, all);
    }
    attributes.field(name, any(value));
}

fn any(value: FieldValue<'_>) -> AnyValue<'_> {
    match value {
        FieldValue::Bool(value) => AnyValue::Bool(value),
        FieldValue::I64(value) => AnyValue::I64(value),
        FieldValue::U64(value) => AnyValue::U64(value),
        FieldValue::F64(value) => AnyValue::F64(value),
        FieldValue::Text(value) | FieldValue::Error(value, _) => AnyValue::Str(Cow::Borrowed(text(value))),
        FieldValue::List(texts) => {
            AnyValue::List(texts.map(|item| Cow::Owned(text(item).to_owned())).collect())
        }
    }
}

#[inline(always)]
fn of_hop<'a>(hop: &'a Hop, end: &End, notes: Option<&'a Notes>, body: &'a str) -> Entry<'a> {
    let mut entry = Entry {
        at: end.at,
        severity: hop_line::level(hop.kind, end.outcome).into(),
        event: match hop.kind {
            Kind::Server => event::REQUEST,
            Kind::Client => event::CALL,
            Kind::Producer | Kind::Consumer | Kind::Internal => event::WORK,
        },
        body: Cow::Borrowed(body),
        attributes: Attributes::default(),
        trace: Some(hop.trace_now()),
    };
    request(&mut entry.attributes, hop);
    ending(&mut entry.attributes, hop, end);
    if let Some(http) = hop.http() {
        asked(&mut entry.attributes, http);
    }
    if let Some(notes) = notes {
        added(&mut entry.attributes, notes);
    }
    entry
}

/// Which request it is, as on every line within one.
fn request<'a>(attributes: &mut Attributes<'a>, hop: &'a Hop) {
    if let Some(id) = &hop.request_id {
        attributes.text(name::REQUEST_ID, id.as_str());
    }
    let Some(http) = hop.http() else { return };
    attributes.text(name::HTTP_REQUEST_METHOD, http.method.as_str());
    if http.method == Method::Other {
        attributes.text(name::HTTP_REQUEST_METHOD_ORIGINAL, http.piece(Piece::Method));
    }
    attributes.text(name::URL_PATH, http.piece(Piece::Path));
    if let Some(route) = hop.route.get() {
        attributes.text(name::HTTP_ROUTE, route.as_str());
    }
    if hop.kind == Kind::Client {
        called(attributes, http);
    }
}

/// Where a call went to, as on its span.
fn called<'a>(attributes: &mut Attributes<'a>, http: &'a Http) {
    attributes.text(name::SERVER_ADDRESS, address(http.piece(Piece::Host)));
    let port = http.port.unwrap_or(http.scheme.default_port());
    attributes.set(name::SERVER_PORT, AnyValue::U64(port.into()));
}

/// How the hop ended.
fn ending(attributes: &mut Attributes<'_>, hop: &Hop, end: &End) {
    let milliseconds = |time: std::time::Duration| AnyValue::F64(time.as_nanos() as f64 / 1e6);
    if let (Some(_), Some(status)) = (hop.http(), end.status) {
        attributes.set(name::HTTP_RESPONSE_STATUS_CODE, AnyValue::U64(status.into()));
    }
    if let Some(rpc) = end.rpc {
        attributes.text(name::RPC_SYSTEM_NAME, "grpc");
        attributes.text(name::RPC_METHOD, rpc.method());
        attributes.text(
            Conventions::of_rpc(name::RPC_STATUS_CODE, name::RPC_RESPONSE_STATUS_CODE),
            rpc.code.as_str(),
        );
    }
    // A call ends at its answer's head, so its body was not counted.
    if hop.http().is_some() && hop.kind == Kind::Server {
        attributes.set(name::HTTP_RESPONSE_BODY_SIZE, AnyValue::U64(end.response_bytes));
    }
    attributes.set(name::DURATION_MS, milliseconds(end.at.since(hop.start)));
    if let Some(first_byte) = end.first_byte {
        attributes.set(name::TTFB_MS, milliseconds(first_byte.since(hop.start)));
    }
    attributes.text(name::OUTCOME, end.outcome.as_str());
    match end.error_type {
        ErrorType::None => {}
        ErrorType::Status(status) => attributes.set(name::ERROR_TYPE, AnyValue::Code(status)),
        ErrorType::Word(word) => attributes.text(name::ERROR_TYPE, word),
    }
}

/// Who asked, and what was sent, where the line says it as well.
fn asked<'a>(attributes: &mut Attributes<'a>, http: &'a Http) {
    if let Some(bytes) = http.request_bytes {
        attributes.set(name::HTTP_REQUEST_BODY_SIZE, AnyValue::U64(bytes));
    }
    if let Some(client) = http.client().filter(|_| http.names_client) {
        let client = client.to_canonical().to_string();
        attributes.set(name::CLIENT_ADDRESS, AnyValue::Str(Cow::Owned(client)));
    }
    if http.names_client {
        attributes.text(name::USER_AGENT_ORIGINAL, http.piece(Piece::UserAgent));
    }
}

/// What the user added to the hop.
fn added<'a>(attributes: &mut Attributes<'a>, notes: &'a Notes) {
    if let Some((error, sources)) = notes.error.as_deref().and_then(<[_]>::split_first) {
        attributes.text(name::EXCEPTION_MESSAGE, error);
        if !sources.is_empty() {
            attributes.set(name::EXCEPTION_STACKTRACE, AnyValue::Str(Cow::Owned(stacktrace(error, sources))));
        }
    }
    notes.fields.iter().for_each(|(name, value)| attributes.field(text(name), any(value)));
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
            let value = |name: &str| {
                attributes.list.iter().find(|known| known.name == name).map(|known| known.value.clone())
            };
            assert_eq!(value(name::SERVER_ADDRESS), Some(AnyValue::Str(address.into())), "{host}");
            assert_eq!(value(name::SERVER_PORT), Some(AnyValue::U64(443)), "{host}");
        }
    }
}

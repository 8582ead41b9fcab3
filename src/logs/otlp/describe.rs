//! What waits in the queue, as a record says it by the semantic conventions.

use std::borrow::Cow;

use super::Record;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::logs::hop_line;
use crate::names::{Conventions, attribute as name, event, key};
use crate::otlp::AnyValue;
use crate::record::{
    CAUSED_BY, End, ErrorType, Event, FieldValue, Fields, Hop, Http, Kind, Method, Notes, Piece, Severity,
    address, stacktrace,
};

/// What a record says.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    Event(Event<'a>),
    Hop(Ended<'a>),
}

/// A hop that has ended.
#[derive(Clone, Copy)]
pub(super) struct Ended<'a> {
    hop: &'a Hop,
    end: &'a End,
    notes: Option<&'a Notes>,
    on_lines: Option<&'a Fields>,
    body: &'a str,
}

/// What a record is beside its attributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline<'a> {
    pub(super) at: Moment,
    pub(super) severity: Severity,
    /// Its name in the data model; empty if it has none.
    pub(super) event: &'static str,
    /// Text.
    pub(super) body: &'a [u8],
    pub(super) trace: Option<TraceContext>,
}

/// Takes the attributes of a record, ours before the user's. What is bytes here is text.
pub(super) trait TakeAttribute<'a> {
    /// Takes one of ours, unless its text is empty.
    fn text(&mut self, name: &'static str, text: &'a [u8]);

    /// Takes one of ours.
    fn number(&mut self, name: &'static str, number: u64);

    /// Takes one of ours.
    fn float(&mut self, name: &'static str, number: f64);

    /// Takes one of ours.
    fn set(&mut self, name: &'static str, value: AnyValue<'a>);

    /// Takes one of the user's: the first of a name wins, and one whose name we have given moves aside, as on the log
    /// line.
    fn field(&mut self, name: &'a [u8], value: FieldValue<'a>);

    /// As [`field`](Self::field), of a text that is made here.
    fn made(&mut self, name: &'static str, text: String);

    /// So many of the user's were dropped before.
    fn dropped(&mut self, count: u32);
}

/// The scope of a record: what made it.
pub(super) fn scope(record: &Record) -> &str {
    match record {
        Record::Hop(hop) => hop_line::target(hop.kind),
        Record::Event(event) => event.event().target_text(),
    }
}

/// Hands on what a record says; nothing of a hop that has not ended. A body that is to be formatted goes into `body`, which
/// keeps its room from one record to the next.
pub(super) fn describe(record: &Record, body: &mut String, hand_on: impl FnOnce(Said<'_>)) {
    match record {
        Record::Event(event) => hand_on(Said::Event(event.event())),
        Record::Hop(hop) => {
            let Some((end, notes)) = hop.ended() else { return };
            body.clear();
            // Writing to a string does not fail.
            let _ = hop_line::message(body, hop, &end);
            let on_lines = hop.on_lines();
            hand_on(Said::Hop(Ended {
                hop,
                end: &end,
                notes: notes.as_deref(),
                on_lines: on_lines.as_deref(),
                body,
            }));
        }
    }
}

impl<'a> Said<'a> {
    #[inline]
    pub(super) fn outline(self) -> Outline<'a> {
        match self {
            Self::Event(event) => Outline {
                at: event.info.at,
                severity: event.info.severity,
                event: event.info.name,
                body: event.message(),
                trace: event.info.trace,
            },
            Self::Hop(Ended { hop, end, body, .. }) => Outline {
                at: end.at,
                severity: hop_line::level(hop.kind, end.outcome).into(),
                event: match hop.kind {
                    Kind::Server => event::REQUEST,
                    Kind::Client => event::CALL,
                    Kind::Producer | Kind::Consumer | Kind::Internal => event::WORK,
                },
                body: body.as_bytes(),
                trace: Some(hop.trace_now()),
            },
        }
    }

    /// May there be any of the user's among its attributes?
    #[inline]
    pub(super) fn has_fields(self) -> bool {
        match self {
            Self::Event(_) => true,
            Self::Hop(Ended { notes, on_lines, .. }) => notes.is_some() || on_lines.is_some(),
        }
    }

    /// Hands out its attributes.
    #[inline]
    pub(super) fn attributes(self, attributes: &mut impl TakeAttribute<'a>) {
        match self {
            Self::Event(event) => of_event(attributes, event),
            Self::Hop(ended) => of_hop(attributes, ended),
        }
    }
}

#[inline]
fn of_event<'a>(attributes: &mut impl TakeAttribute<'a>, event: Event<'a>) {
    let info = event.info;
    if let Some(hop) = &info.hop {
        request(attributes, hop);
    }
    if let Some((file, line)) = event.origin() {
        attributes.text(name::CODE_FILE_PATH, file);
        attributes.number(name::CODE_LINE_NUMBER, line.into());
    }
    if info.severity == Severity::Fatal {
        attributes.text(name::EXCEPTION_MESSAGE, event.message());
        attributes.text(name::THREAD_NAME, event.thread().unwrap_or_default());
        attributes.text(name::EXCEPTION_STACKTRACE, event.backtrace().unwrap_or_default());
    }
    event.all_fields(|name, value| field(attributes, name, value));
}

/// Hands out a field of an event.
#[inline]
fn field<'a>(attributes: &mut impl TakeAttribute<'a>, name: &'a [u8], value: FieldValue<'a>) {
    // The error's text has a name in the conventions.
    let name = if name == key::ERROR.as_bytes() { name::EXCEPTION_MESSAGE.as_bytes() } else { name };
    if let FieldValue::Error(error, causes) = value
        && name == name::EXCEPTION_MESSAGE.as_bytes()
        && !causes.is_empty()
    {
        let all = std::iter::once(error).chain(causes).map(String::from_utf8_lossy);
        attributes.made(name::EXCEPTION_STACKTRACE, all.collect::<Vec<_>>().join(CAUSED_BY));
    }
    attributes.field(name, value);
}

#[inline]
fn of_hop<'a>(attributes: &mut impl TakeAttribute<'a>, ended: Ended<'a>) {
    let Ended { hop, end, notes, on_lines, .. } = ended;
    request(attributes, hop);
    ending(attributes, hop, end);
    if let Some(http) = hop.http() {
        asked(attributes, http);
    }
    if let Some(notes) = notes {
        added(attributes, notes);
    }
    if let Some(fields) = on_lines {
        // Those that it has itself are there by now.
        fields.each(|name, value| attributes.field(name, value));
    }
}

/// Which request it is, as on every line within one.
#[inline]
fn request<'a>(attributes: &mut impl TakeAttribute<'a>, hop: &'a Hop) {
    if let Some(id) = &hop.request_id {
        attributes.text(name::REQUEST_ID, id.as_bytes());
    }
    let Some(http) = hop.http() else { return };
    attributes.text(name::HTTP_REQUEST_METHOD, http.method.as_str().as_bytes());
    if http.method == Method::Other {
        attributes.text(name::HTTP_REQUEST_METHOD_ORIGINAL, http.text(Piece::Method));
    }
    attributes.text(name::URL_PATH, http.path());
    if let Some(route) = hop.route.get() {
        attributes.text(name::HTTP_ROUTE, route.as_str().as_bytes());
    }
    if hop.kind == Kind::Client {
        called(attributes, http);
    }
}

/// Where a call went to, as on its span.
fn called<'a>(attributes: &mut impl TakeAttribute<'a>, http: &'a Http) {
    attributes.text(name::SERVER_ADDRESS, address(http.piece(Piece::Host)).as_bytes());
    let port = http.port.unwrap_or(http.scheme.default_port());
    attributes.number(name::SERVER_PORT, port.into());
}

/// How the hop ended.
#[inline]
fn ending<'a>(attributes: &mut impl TakeAttribute<'a>, hop: &Hop, end: &End) {
    let milliseconds = |at: Moment| at.nanos_since(hop.start) as f64 / 1e6;
    if let (Some(_), Some(status)) = (hop.http(), end.status) {
        attributes.number(name::HTTP_RESPONSE_STATUS_CODE, status.into());
    }
    if let Some(rpc) = end.rpc {
        attributes.text(name::RPC_SYSTEM_NAME, b"grpc");
        attributes.text(name::RPC_METHOD, rpc.method().as_bytes());
        attributes.text(
            Conventions::of_rpc(name::RPC_STATUS_CODE, name::RPC_RESPONSE_STATUS_CODE),
            rpc.code.as_str().as_bytes(),
        );
    }
    // A call ends at its answer's head, so its body was not counted.
    if hop.http().is_some() && hop.kind == Kind::Server {
        attributes.number(name::HTTP_RESPONSE_BODY_SIZE, end.response_bytes);
    }
    attributes.float(name::DURATION_MS, milliseconds(end.at));
    if let Some(first_byte) = end.first_byte {
        attributes.float(name::TTFB_MS, milliseconds(first_byte));
    }
    attributes.text(name::OUTCOME, end.outcome.as_str().as_bytes());
    match end.error_type {
        ErrorType::None => {}
        ErrorType::Status(status) => attributes.set(name::ERROR_TYPE, AnyValue::Code(status)),
        ErrorType::Word(word) => attributes.text(name::ERROR_TYPE, word.as_bytes()),
    }
}

/// Who asked, and what was sent, where the line says it as well.
#[inline]
fn asked<'a>(attributes: &mut impl TakeAttribute<'a>, http: &'a Http) {
    if let Some(bytes) = http.request_bytes {
        attributes.number(name::HTTP_REQUEST_BODY_SIZE, bytes);
    }
    if !http.names_client {
        return;
    }
    if let Some(client) = http.client() {
        let client = client.to_canonical().to_string();
        attributes.set(name::CLIENT_ADDRESS, AnyValue::Str(Cow::Owned(client)));
    }
    attributes.text(name::USER_AGENT_ORIGINAL, http.text(Piece::UserAgent));
}

/// What the user added to the hop.
fn added<'a>(attributes: &mut impl TakeAttribute<'a>, notes: &'a Notes) {
    if let Some((error, sources)) = notes.error.as_deref().and_then(<[_]>::split_first) {
        attributes.text(name::EXCEPTION_MESSAGE, error.as_bytes());
        if !sources.is_empty() {
            attributes.set(name::EXCEPTION_STACKTRACE, AnyValue::Str(Cow::Owned(stacktrace(error, sources))));
        }
    }
    notes.fields.each(|name, value| attributes.field(name, value));
    attributes.dropped(notes.fields_dropped);
}

#[cfg(test)]
mod tests {
    use super::super::entry::Attributes;
    use super::*;
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

//! What stands on a line, and in which order: the same in every format that machines read.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::keys::Keys;
use super::number::{milliseconds, small};
use super::object::Object;
use super::user_fields::{Naming, Ours};
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::logs::hop_line;
use crate::names::key;
use crate::record::{
    End, ErrorType, Event, FieldValue, Hop, Http, Kind, Method, Notes, Piece, Severity, Subject, address,
};
use crate::resource::Resource;

/// Makes lines in the format that was chosen.
pub(in crate::logs) trait Format: fmt::Debug + Send + Sync {
    /// Makes the line of an event.
    fn event(&self, object: &mut Object, event: &Event<'_>);

    /// Makes the one line of a finished hop.
    fn hop(&self, object: &mut Object, hop: &Arc<Hop>, end: &End, notes: Option<&Notes>);

    /// Does every line of an event name its thread?
    fn names_thread(&self) -> bool {
        false
    }

    /// Does a person read the lines one after the other?
    fn keeps_order(&self) -> bool {
        false
    }
}

/// What one format says differently from the others.
pub(super) trait Schema: Keys + Naming + fmt::Debug + Send + Sync + 'static {
    /// Every line of an event names its thread.
    const NAMES_THREAD: bool = false;

    /// Begins a line with its time.
    fn begin(object: &mut Object, at: Moment);

    /// Writes the level, and what else belongs to it.
    fn level(object: &mut Object, severity: Severity);

    /// What is the same on all lines, behind their levels.
    fn head(resource: &Resource) -> Vec<u8>;

    /// What is the same on all lines of finished hops, behind their ends.
    fn tail(resource: &Resource) -> Vec<u8>;

    /// Writes the message, behind its key.
    #[inline]
    fn message(object: &mut Object, text: &[u8]) {
        object.text(b"", text);
    }

    /// Writes what else names a place in a trace, behind its ids.
    fn trace(_: &mut Object, _: Option<&Hop>) {}

    /// Opens the object of attributes, in a format that has one.
    fn open(_: &mut Object) {}

    /// Writes how many nanoseconds a hop took.
    #[inline]
    fn duration(object: &mut Object, nanos: u64) {
        object.raw(Self::DURATION);
        milliseconds(&mut object.bytes, nanos);
    }

    /// Writes how a hop ended.
    #[inline]
    fn outcome(object: &mut Object, _: &Hop, end: &End) {
        object.plain(Self::OUTCOME, end.outcome.as_str().as_bytes());
        // The status has its own key, and most other words are the outcome's.
        if let ErrorType::Word(word) = end.error_type
            && word != end.outcome.as_str()
        {
            object.text(Self::ERROR_TYPE, word.as_bytes());
        }
    }

    /// Writes the status of a call of gRPC.
    fn rpc_status(object: &mut Object, name: &'static str) {
        object.plain(Self::RPC_STATUS, name.as_bytes());
    }

    /// Writes that the line is that of a panic, in a format that has a word for it.
    fn panicked(_: &mut Object) {}

    /// Ends the line.
    #[inline]
    fn end(object: &mut Object) {
        object.raw(b"}\n");
    }
}

/// A format, with what is the same on all its lines made before.
#[derive(Debug)]
pub(super) struct Formatter<S> {
    /// Between the time and the target, for each severity.
    heads: [Box<[u8]>; 6],
    tail: Box<[u8]>,
    ours: Ours,
    schema: PhantomData<S>,
}

impl<S: Schema> Formatter<S> {
    pub(super) fn new(resource: &Resource) -> Self {
        let head = S::head(resource);
        let heads = Severity::ALL.map(|severity| {
            let mut object = Object::default();
            S::level(&mut object, severity);
            object.raw(&head);
            object.raw(S::TARGET);
            object.bytes.into()
        });
        let tail = S::tail(resource).into();
        Self { heads, tail, ours: Ours::new::<S>(), schema: PhantomData }
    }

    /// Writes what stands between the time and the message.
    fn head(&self, object: &mut Object, severity: Severity, target: &[u8]) {
        object.raw(&self.heads[severity as usize]);
        object.text(b"", target);
        object.raw(S::MESSAGE);
    }

    /// Puts a user's field on the line; the first of a name wins. The field `error` is the error of the line, unless it has
    /// one already.
    #[inline]
    fn field(&self, object: &mut Object, name: &[u8], value: FieldValue<'_>) {
        let Object { bytes, users, .. } = object;
        if name == key::ERROR.as_bytes() && users.take_error(&self.ours) {
            self.error(object, value);
        } else if users.write_key::<S>(bytes, &self.ours, S::before(value), name) {
            object.value(value, S::makes_text(value));
        }
    }

    /// Writes the error of the line.
    #[cold]
    fn error(&self, object: &mut Object, value: FieldValue<'_>) {
        // The value ends the key, and brings the opening quote of a text.
        object.raw(S::ERROR.strip_suffix(b"\":\"").unwrap_or_default());
        object.value(value, S::ERRORS_ARE_TEXT);
        if let FieldValue::Error(text, causes) = value
            && !causes.is_empty()
        {
            object.joined(S::ERROR_CHAIN, std::iter::once(text).chain(causes), b": ");
        }
    }

    /// Writes what the user said of the hop.
    fn notes(&self, object: &mut Object, notes: &Notes) {
        if let Some([error, sources @ ..]) = notes.error.as_deref() {
            object.users.has_our_error = true;
            object.text(S::ERROR, error.as_bytes());
            if !sources.is_empty() {
                let texts = [error].into_iter().chain(sources).map(|text| text.as_bytes());
                object.joined(S::ERROR_CHAIN, texts, b": ");
            }
        }
        notes.fields.each(|name, value| self.field(object, name, value));
    }
}

impl<S: Schema> Format for Formatter<S> {
    fn event(&self, object: &mut Object, event: &Event<'_>) {
        let info = event.info;
        object.begin();
        S::begin(object, info.at);
        match event.fixed_target() {
            Some(target) => object.head(info.severity, target, |object| {
                self.head(object, info.severity, target.as_bytes());
            }),
            None => self.head(object, info.severity, event.target()),
        }
        S::message(object, event.message());
        trace::<S>(object, info.trace.as_ref(), info.hop.as_deref());
        if let Some(hop) = &info.hop {
            object.request(hop, info.is_routed, true, |object| request::<S>(object, hop, info.is_routed));
        }
        if let Some(name) = event.thread() {
            object.text(S::THREAD, name);
        }
        if info.severity == Severity::Fatal {
            S::panicked(object);
        }
        if let Some(backtrace) = event.backtrace() {
            object.text(S::BACKTRACE, backtrace);
        }
        event.all_fields(|name, value| self.field(object, name, value));
        if let Some((file, line)) = event.origin() {
            object.text(S::FILE, file);
            object.number(S::LINE, line);
        }
        S::end(object);
    }

    fn hop(&self, object: &mut Object, hop: &Arc<Hop>, end: &End, notes: Option<&Notes>) {
        let severity = hop_line::level(hop.kind, end.outcome).into();
        object.begin();
        S::begin(object, end.at);
        let target = hop_line::target(hop.kind);
        object.head(severity, target, |object| self.head(object, severity, target.as_bytes()));
        let mut message = std::mem::take(&mut object.scratch);
        message.clear();
        // Writing to a string does not fail.
        let _ = hop_line::message(&mut message, hop, end);
        S::message(object, message.as_bytes());
        object.scratch = message;
        trace::<S>(object, Some(&hop.trace_now()), Some(hop));
        let is_routed = hop.route.get().is_some();
        // No line of this request follows.
        object.request(hop, is_routed, false, |object| request::<S>(object, hop, is_routed));
        ending::<S>(object, hop, end);
        if let Some(http) = hop.http() {
            asked::<S>(object, http);
        }
        object.raw(&self.tail);
        if let Some(notes) = notes {
            self.notes(object, notes);
        }
        // Those that it has itself stand there by now.
        if let Some(fields) = hop.on_lines() {
            fields.each(|name, value| self.field(object, name, value));
        }
        S::end(object);
    }

    fn names_thread(&self) -> bool {
        S::NAMES_THREAD
    }
}

/// Writes where in a trace the line belongs; behind it the attributes begin.
#[inline(always)]
fn trace<S: Schema>(object: &mut Object, trace: Option<&TraceContext>, hop: Option<&Hop>) {
    if let Some(trace) = trace {
        object.ids(trace, |object| {
            let ids = trace.digits_of_ids();
            let (trace_id, span_id) = ids.as_flattened().split_at(32);
            object.plain(S::TRACE_ID, trace_id);
            object.plain(S::SPAN_ID, span_id);
            object.plain(S::TRACE_FLAGS, &trace.flags.hex());
        });
        S::trace(object, hop);
    }
    S::open(object);
}

/// Writes of which request, call or job the line is.
fn request<S: Schema>(object: &mut Object, hop: &Hop, is_routed: bool) {
    if let Some(id) = &hop.request_id {
        object.text(S::REQUEST_ID, id.as_bytes());
    }
    match &hop.subject {
        Subject::Work(work) => object.text(S::WORK_NAME, work.name.as_bytes()),
        Subject::Http(http) => {
            match http.method {
                Method::Other | Method::Own(_) => object.text(S::METHOD, hop_line::method(http).as_bytes()),
                known => object.plain(S::METHOD, known.as_str().as_bytes()),
            }
            object.text(S::PATH, http.path());
            if let Some(route) = hop.route.get().filter(|_| is_routed) {
                object.text(S::ROUTE, route.as_str().as_bytes());
            }
            if hop.kind == Kind::Client {
                server::<S>(object, http);
            }
        }
    }
}

/// Writes whom a call asked, as its span says it.
fn server<S: Schema>(object: &mut Object, http: &Http) {
    let host = address(http.piece(Piece::Host));
    if !host.is_empty() {
        object.text(S::SERVER_ADDRESS, host.as_bytes());
        object.number(S::SERVER_PORT, http.port.unwrap_or(http.scheme.default_port()));
    }
}

/// Writes how the hop ended.
#[inline]
fn ending<S: Schema>(object: &mut Object, hop: &Hop, end: &End) {
    if let Some(status) = end.status {
        object.raw(S::STATUS);
        small(&mut object.bytes, status.into());
    }
    if let Some(rpc) = end.rpc {
        object.text(S::RPC_METHOD, rpc.method().as_bytes());
        S::rpc_status(object, rpc.code.as_str());
    }
    S::duration(object, end.at.nanos_since(hop.start));
    if let Some(first_byte) = end.first_byte {
        object.raw(S::TTFB);
        milliseconds(&mut object.bytes, first_byte.nanos_since(hop.start));
    }
    S::outcome(object, hop, end);
    // A call ends at its response's head: its body is not counted.
    if hop.http().is_some() && hop.kind == Kind::Server {
        object.raw(S::RESPONSE_BYTES);
        small(&mut object.bytes, end.response_bytes);
    }
}

/// Writes what is known of who asked and of what was sent, where the line is to say it.
#[inline]
fn asked<S: Schema>(object: &mut Object, http: &Http) {
    if let Some(bytes) = http.request_bytes {
        object.number(S::REQUEST_BYTES, bytes);
    }
    if !http.names_client {
        return;
    }
    if let Some(client) = http.client() {
        object.plain(S::CLIENT_ADDRESS, client.to_canonical().to_string().as_bytes());
    }
    let agent = http.piece(Piece::UserAgent);
    if !agent.is_empty() {
        object.text(S::USER_AGENT, agent.as_bytes());
    }
}

/// Writes a key with a string that is fixed at start; nothing if it is empty.
pub(super) fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    if !text.is_empty() {
        out.push(b',');
        super::escape::quoted(out, name);
        out.push(b':');
        super::escape::quoted(out, text);
    }
}

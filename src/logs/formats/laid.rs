//! What stands on a line, and in which order: the same in every format that machines read.

use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use tracing::Level;

use super::layout::Layout;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::logs::escape::{Checked, Escaping};
use crate::logs::fields::{Borrowed, Put};
use crate::logs::json::Object;
use crate::logs::line::{self, Origin, Own};
use crate::logs::members::UsualEnd;
use crate::logs::number::{self, count, few_milliseconds, milliseconds};
use crate::logs::told::Borrow;
use crate::record::{End, Hop, Http, Kind, Notes, Outcome};
use crate::resource::Resource;

/// A format, with what is the same on all its lines made before.
#[derive(Debug)]
pub(in crate::logs) struct Laid<F> {
    /// Behind the line's level.
    head: Box<[u8]>,
    /// Between the time and the message of a request that ended as most do.
    usual: Box<[u8]>,
    /// Who wrote a request's last line.
    tail: Box<[u8]>,
    format: PhantomData<F>,
}

/// Makes lines in a format that was chosen.
pub(in crate::logs) trait Lay: fmt::Debug + Send + Sync {
    /// Makes the line of an event.
    fn event(&self, object: &mut Object, event: &Happened<'_>);

    /// Does every line of an event name its thread?
    fn names_thread(&self) -> bool;

    /// Makes the one line of a finished hop.
    fn hop(&self, object: &mut Object, hop: &Hop, end: &End, notes: Option<&Notes>);

    /// Makes a line of our own.
    fn own(&self, object: &mut Object, own: &Own<'_>);
}

/// An event: when, what, where in the code, where in a trace.
pub(in crate::logs) struct Happened<'a> {
    pub(in crate::logs) at: Moment,
    pub(in crate::logs) level: &'static str,
    pub(in crate::logs) target: &'a str,
    pub(in crate::logs) origin: Origin<'a>,
    pub(in crate::logs) trace: Option<TraceContext>,
    pub(in crate::logs) hop: Option<&'a Hop>,
    /// Was the hop's route known then?
    pub(in crate::logs) is_routed: bool,
    pub(in crate::logs) told: Borrow<'a>,
}

/// Takes an event's message only: the first, if there are two.
struct Message<'a> {
    object: &'a mut Object,
    is_taken: bool,
}

/// Takes all but that message.
struct Attributes<'a> {
    object: &'a mut Object,
    is_past_message: bool,
}

/// The level of most requests' lines.
const USUAL: Level = Level::INFO;

impl<F: Layout> Laid<F> {
    pub(in crate::logs) fn new(resource: &Resource) -> Self {
        let (head, tail) = (F::head(resource).into(), F::tail(resource).into());
        let mut laid = Self { head, usual: Box::default(), tail, format: PhantomData };
        let mut usual = Object::default();
        laid.before_message(&mut usual, USUAL, line::REQUEST);
        laid.usual = usual.bytes.into();
        laid
    }

    fn begin(&self, object: &mut Object, at: Moment, level: &str) {
        F::begin(object, at);
        F::level(object, level);
        object.raw(&self.head);
    }

    fn before_message(&self, object: &mut Object, level: Level, target: &str) {
        F::level(object, level.as_str());
        object.raw(&self.head);
        object.plain(F::TARGET, target);
        object.raw(F::MESSAGE);
    }
}

impl<F: Layout> Lay for Laid<F> {
    #[inline]
    fn event(&self, object: &mut Object, event: &Happened<'_>) {
        let Happened { trace: place, hop, told, .. } = event;
        self.begin(object, event.at, event.level);
        object.escaped(F::TARGET, event.target.as_bytes());
        if F::HAS_ATTRIBUTES {
            told.own.put::<F>(&mut Message { object, is_taken: false });
            object.message_if_none(F::MESSAGE, F::NO_MESSAGE);
            trace::<F>(object, *place, *hop);
            told.own.put::<F>(&mut Attributes { object, is_past_message: false });
        } else {
            told.own.put::<F>(object);
            trace::<F>(object, *place, *hop);
        }
        about::<F>(object, *hop, event.is_routed);
        if let Some(name) = told.thread.and_then(|name| std::str::from_utf8(name).ok()) {
            F::thread(object, name);
        }
        told.spans.each(|name, value| F::field(object, name, value));
        origin_of::<F>(object, event.origin);
        F::end(object);
    }

    fn names_thread(&self) -> bool {
        F::NAMES_THREAD
    }

    #[inline]
    fn hop(&self, object: &mut Object, hop: &Hop, end: &End, notes: Option<&Notes>) {
        F::begin(object, end.at);
        match line::level(hop.kind, end.outcome) {
            USUAL if hop.kind == Kind::Server => object.raw(&self.usual),
            level => self.before_message(object, level, line::target(hop.kind)),
        }
        if let Some(http) = hop.http() {
            let (path, route) = (Checked::new(http.path()), route(hop));
            object.only_message(F::MESSAGE, |bytes| {
                line::http_message(bytes, hop, http, route.unwrap_or(path), end);
            });
            trace::<F>(object, Some(hop.trace), Some(hop));
            request_id::<F>(object, hop);
            request::<F>(object, http, path, route);
        } else {
            object.only_message(F::MESSAGE, |bytes| {
                Escaping::new(bytes).all(|text| line::message(text, hop, end));
            });
            trace::<F>(object, Some(hop.trace), Some(hop));
            request_id::<F>(object, hop);
        }
        ending::<F>(object, hop, end);
        object.raw(&self.tail);
        if let Some(notes) = notes {
            said::<F>(object, notes);
        }
        F::end(object);
    }

    fn own(&self, object: &mut Object, own: &Own<'_>) {
        self.begin(object, Moment::now(), own.level);
        object.escaped(F::TARGET, own.target.as_bytes());
        F::message(object, Borrowed::Str(own.message));
        trace::<F>(object, own.trace, own.hop);
        about::<F>(object, own.hop, true);
        if let Some(thread) = own.thread {
            F::thread(object, thread);
            F::panicked(object);
        }
        own.fields.iter().for_each(|(name, value)| F::field(object, name, value.into()));
        origin_of::<F>(object, own.origin);
        F::end(object);
    }
}

impl<F: Layout> Put<F> for Message<'_> {
    fn message(&mut self, value: Borrowed<'_>) {
        if !std::mem::replace(&mut self.is_taken, true) {
            F::message(self.object, value);
        }
    }

    fn field(&mut self, _: &str, _: Borrowed<'_>) {}
}

impl<F: Layout> Put<F> for Attributes<'_> {
    fn message(&mut self, value: Borrowed<'_>) {
        if std::mem::replace(&mut self.is_past_message, true) {
            F::message(self.object, value);
        }
    }

    fn field(&mut self, name: &str, value: Borrowed<'_>) {
        F::field(self.object, name, value);
    }
}

/// The route, if it is known.
#[inline]
fn route(hop: &Hop) -> Option<Checked<'_>> {
    hop.route.get().map(|route| Checked::new(route.as_str().as_bytes()))
}

/// Where in a trace the line belongs; behind it the attributes begin.
#[inline]
fn trace<F: Layout>(object: &mut Object, trace: Option<TraceContext>, hop: Option<&Hop>) {
    if let Some(trace) = trace {
        F::trace(object, trace, hop);
    }
    F::open(object);
}

/// Of which request the line is.
fn about<F: Layout>(object: &mut Object, hop: Option<&Hop>, is_routed: bool) {
    let Some(hop) = hop else { return };
    request_id::<F>(object, hop);
    if let Some(http) = hop.http() {
        let route = if is_routed { route(hop) } else { None };
        request::<F>(object, http, Checked::new(http.path()), route);
    }
}

#[inline]
fn request_id<F: Layout>(object: &mut Object, hop: &Hop) {
    if let Some(id) = &hop.request_id {
        object.id(F::REQUEST_ID, id.as_bytes());
    }
}

#[inline]
fn request<F: Layout>(object: &mut Object, http: &Http, path: Checked<'_>, route: Option<Checked<'_>>) {
    object.raw(F::METHOD);
    line::method_of(&mut object.bytes, http, b'"');
    object.cuttable(F::PATH, |bytes| path.write(bytes));
    if let Some(route) = route {
        object.checked(F::ROUTE, route);
    }
}

/// How the hop ended.
#[inline]
fn ending<F: Layout>(object: &mut Object, hop: &Hop, end: &End) {
    match usual_end(hop, end).filter(|_| F::ENDS_PLAINLY) {
        Some(digits) => {
            F::usual_end(&mut object.bytes, digits);
            count(&mut object.bytes, end.response_bytes);
        }
        None => any_ending::<F>(object, hop, end),
    }
}

/// The digits of an end as most requests have it.
#[inline]
fn usual_end(hop: &Hop, end: &End) -> Option<UsualEnd> {
    let is_usual = end.outcome == Outcome::Ok && end.error_type.is_none() && end.rpc.is_none();
    if !is_usual || hop.http().is_none() {
        return None;
    }
    Some(UsualEnd {
        status: number::status_digits(end.status?)?,
        took: few_milliseconds(end.at.nanos_since(hop.start))?,
        ttfb: few_milliseconds(end.first_byte?.nanos_since(hop.start))?,
    })
}

fn any_ending<F: Layout>(object: &mut Object, hop: &Hop, end: &End) {
    if let Some(status) = end.status {
        object.raw(F::STATUS);
        number::status(&mut object.bytes, status);
    }
    if let Some(rpc) = end.rpc {
        object.escaped(F::RPC_METHOD, rpc.method().as_bytes());
        object.plain(F::RPC_STATUS, rpc.code.as_str());
    }
    F::duration(object, end.at.nanos_since(hop.start));
    if let Some(first_byte) = end.first_byte {
        object.raw(F::TTFB);
        milliseconds(&mut object.bytes, first_byte.nanos_since(hop.start));
    }
    F::outcome(object, hop, end);
    if hop.http().is_some() {
        object.number(F::RESPONSE_BYTES, end.response_bytes);
    }
}

/// What the user said of the hop.
#[cold]
fn said<F: Layout>(object: &mut Object, notes: &Notes) {
    if let Some([error, sources @ ..]) = notes.error.as_deref() {
        object.users.has_our_error = true;
        object.long_text(F::ERROR, |text| text.write_str(error));
        if !sources.is_empty() {
            object.long_text(F::ERROR_CHAIN, |text| {
                text.write_str(error)?;
                sources.iter().try_for_each(|source| write!(text, ": {source}"))
            });
        }
    }
    notes.fields.iter().for_each(|(name, value)| F::field(object, name, value.into()));
}

fn origin_of<F: Layout>(object: &mut Object, origin: Origin<'_>) {
    if let Some((file, line)) = origin {
        object.escaped(F::FILE, file.as_bytes());
        object.number(F::LINE, line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::members::{Ecs, Gelf, Json, Logstash, Otel};
    use crate::record::ErrorType;

    /// The members of an end, written as usual and as any other.
    fn written<F: Layout>(hop: &Hop, end: &End) -> [Vec<u8>; 2] {
        [ending::<F>, any_ending::<F>].map(|write| {
            let mut object = Object::default();
            write(&mut object, hop, end);
            object.bytes
        })
    }

    proptest! {
        #[test]
        fn a_usual_end_is_written_as_any_other(
            status in prop_oneof![Just(Some(200)), prop::option::of(any::<u16>())],
            took in 0..20_000_000_u64,
            first_byte in prop::option::of(0..20_000_000_u64),
            response_bytes: u64,
        ) {
            let hop = Hop::default();
            let at = hop.start.after_nanos(took);
            let first_byte = first_byte.map(|nanos| hop.start.after_nanos(nanos));
            let (outcome, error_type) = (Outcome::Ok, ErrorType::None);
            let end = End { outcome, error_type, status, rpc: None, at, first_byte, response_bytes };
            for write in [written::<Json>, written::<Ecs>, written::<Logstash>, written::<Gelf>, written::<Otel>] {
                let [usual, any] = write(&hop, &end);
                prop_assert_eq!(usual.escape_ascii().to_string(), any.escape_ascii().to_string());
            }
        }
    }

    #[test]
    fn most_ends_are_usual() {
        let hop = Hop::default();
        let at = hop.start.after_nanos(9_999_999);
        let (outcome, error_type) = (Outcome::Ok, ErrorType::None);
        let end = End {
            outcome,
            error_type,
            status: Some(200),
            rpc: None,
            at,
            first_byte: Some(at),
            response_bytes: 7,
        };
        let digits = usual_end(&hop, &end).expect("usual");
        assert_eq!((&digits.status, &digits.took, &digits.ttfb), (b"200", b"9.999", b"9.999"));
    }
}

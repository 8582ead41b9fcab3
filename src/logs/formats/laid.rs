//! Owns what stands on a line, and in which order: the same in every format that machines read.

use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use super::layout::Layout;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::logs::escape::{self, Escaping, bytes_of, milliseconds};
use crate::logs::fields::{Borrowed, Put};
use crate::logs::json::Object;
use crate::logs::line::{self, Origin, Own};
use crate::logs::told::Borrow;
use crate::resource::Resource;
use crate::scope::{End, Hop, Notes};

/// A format, with what is the same on all its lines made before.
#[derive(Debug)]
pub(in crate::logs) struct Laid<F> {
    /// Behind the line's beginning.
    head: Box<[u8]>,
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

impl<F: Layout> Laid<F> {
    pub(in crate::logs) fn new(resource: &Resource) -> Self {
        let (head, tail) = (F::head(resource).into(), F::tail(resource).into());
        Self { head, tail, format: PhantomData }
    }

    fn begin(&self, object: &mut Object, at: Moment, level: &str) {
        F::begin(object, at, level);
        object.raw(&self.head);
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
        request::<F>(object, *hop, event.is_routed);
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
        self.begin(object, end.at, line::level(hop.kind, end.outcome).as_str());
        object.plain(F::TARGET, line::target(hop.kind));
        match hop.http() {
            Some(http) => object.only_message(F::MESSAGE, |bytes| line::http_message(bytes, hop, http, end)),
            None => object.only_message(F::MESSAGE, |bytes| {
                Escaping::new(bytes).all(|text| line::message(text, hop, end));
            }),
        }
        trace::<F>(object, Some(hop.trace), Some(hop));
        request::<F>(object, Some(hop), true);
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
        request::<F>(object, own.hop, true);
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

/// Where in a trace the line belongs; behind it the attributes begin.
fn trace<F: Layout>(object: &mut Object, trace: Option<TraceContext>, hop: Option<&Hop>) {
    if let Some(trace) = trace {
        F::trace(object, trace, hop);
    }
    F::open(object);
}

/// Of which request the line is.
fn request<F: Layout>(object: &mut Object, hop: Option<&Hop>, is_routed: bool) {
    let Some(hop) = hop else { return };
    if let Some(id) = &hop.request_id {
        object.escaped(F::REQUEST_ID, id.as_bytes());
    }
    let Some(http) = hop.http() else { return };
    object.written(F::METHOD, |bytes| line::method_of(bytes, http));
    object.cuttable(F::PATH, |bytes| bytes_of(bytes, http.path()));
    if let Some(route) = hop.route.get().filter(|_| is_routed) {
        object.escaped(F::ROUTE, route.as_str().as_bytes());
    }
}

/// How the hop ended.
fn ending<F: Layout>(object: &mut Object, hop: &Hop, end: &End) {
    if let Some(status) = end.status {
        object.raw(F::STATUS);
        escape::status(&mut object.bytes, status);
    }
    if let Some(rpc) = end.rpc {
        object.escaped(F::RPC_METHOD, rpc.method().as_bytes());
        object.plain(F::RPC_STATUS, rpc.code.as_str());
    }
    F::duration(object, end.at.since(hop.start));
    if let Some(first_byte) = end.first_byte {
        object.raw(F::TTFB);
        milliseconds(&mut object.bytes, first_byte.since(hop.start));
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

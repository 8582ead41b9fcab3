//! Owns the shape of a line: what stands on it, in which order, in the format that was chosen.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing::{Event, Level};
use tracing_log::NormalizeEvent as _;

use super::cut::Cuts;
use super::escape::{bytes_of, integer, milliseconds, quoted};
use super::fields::{Borrowed, Put as _, Visitor};
use super::json::Object;
use super::options::{Format, Logs};
use super::place::Place;
use super::pretty::Row;
use super::sink::{Exit, Sink};
use super::{line, members, time};
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::names::{attribute, key};
use crate::resource::Resource;
use crate::scope::{End, Hop, Value};

/// A line's shape, with what is the same on all lines made before.
#[derive(Debug)]
pub(super) enum Shape {
    Json {
        /// From the level's closing quote to the target's key.
        head: Box<[u8]>,
        /// Who wrote a request's last line.
        tail: Box<[u8]>,
    },
    Pretty {
        color: bool,
    },
}

/// Where in the code something happened.
pub(super) type Origin<'a> = Option<(&'a str, u32)>;

/// A line of our own.
#[derive(Debug)]
pub(super) struct Own<'a> {
    pub(super) level: &'static str,
    pub(super) target: &'a str,
    pub(super) message: &'a str,
    pub(super) fields: &'a [(&'a str, Value)],
    pub(super) trace: Option<TraceContext>,
    pub(super) hop: Option<&'a Hop>,
    pub(super) origin: Origin<'a>,
}

/// A buffer larger than this is not kept by its thread.
const KEPT: usize = 64 * 1024;

thread_local! {
    // Taken out while in use: the user's code that formats a field may write a line of its own.
    static BUFFER: Cell<Option<Box<Object>>> = const { Cell::new(None) };
}

impl Shape {
    pub(super) fn new(logs: &Logs, resource: &Resource) -> Self {
        if logs.format() == Format::Pretty {
            return Self::Pretty { color: !logs.no_color && std::io::stdout().is_terminal() };
        }
        let member = |bytes: &mut Vec<u8>, name: &str, text: &str| {
            bytes.push(b',');
            quoted(bytes, name);
            bytes.push(b':');
            quoted(bytes, text);
        };
        let (mut head, mut tail) = (b"\"".to_vec(), Vec::new());
        member(&mut head, key::SERVICE, resource.get(attribute::SERVICE_NAME));
        for (name, attribute) in
            [(key::VERSION, attribute::SERVICE_VERSION), (key::INSTANCE, attribute::SERVICE_INSTANCE_ID)]
        {
            match resource.get(attribute) {
                "" => {}
                value => member(&mut tail, name, value),
            }
        }
        Self::Json { head: head.into(), tail: tail.into() }
    }

    /// Does a person read the lines one after the other?
    pub(super) fn keeps_order(&self) -> bool {
        matches!(self, Self::Pretty { .. })
    }

    /// Makes the line of an event.
    pub(super) fn event(&self, exit: &Exit, event: &Event<'_>, place: &Place<'_>) {
        // A record of the `log` crate comes with the metadata of its bridge; its own are in its fields.
        let of_log = if event.metadata().target() == "log" { event.normalized_metadata() } else { None };
        let metadata = of_log.as_ref().unwrap_or(event.metadata());
        let (level, target) = (*metadata.level(), metadata.target());
        let origin = if level == Level::ERROR { metadata.file().zip(metadata.line()) } else { None };
        match self {
            Self::Json { head, .. } => with_buffer(exit, |object| {
                start(object, place.at, level.as_str(), head, target);
                event.record(&mut Visitor(object));
                context(object, place.trace, place.hop);
                (place.spans)(&mut |fields| {
                    fields.iter().for_each(|(name, value)| object.field(name, value.into()));
                });
                origin_of(object, origin);
            }),
            Self::Pretty { color } => {
                let mut row = Row::begin(place.at, level.as_str(), target, *color);
                event.record(&mut Visitor(&mut row));
                row.place(place);
                exit.sink.push(&row.end(place.trace.map(|trace| trace.trace_id)));
            }
        }
    }

    /// Makes the one line of a finished hop, or hands the hop to the writer, who makes it.
    pub(super) fn hop(&self, exit: &Exit, hop: &Arc<Hop>, end: &End) {
        match (self, &exit.sink) {
            (Self::Json { .. }, Sink::Writer(writer)) => writer.push_hop(hop),
            (Self::Json { head, tail }, _) => {
                with_buffer(exit, |object| json_hop(object, head, tail, hop, end))
            }
            (Self::Pretty { color }, _) => {
                let level = line::level(hop.kind, end.outcome);
                let mut row = Row::begin(end.at, level.as_str(), "request", *color);
                row.hop(hop, end);
                exit.sink.push(&row.end(Some(hop.trace.trace_id)));
            }
        }
    }

    /// Appends the line of a finished hop; false if it is too long for every receiver.
    pub(super) fn append_hop(&self, hop: &Hop, cuts: &Cuts, out: &mut Vec<u8>) -> bool {
        let (Self::Json { head, tail }, Some(end)) = (self, hop.end()) else { return false };
        let mut fits = false;
        in_buffer(|object| {
            json_hop(object, head, tail, hop, &end);
            object.end();
            fits = cuts.fit(object);
            if fits {
                out.extend_from_slice(&object.bytes);
            }
        });
        fits
    }

    /// Makes a line of our own.
    pub(super) fn own(&self, exit: &Exit, own: &Own<'_>) {
        match self {
            Self::Json { head, .. } => with_buffer(exit, |object| {
                start(object, Moment::now(), own.level, head, own.target);
                object.our_message(|text| text.all(|text| text.write_str(own.message)));
                context(object, own.trace, own.hop);
                own.fields.iter().for_each(|(name, value)| object.field(name, value.into()));
                origin_of(object, own.origin);
            }),
            Self::Pretty { color } => {
                let mut row = Row::begin(Moment::now(), own.level, own.target, *color);
                row.message(Borrowed::Str(own.message));
                own.fields.iter().for_each(|(name, value)| row.field(name, value.into()));
                if let Some((file, line)) = own.origin {
                    row.own("at", &format!("{file}:{line}"));
                }
                exit.sink.push(&row.end(own.trace.map(|trace| trace.trace_id)));
            }
        }
    }
}

impl<'a> Own<'a> {
    pub(super) fn new(level: &'static str, target: &'a str, message: &'a str) -> Self {
        Self { level, target, message, fields: &[], trace: None, hop: None, origin: None }
    }
}

/// Makes a line in the thread's buffer and hands it on.
fn with_buffer(exit: &Exit, write: impl FnOnce(&mut Object)) {
    in_buffer(|object| {
        write(object);
        object.end();
        exit.take(object);
    });
}

fn in_buffer(write: impl FnOnce(&mut Object)) {
    let mut object = BUFFER.try_with(Cell::take).ok().flatten().unwrap_or_default();
    object.begin();
    write(&mut object);
    if object.bytes.capacity() <= KEPT {
        let _ = BUFFER.try_with(|buffer| buffer.set(Some(object)));
    }
}

fn json_hop(object: &mut Object, head: &[u8], tail: &[u8], hop: &Hop, end: &End) {
    begin(object, end.at, line::level(hop.kind, end.outcome).as_str(), head);
    object.plain(members::TARGET, line::target(hop.kind));
    match hop.http() {
        Some(http) => object.only_message(|bytes| line::http_message(bytes, hop, http, end)),
        None => object.our_message(|text| text.all(|text| line::message(text, hop, end))),
    }
    context(object, Some(hop.trace), Some(hop));
    ending(object, hop, end);
    object.raw(tail);
    notes(object, hop);
}

fn start(object: &mut Object, at: Moment, level: &str, head: &[u8], target: &str) {
    begin(object, at, level, head);
    object.escaped(members::TARGET, target.as_bytes());
}

fn begin(object: &mut Object, at: Moment, level: &str, head: &[u8]) {
    object.raw(b"\"timestamp\":\"");
    object.raw(&time::rfc3339(at));
    object.raw(b"\",\"level\":\"");
    object.raw(level.as_bytes());
    object.raw(head);
}

/// Where in a trace the line belongs, and of which request it is.
fn context(object: &mut Object, trace: Option<TraceContext>, hop: Option<&Hop>) {
    if let Some(trace) = trace {
        object.raw(&members::ids(trace));
    }
    let Some(hop) = hop else { return };
    if let Some(id) = &hop.request_id {
        object.escaped(members::REQUEST_ID, id.as_bytes());
    }
    let Some(http) = hop.http() else { return };
    object.escaped(members::METHOD, line::method(http).as_bytes());
    object.cuttable(members::PATH, |bytes| bytes_of(bytes, http.path()));
    if let Some(route) = hop.route.get() {
        object.escaped(members::ROUTE, route.as_str().as_bytes());
    }
}

/// How the hop ended.
fn ending(object: &mut Object, hop: &Hop, end: &End) {
    if let Some(status) = end.status {
        object.raw(members::STATUS);
        integer(&mut object.bytes, status);
    }
    object.raw(members::DURATION_MS);
    milliseconds(&mut object.bytes, end.at.since(hop.start));
    if let Some(first_byte) = end.first_byte {
        object.raw(members::TTFB_MS);
        milliseconds(&mut object.bytes, first_byte.since(hop.start));
    }
    object.plain(members::OUTCOME, end.outcome.as_str());
    if hop.http().is_some() {
        object.raw(members::RESPONSE_BYTES);
        integer(&mut object.bytes, end.response_bytes);
    }
}

/// What the user said of the hop.
fn notes(object: &mut Object, hop: &Hop) {
    let notes = hop.notes();
    let Some(notes) = notes.as_deref() else { return };
    if let Some([error, sources @ ..]) = notes.error.as_deref() {
        object.our_long_text(key::ERROR, |text| text.all(|text| text.write_str(error)));
        if !sources.is_empty() {
            object.our_long_text(key::ERROR_CHAIN, |text| {
                text.all(|text| {
                    text.write_str(error)?;
                    sources.iter().try_for_each(|source| write!(text, ": {source}"))
                });
            });
        }
    }
    notes.fields.iter().for_each(|(name, value)| object.field(name, value.into()));
}

fn origin_of(object: &mut Object, origin: Origin<'_>) {
    if let Some((file, line)) = origin {
        object.our_text(key::FILE, file);
        object.our_integer(key::LINE, line);
    }
}

//! The shape of a line: what stands on it, in which order, in the format that was chosen.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing::Event;
use tracing_log::NormalizeEvent as _;

use super::buffer::{Event as Unwritten, Unmade, origin};
use super::cut::Cuts;
use super::fields::{Borrowed, Put as _};
use super::formats::{Laid, Lay};
use super::json::Object;
use super::line::{self, Own};
use super::members::{Ecs, Gelf, Json, Logstash, Otel};
use super::options::{Format, Logs};
use super::place::Place;
use super::pretty::{Pretty, Row};
use super::sink::{Exit, Sink};
use super::told::{SHORT, Told};
use crate::clock::Moment;
use crate::record::{End, Hop};
use crate::resource::Resource;

/// A line's shape, with what is the same on all lines made before.
#[derive(Debug)]
pub(super) enum Shape {
    /// Known by its name, because it is what nearly everybody uses.
    Json(Laid<Json>),
    Other(Box<dyn Lay>),
    Pretty {
        color: bool,
    },
}

/// A buffer larger than this is not kept by its thread.
const KEPT: usize = 64 * 1024;

thread_local! {
    // Taken out while in use: the user's code that formats a field may write a line of its own.
    static BUFFER: Cell<Option<Box<Object>>> = const { Cell::new(None) };
}

impl Shape {
    pub(super) fn new(logs: &Logs, resource: &Resource) -> Self {
        match logs.format() {
            Format::Json => Self::Json(Laid::new(resource)),
            Format::Ecs => Self::Other(Box::new(Laid::<Ecs>::new(resource))),
            Format::Logstash => Self::Other(Box::new(Laid::<Logstash>::new(resource))),
            Format::Gelf => Self::Other(Box::new(Laid::<Gelf>::new(resource))),
            Format::Otel => Self::Other(Box::new(Laid::<Otel>::new(resource))),
            Format::Pretty => Self::Pretty { color: !logs.no_color && std::io::stdout().is_terminal() },
        }
    }

    /// Does a person read the lines one after the other?
    pub(super) fn keeps_order(&self) -> bool {
        matches!(self, Self::Pretty { .. })
    }

    /// Makes the line of an event, or hands what it told to the writer, who makes it.
    pub(super) fn event(&self, exit: &Exit, event: &Event<'_>, place: Place<'_>) {
        Told::of(event, |told| {
            (place.spans)(&mut |fields| told.span(fields));
            if self.names_thread() {
                told.thread();
            }
            match (&exit.sink, self) {
                (Sink::Writer(writer), Self::Json(_) | Self::Other(_)) if is_for_writer(event, told) => {
                    writer.push_event(Unwritten::new(event.metadata(), place, told), told);
                }
                _ => self.event_here(exit, event, place, told),
            }
        });
    }

    #[cold]
    fn event_here(&self, exit: &Exit, event: &Event<'_>, place: Place<'_>, told: &Told) {
        let unmade = Unwritten::new(event.metadata(), place, told);
        let mut happened = unmade.happened(told.borrow());
        // A record of the `log` crate comes with the metadata of its bridge; its own are in its fields.
        let of_log = if event.metadata().target() == "log" { event.normalized_metadata() } else { None };
        if let Some(metadata) = &of_log {
            happened.level = metadata.level().as_str();
            happened.target = metadata.target();
            happened.origin = origin(metadata);
        }
        match self {
            Self::Json(laid) => with_buffer(exit, |object| laid.event(object, &happened)),
            Self::Other(laid) => with_buffer(exit, |object| laid.event(object, &happened)),
            Self::Pretty { color } => {
                let mut row = Row::begin(happened.at, happened.level, happened.target, *color);
                happened.told.own.put::<Pretty>(&mut row);
                row.spans(happened.told.spans);
                exit.sink.push(&row.end(happened.trace.map(|trace| trace.trace_id)));
            }
        }
    }

    fn names_thread(&self) -> bool {
        match self {
            Self::Other(laid) => laid.names_thread(),
            Self::Json(_) | Self::Pretty { .. } => false,
        }
    }

    /// Makes the one line of a finished hop, or hands the hop to the writer, who makes it.
    #[inline]
    pub(super) fn hop(&self, exit: &Exit, hop: Arc<Hop>, end: &End) {
        match (&exit.sink, self) {
            (_, Self::Pretty { .. }) | (Sink::Off | Sink::Memory(_), _) => self.hop_here(exit, &hop, end),
            (Sink::Writer(writer), _) => writer.push_hop(hop),
        }
    }

    #[cold]
    fn hop_here(&self, exit: &Exit, hop: &Hop, end: &End) {
        match self {
            Self::Json(laid) => {
                with_buffer(exit, |object| laid.hop(object, hop, end, hop.notes().as_deref()));
            }
            Self::Other(laid) => {
                with_buffer(exit, |object| laid.hop(object, hop, end, hop.notes().as_deref()));
            }
            Self::Pretty { color } => {
                let level = line::level(hop.kind, end.outcome);
                let mut row = Row::begin(end.at, level.as_str(), line::target(hop.kind), *color);
                row.hop(hop, end);
                exit.sink.push(&row.end(Some(hop.trace.trace_id)));
            }
        }
    }

    /// Makes a line behind those that are there; false, and none, if it is too long for every receiver.
    pub(super) fn append(&self, unmade: &Unmade<'_>, cuts: &Cuts, out: &mut Object) -> bool {
        match self {
            Self::Json(laid) => append(laid, unmade, cuts, out),
            Self::Other(laid) => append(&**laid, unmade, cuts, out),
            Self::Pretty { .. } => false,
        }
    }

    /// Makes a line of our own.
    pub(super) fn own(&self, exit: &Exit, own: &Own<'_>) {
        match self {
            Self::Json(laid) => with_buffer(exit, |object| laid.own(object, own)),
            Self::Other(laid) => with_buffer(exit, |object| laid.own(object, own)),
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

/// What is long is cut here, so that nobody's queue holds it; a record of the `log` crate has metadata that live
/// as long as itself.
#[inline]
fn is_for_writer(event: &Event<'_>, told: &Told) -> bool {
    told.text().len() <= SHORT && event.metadata().target() != "log"
}

/// Makes a line in the thread's buffer and hands it on.
fn with_buffer(exit: &Exit, write: impl FnOnce(&mut Object)) {
    let mut object = BUFFER.try_with(Cell::take).ok().flatten().unwrap_or_default();
    object.bytes.clear();
    object.begin();
    write(&mut object);
    exit.take(&mut object);
    if object.bytes.capacity() <= KEPT {
        let _ = BUFFER.try_with(|buffer| buffer.set(Some(object)));
    }
}

fn append<L: Lay + ?Sized>(laid: &L, unmade: &Unmade<'_>, cuts: &Cuts, object: &mut Object) -> bool {
    object.begin();
    let made = match unmade {
        Unmade::Hop(hop) => hop.ended().map(|(end, notes)| laid.hop(object, hop, &end, notes.as_deref())),
        Unmade::Event(event) => {
            laid.event(object, event);
            Some(())
        }
    };
    let fits = made.is_some() && cuts.fit(object);
    if !fits {
        object.forget();
    }
    fits
}

//! The formats of a line. What machines read has the same facts in the same order in each of them (`formatter`); under
//! which keys (`keys`) and with what beside them is a file for each format.

mod cut;
mod ecs;
mod escape;
mod formatter;
mod gelf;
mod json;
mod keys;
mod logstash;
mod number;
mod object;
mod otel;
mod pretty;
#[cfg(test)]
mod tests;
mod time;
mod user_fields;

use std::sync::Arc;

use self::cut::Cuts;
use self::formatter::Formatter;
use self::keys::{Ecs, Gelf, Json, Logstash, Otel};
use self::pretty::Pretty;
use crate::record::{Event, Hop};
use crate::resource::Resource;

pub(super) use cut::LONGEST_LINE;
pub(super) use formatter::Format;
pub(super) use object::Object;

/// What becomes a line.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Event(Event<'a>),
    /// A finished hop.
    Hop(&'a Arc<Hop>),
}

/// Makes the lines of one service: in the format that was chosen, and none longer than receivers take.
#[derive(Debug)]
pub(super) struct LineMaker {
    format: Box<dyn Format>,
    cuts: Cuts,
}

impl LineMaker {
    pub(super) fn new(format: Box<dyn Format>) -> Self {
        Self { format, cuts: Cuts::default() }
    }

    /// Makes a line behind those that are there; false, and none, if it is too long for every receiver.
    #[inline(always)]
    pub(super) fn append(&self, item: &Item<'_>, object: &mut Object) -> bool {
        self.write(item, object) && (object.line().len() <= LONGEST_LINE || self.append_cut(item, object))
    }

    /// False, and no line, of a hop that has not ended.
    #[inline(always)]
    fn write(&self, item: &Item<'_>, object: &mut Object) -> bool {
        match item {
            Item::Event(event) => self.format.event(object, event),
            Item::Hop(hop) => match hop.ended() {
                Some((end, notes)) => self.format.hop(object, hop, &end, notes.as_deref()),
                None => return false,
            },
        }
        true
    }

    #[cold]
    fn append_cut(&self, item: &Item<'_>, object: &mut Object) -> bool {
        object.again(|object| _ = self.write(item, object));
        let fits = self.cuts.fit(object);
        if !fits {
            object.forget();
        }
        fits
    }

    pub(super) fn names_thread(&self) -> bool {
        self.format.names_thread()
    }

    /// Does a person read the lines one after the other?
    pub(super) fn keeps_order(&self) -> bool {
        self.format.keeps_order()
    }

    /// How many lines had a value cut.
    pub(super) fn shortened(&self) -> u64 {
        self.cuts.count()
    }
}

/// Which format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormatName {
    Json,
    Ecs,
    Logstash,
    Gelf,
    Otel,
    Pretty,
}

impl FormatName {
    pub(super) const ALL: [Self; 6] =
        [Self::Json, Self::Ecs, Self::Logstash, Self::Gelf, Self::Otel, Self::Pretty];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ecs => "ecs",
            Self::Logstash => "logstash",
            Self::Gelf => "gelf",
            Self::Otel => "otel",
            Self::Pretty => "pretty",
        }
    }

    /// The format. `color`: for what a person at a terminal reads.
    pub(super) fn format(self, resource: &Resource, color: bool) -> Box<dyn Format> {
        match self {
            Self::Json => Box::new(Formatter::<Json>::new(resource)),
            Self::Ecs => Box::new(Formatter::<Ecs>::new(resource)),
            Self::Logstash => Box::new(Formatter::<Logstash>::new(resource)),
            Self::Gelf => Box::new(Formatter::<Gelf>::new(resource)),
            Self::Otel => Box::new(Formatter::<Otel>::new(resource)),
            Self::Pretty => Box::new(Pretty { color }),
        }
    }
}

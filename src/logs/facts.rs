//! What a line says, for whoever says the same elsewhere: under the keys of the format `json`, whatever format the lines
//! have, and without anything that a line would hide.

use std::sync::Arc;

use super::formats::{FormatName, Item, LineMaker, Object};
use super::hop_line;
use crate::clock::Moment;
use crate::record::{End, Event, Hop, Severity, Snapshot, Value};
use crate::resource::Resource;

/// Makes the facts of lines.
#[derive(Debug)]
pub(crate) struct Facts(LineMaker);

impl Facts {
    pub(crate) fn new(resource: &Resource) -> Self {
        Self(LineMaker::new(FormatName::Json.format(resource, false)))
    }

    /// The line of a hop that has ended, as JSON; empty if it is too long for every receiver.
    pub(crate) fn of_hop(&self, hop: &Arc<Hop>) -> Vec<u8> {
        self.of(&Item::Hop(hop))
    }

    /// The line of an event.
    pub(crate) fn of_event(&self, event: Event<'_>) -> Vec<u8> {
        self.of(&Item::Event(event))
    }

    fn of(&self, item: &Item<'_>) -> Vec<u8> {
        let mut object = Object::default();
        self.0.append(item, &mut object);
        object.bytes
    }
}

/// A moment as lines say it.
pub(crate) fn timestamp(at: Moment) -> String {
    let mut object = Object::default();
    object.time(at);
    String::from_utf8(object.bytes).unwrap_or_default()
}

/// What is said of a call, a query or a job on the trail of the request that made it: what, how it ended, and for how long
/// it took.
pub(crate) fn crumb(hop: &Hop, end: &End) -> Snapshot {
    let mut message = String::new();
    // Writing to a string does not fail.
    let _ = hop_line::message(&mut message, hop, end);
    let severity = if end.outcome.is_good() { Severity::Info } else { Severity::Warn };
    let mut said = Snapshot::new(severity, hop_line::target(hop.kind), &message);
    said.info.at = end.at;
    said.info.trace = Some(hop.trace_now());
    said.add("took_ms", &Value::F64(end.at.nanos_since(hop.start) as f64 / 1e6));
    if let Some(error) = hop.notes().as_ref().and_then(|notes| notes.error.as_ref()?.first().cloned()) {
        said.add("error", &Value::from(error));
    }
    said
}

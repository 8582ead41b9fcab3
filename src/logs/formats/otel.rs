//! The format `otel`: OpenTelemetry's log data model, as JSON; what the semantic conventions name stands in
//! `attributes`, and who speaks in `resource`.

use super::layout::{Layout, put, rank};
use crate::clock::Moment;
use crate::logs::escape::{quoted, text_of};
use crate::logs::fields::Borrowed;
use crate::logs::json::Object;
use crate::logs::members::{Members as _, Otel};
use crate::logs::time;
use crate::logs::users::Names;
use crate::names::FORMATS;
use crate::record::{End, Hop, Outcome};
use crate::resource::Resource;

/// The data model's numbers of the levels.
const LEVELS: [&[u8]; 6] = [b"1", b"5", b"9", b"13", b"17", b"21"];

/// What is the same for every line that this library writes.
const NOT_SAID: &str = "telemetry.";

const NAMES: Names = Names {
    text: "",
    number: "",
    bools_are_text: false,
    odd_numbers_are_text: false,
    write: text_of,
    // An attribute has a name; one that is empty gets the prefix.
    is_ours: |name| name.is_empty() || FORMATS.iter().any(|row| row[4].as_bytes() == name),
};

impl Layout for Otel {
    const HAS_ATTRIBUTES: bool = true;

    fn begin(object: &mut Object, at: Moment) {
        object.users.begin();
        object.raw(b"\"timestamp\":\"");
        object.raw(&time::rfc3339(at));
    }

    fn level(object: &mut Object, level: &str) {
        object.raw(b"\",\"severity_text\":\"");
        object.raw(level.as_bytes());
        object.raw(b"\",\"severity_number\":");
        object.raw(LEVELS[rank(level)]);
    }

    fn head(resource: &Resource) -> Vec<u8> {
        let mut head = b",\"resource\":{".to_vec();
        let said = resource.iter().filter(|(name, value)| !name.starts_with(NOT_SAID) && !value.is_empty());
        for (place, (name, value)) in said.enumerate() {
            if place > 0 {
                head.push(b',');
            }
            quoted(&mut head, name);
            head.push(b':');
            quoted(&mut head, value);
        }
        head.push(b'}');
        head
    }

    fn tail(_: &Resource) -> Vec<u8> {
        Vec::new()
    }

    fn field(object: &mut Object, name: &str, value: Borrowed<'_>) {
        put::<Self>(object, &NAMES, name, value);
    }

    fn open(object: &mut Object) {
        object.raw(b",\"attributes\":{");
        object.users.opened = object.bytes.len();
    }

    fn outcome(object: &mut Object, _: &Hop, end: &End) {
        object.plain(Self::OUTCOME, end.outcome.as_str());
        end.error_type.with_str(|word| object.plain(Self::ERROR_TYPE, word));
    }

    fn panicked(object: &mut Object) {
        object.plain(Self::ERROR_TYPE, Outcome::Panic.as_str());
    }

    /// Every member begins with its comma; that of the first attribute becomes a blank.
    fn end(object: &mut Object) {
        object.message_if_none(Self::MESSAGE, Self::NO_MESSAGE);
        let opened = object.users.opened;
        if let Some(comma) = object.bytes.get_mut(opened).filter(|byte| **byte == b',') {
            *comma = b' ';
        }
        object.raw(b"}}\n");
    }
}

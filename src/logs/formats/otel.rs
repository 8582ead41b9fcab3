//! The format `otel`: OpenTelemetry's log data model, as JSON; what the semantic conventions name stands in
//! `attributes`, and who speaks in `resource`.

use super::escape::{escape, is_plain, quoted};
use super::formatter::Schema;
use super::keys::{Keys as _, Otel, joined, length, member};
use super::object::Object;
use super::user_fields::Naming;
use crate::clock::Moment;
use crate::names::{Conventions, FORMATS, attribute};
use crate::record::{End, Hop, Outcome, Severity};
use crate::resource::Resource;

/// What is the same for every line that this library writes.
const NOT_SAID: &str = "telemetry.";

const STABLE_RPC_STATUS: &[u8] = member!(attribute::RPC_STATUS_CODE, "\"");

impl Naming for Otel {
    fn ours() -> Vec<&'static str> {
        FORMATS.iter().map(|row| row[4]).chain([attribute::RPC_STATUS_CODE]).collect()
    }

    fn write(out: &mut Vec<u8>, name: &[u8]) {
        escape(out, name);
    }

    #[inline]
    fn is_plain(name: &[u8]) -> bool {
        is_plain(name) && !Self::is_refused(name)
    }

    /// An attribute has a name; one that is empty gets the prefix.
    fn is_refused(name: &[u8]) -> bool {
        name.is_empty()
    }
}

impl Schema for Otel {
    fn begin(object: &mut Object, at: Moment) {
        object.raw(b"{\"timestamp\":\"");
        object.time(at);
    }

    fn level(object: &mut Object, severity: Severity) {
        object.raw(b"\",\"severity_text\":\"");
        object.raw(severity.as_str().as_bytes());
        object.raw(b"\"");
        object.number(b",\"severity_number\":", severity.number());
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

    fn open(object: &mut Object) {
        object.raw(b",\"attributes\":{");
        object.opened = object.bytes.len();
    }

    fn outcome(object: &mut Object, _: &Hop, end: &End) {
        object.plain(Self::OUTCOME, end.outcome.as_str().as_bytes());
        end.error_type.with_str(|word| object.text(Self::ERROR_TYPE, word.as_bytes()));
    }

    fn rpc_status(object: &mut Object, name: &'static str) {
        let key = if Conventions::has_stable_rpc() { STABLE_RPC_STATUS } else { Self::RPC_STATUS };
        object.plain(key, name.as_bytes());
    }

    fn panicked(object: &mut Object) {
        object.plain(Self::ERROR_TYPE, Outcome::Panic.as_str().as_bytes());
    }

    /// Every key begins with its comma; that of the first attribute becomes a blank.
    fn end(object: &mut Object) {
        let opened = object.opened;
        if let Some(comma) = object.bytes.get_mut(opened).filter(|byte| **byte == b',') {
            *comma = b' ';
        }
        object.raw(b"}}\n");
    }
}

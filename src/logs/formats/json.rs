//! The format `json`: flat, short names, the user's fields beside ours.

use super::escape::{escape, quoted};
use super::formatter::{Schema, member};
use super::keys::Json;
use super::object::Object;
use super::user_fields::Names;
use crate::clock::Moment;
use crate::names::{attribute, key};
use crate::record::Severity;
use crate::resource::Resource;

const NAMES: Names = Names {
    text: "",
    number: "",
    bools_are_text: false,
    odd_numbers_are_text: false,
    errors_are_text: false,
    write: escape,
    ours: || [key::RESERVED, &[key::ERROR]].concat(),
    is_refused: |_| false,
    dots_are_ours: false,
};

impl Schema for Json {
    const NAMES: &'static Names = &NAMES;

    fn begin(object: &mut Object, at: Moment) {
        object.raw(b"\"timestamp\":\"");
        object.time(at);
    }

    /// Its closing quote is the head's first byte.
    fn level(object: &mut Object, severity: Severity) {
        object.raw(b"\",\"level\":\"");
        object.raw(severity.as_str().as_bytes());
    }

    fn head(resource: &Resource) -> Vec<u8> {
        let mut head = b"\",".to_vec();
        quoted(&mut head, key::SERVICE);
        head.push(b':');
        quoted(&mut head, resource.get(attribute::SERVICE_NAME));
        head
    }

    fn tail(resource: &Resource) -> Vec<u8> {
        let mut tail = Vec::new();
        member(&mut tail, key::VERSION, resource.get(attribute::SERVICE_VERSION));
        member(&mut tail, key::INSTANCE, resource.get(attribute::SERVICE_INSTANCE_ID));
        tail
    }
}

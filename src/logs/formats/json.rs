//! The format `json`: flat, short names, the user's fields beside ours.

use super::escape::{escape, is_plain, quoted};
use super::formatter::{Schema, member};
use super::keys::Json;
use super::object::Object;
use super::user_fields::Naming;
use crate::clock::Moment;
use crate::names::{attribute, key};
use crate::record::Severity;
use crate::resource::Resource;

impl Naming for Json {
    const ERRORS_ARE_TEXT: bool = false;

    fn ours() -> Vec<&'static str> {
        [key::RESERVED, &[key::ERROR]].concat()
    }

    fn write(out: &mut Vec<u8>, name: &[u8]) {
        escape(out, name);
    }

    #[inline]
    fn is_plain(name: &[u8]) -> bool {
        is_plain(name)
    }
}

impl Schema for Json {
    fn begin(object: &mut Object, at: Moment) {
        object.raw(b"{\"timestamp\":\"");
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

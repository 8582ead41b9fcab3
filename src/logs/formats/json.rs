//! The format `json`: flat, short names, the user's fields beside ours.

use super::layout::{Layout, member};
use crate::clock::Moment;
use crate::logs::escape::quoted;
use crate::logs::fields::Borrowed;
use crate::logs::json::Object;
use crate::logs::members::Json;
use crate::logs::time;
use crate::names::{attribute, key};
use crate::resource::Resource;

impl Layout for Json {
    #[inline(always)]
    fn begin(object: &mut Object, at: Moment) {
        const KEY: &[u8; 13] = b"\"timestamp\":\"";
        let mut text = [0; KEY.len() + time::WIDTH];
        text[..KEY.len()].copy_from_slice(KEY);
        text[KEY.len()..].copy_from_slice(&time::rfc3339(at));
        object.raw(&text);
    }

    /// Its closing quote is the head's first byte.
    fn level(object: &mut Object, level: &str) {
        object.raw(b"\",\"level\":\"");
        object.raw(level.as_bytes());
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

    fn field(object: &mut Object, name: &str, value: Borrowed<'_>) {
        object.field(name, value);
    }

    fn message(object: &mut Object, value: Borrowed<'_>) {
        object.message(value);
    }

    fn thread(object: &mut Object, name: &str) {
        object.field("thread", Borrowed::Str(name));
    }

    #[inline]
    fn end(object: &mut Object) {
        object.end();
    }
}

//! The format `logstash`: what logstash-logback-encoder writes and the codec `json_lines` reads; flat.

use super::layout::{Layout, member, put, rank};
use crate::clock::Moment;
use crate::logs::escape::text_of;
use crate::logs::fields::Borrowed;
use crate::logs::json::Object;
use crate::logs::members::Logstash;
use crate::logs::time;
use crate::logs::users::{Names, write_word};
use crate::names::{FORMATS, attribute, logstash};
use crate::resource::Resource;

/// Logback's numbers of the levels; it has no FATAL, which is Log4j's.
const LEVELS: [&[u8]; 6] = [b"5000", b"10000", b"20000", b"30000", b"40000", b"50000"];

/// What Logstash keeps for itself, and in which type.
const LOGSTASHS: [&[u8]; 2] = [b"@metadata", b"tags"];

const NAMES: Names = Names {
    text: "",
    number: "",
    bools_are_text: false,
    odd_numbers_are_text: false,
    write: write_name,
    // Behind a dot stands a part of an object, and none of our values is one. Elasticsearch keeps `_id` and its like.
    is_ours: |name| {
        let first = name.split(|byte| *byte == b'.').next().unwrap_or_default();
        let ours = FORMATS.iter().any(|row| row[2].as_bytes() == first);
        ours || LOGSTASHS.contains(&first) || first.first() == Some(&b'_')
    },
};

impl Layout for Logstash {
    const NAMES_THREAD: bool = true;

    fn begin(object: &mut Object, at: Moment) {
        object.users.begin();
        object.raw(b"\"@timestamp\":\"");
        object.raw(&time::rfc3339(at));
    }

    fn level(object: &mut Object, level: &str) {
        object.raw(b"\",\"@version\":\"1\",\"level\":\"");
        object.raw(level.as_bytes());
        object.raw(b"\",\"level_value\":");
        object.raw(LEVELS[rank(level)]);
    }

    fn head(resource: &Resource) -> Vec<u8> {
        let mut head = Vec::new();
        member(&mut head, logstash::SERVICE, resource.get(attribute::SERVICE_NAME));
        head
    }

    fn tail(resource: &Resource) -> Vec<u8> {
        let mut tail = Vec::new();
        member(&mut tail, logstash::VERSION, resource.get(attribute::SERVICE_VERSION));
        member(&mut tail, logstash::INSTANCE, resource.get(attribute::SERVICE_INSTANCE_ID));
        tail
    }

    fn field(object: &mut Object, name: &str, value: Borrowed<'_>) {
        put::<Self>(object, &NAMES, name, value);
    }
}

/// A name as it is, unless Logstash would read it as a reference, or Elasticsearch find a part without a name in it.
fn write_name(out: &mut Vec<u8>, name: &str) {
    let is_reference = name.contains(['[', ']']);
    if is_reference || name.split('.').any(|part| part.trim().is_empty()) {
        write_word(out, name, |c| c == '-' || c.is_alphanumeric());
    } else {
        text_of(out, name);
    }
}

//! The format `logstash`: what logstash-logback-encoder writes and the codec `json_lines` reads; flat.

use super::escape::escape;
use super::formatter::{Schema, member};
use super::keys::Logstash;
use super::object::Object;
use super::user_fields::{Naming, is_word, write_word};
use crate::clock::Moment;
use crate::names::{FORMATS, attribute, logstash};
use crate::record::Severity;
use crate::resource::Resource;

/// Logback's numbers of the levels; it has no FATAL, which is Log4j's.
const LEVELS: [&[u8]; 6] = [b"5000", b"10000", b"20000", b"30000", b"40000", b"50000"];

/// What Logstash keeps for itself, and in which type.
const LOGSTASHS: [&str; 2] = ["@metadata", "tags"];

impl Naming for Logstash {
    /// Behind a dot stands a part of an object, and none of our values is one.
    const DOTS_ARE_OURS: bool = true;

    fn ours() -> Vec<&'static str> {
        FORMATS.iter().map(|row| row[2]).chain(LOGSTASHS).collect()
    }

    /// As it is, unless Logstash would read it as a reference, or Elasticsearch find a part without a name in it.
    fn write(out: &mut Vec<u8>, name: &[u8]) {
        let is_reference = name.iter().any(|byte| matches!(byte, b'[' | b']'));
        let is_blank = |part: &[u8]| std::str::from_utf8(part).is_ok_and(|part| part.trim().is_empty());
        if is_reference || name.split(|byte| *byte == b'.').any(is_blank) {
            write_word(out, name, |c| c == '-' || c.is_alphanumeric());
        } else {
            escape(out, name);
        }
    }

    fn is_plain(name: &[u8]) -> bool {
        is_word(name, b"-") && !Self::is_refused(name)
    }

    /// Elasticsearch keeps `_id` and its like.
    fn is_refused(name: &[u8]) -> bool {
        matches!(name, [] | [b'_', ..])
    }
}

impl Schema for Logstash {
    const NAMES_THREAD: bool = true;

    fn begin(object: &mut Object, at: Moment) {
        object.raw(b"{\"@timestamp\":\"");
        object.time(at);
    }

    fn level(object: &mut Object, severity: Severity) {
        object.raw(b"\",\"@version\":\"1\",\"level\":\"");
        object.raw(severity.as_str().as_bytes());
        object.raw(b"\",\"level_value\":");
        object.raw(LEVELS[severity as usize]);
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
}

//! The format `gelf`: Graylog Extended Log Format 1.1; everything beside its few own keys has a `_` in front.

use super::formatter::{Schema, member};
use super::keys::Gelf;
use super::number::integer;
use super::object::Object;
use super::user_fields::{Naming, is_word, write_word};
use crate::clock::Moment;
use crate::file;
use crate::names::{FORMATS, attribute, gelf};
use crate::record::Severity;
use crate::resource::Resource;

/// Syslog's numbers of the levels (RFC 5424, 6.2.1), with the word beside them.
const LEVELS: [&[u8]; 6] = [b"7", b"7", b"6", b"4", b"3", b"2"];

/// The resource's attribute that names the machine.
const HOST_NAME: &str = "host.name";

/// Where Linux says what the machine is called.
const HOST_FILE: &str = "/proc/sys/kernel/hostname";

/// What Graylog fills itself once the `_` is gone; `_id` the format forbids.
const GRAYLOGS: [&str; 8] =
    ["id", "full_message", "host", "level", "message", "source", "streams", "timestamp"];

impl Naming for Gelf {
    const TEXT: &'static str = "_";
    const NUMBER: &'static str = "_";
    const BOOLS_ARE_TEXT: bool = true;

    fn ours() -> Vec<&'static str> {
        let additional = |key: &'static str| key.strip_prefix('_').unwrap_or(key);
        FORMATS.iter().map(|row| additional(row[3])).chain(GRAYLOGS).collect()
    }

    fn write(out: &mut Vec<u8>, name: &[u8]) {
        write_word(out, name, |c| matches!(c, '-' | '.'));
    }

    fn is_plain(name: &[u8]) -> bool {
        is_word(name, b"-.") && !Self::is_refused(name)
    }

    fn is_refused(name: &[u8]) -> bool {
        name.is_empty() || name.starts_with(b"gl2_")
    }
}

impl Schema for Gelf {
    fn begin(object: &mut Object, at: Moment) {
        let nanos = at.unix_nanos();
        object.raw(b"{\"version\":\"1.1\",\"timestamp\":");
        integer(&mut object.bytes, nanos / 1_000_000_000);
        let digit = |place: u64| b'0' + (nanos / 1_000 / place % 10) as u8;
        object.raw(&[b'.', digit(100_000), digit(10_000), digit(1_000), digit(100), digit(10), digit(1)]);
    }

    fn level(object: &mut Object, severity: Severity) {
        object.raw(b",\"level\":");
        object.raw(LEVELS[severity as usize]);
        object.plain(b",\"_level_name\":\"", severity.as_str().as_bytes());
    }

    fn head(resource: &Resource) -> Vec<u8> {
        let mut head = Vec::new();
        member(&mut head, gelf::HOST, &host(resource));
        member(&mut head, gelf::SERVICE, resource.get(attribute::SERVICE_NAME));
        head
    }

    fn tail(resource: &Resource) -> Vec<u8> {
        let mut tail = Vec::new();
        member(&mut tail, gelf::VERSION, resource.get(attribute::SERVICE_VERSION));
        member(&mut tail, gelf::INSTANCE, resource.get(attribute::SERVICE_INSTANCE_ID));
        tail
    }

    /// It is mandatory, and Graylog takes no blank one.
    fn message(object: &mut Object, text: &[u8]) {
        object.text(b"", if is_blank(text) { b"-" } else { text });
    }
}

/// The machine; where its name is not known, the service, which the format allows as well.
fn host(resource: &Resource) -> String {
    let named = resource.get(HOST_NAME);
    if !named.is_empty() {
        return named.to_owned();
    }
    let read = file::read(HOST_FILE).ok().and_then(|read| String::from_utf8(read).ok()).unwrap_or_default();
    match (read.trim(), resource.get(attribute::SERVICE_NAME)) {
        ("", "") => "unknown".to_owned(),
        ("", service) => service.to_owned(),
        (host, _) => host.to_owned(),
    }
}

/// Is there nothing to see?
fn is_blank(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.chars().all(|c| c.is_whitespace() || c.is_control()))
}

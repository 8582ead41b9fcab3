//! The format `gelf`: Graylog Extended Log Format 1.1; everything beside its few own keys has a `_` in front.

use super::layout::{Layout, member, put, rank};
use crate::clock::Moment;
use crate::file;
use crate::logs::fields::Borrowed;
use crate::logs::json::Object;
use crate::logs::members::{Gelf, Members as _};
use crate::logs::number::integer;
use crate::logs::users::{Names, write_word};
use crate::names::{FORMATS, attribute, gelf, key};
use crate::resource::Resource;

/// Syslog's numbers of the levels (RFC 5424, 6.2.1), with the word beside them.
const LEVELS: [&[u8]; 6] = [b"7", b"7", b"6", b"4", b"3", b"2"];

/// The resource's attribute that names the machine.
const HOST_NAME: &str = "host.name";

/// Where Linux says what the machine is called.
const HOST_FILE: &str = "/proc/sys/kernel/hostname";

/// What Graylog fills itself once the `_` is gone; `_id` the format forbids.
const GRAYLOGS: [&[u8]; 8] =
    [b"id", b"full_message", b"host", b"level", b"message", b"source", b"streams", b"timestamp"];

const NAMES: Names = Names {
    text: "_",
    number: "_",
    bools_are_text: true,
    odd_numbers_are_text: false,
    write: |out, name| write_word(out, name, |c| matches!(c, '-' | '.')),
    is_ours: |name| {
        let additional = |key: &'static str| key.strip_prefix('_').unwrap_or(key);
        let ours = FORMATS.iter().any(|row| additional(row[3]).as_bytes() == name);
        ours || GRAYLOGS.contains(&name) || name.starts_with(b"gl2_")
    },
};

impl Layout for Gelf {
    /// The short message is mandatory, and Graylog takes no blank one.
    const NO_MESSAGE: &'static [u8] = b"-";

    fn begin(object: &mut Object, at: Moment) {
        object.users.begin();
        let nanos = at.unix_nanos();
        object.raw(b"\"version\":\"1.1\",\"timestamp\":");
        integer(&mut object.bytes, nanos / 1_000_000_000);
        // Six digits behind the point: the seventh is a one that is cut off.
        object.raw(b".");
        let start = object.bytes.len();
        integer(&mut object.bytes, 1_000_000 + nanos / 1_000 % 1_000_000);
        object.bytes.remove(start);
    }

    fn level(object: &mut Object, level: &str) {
        object.raw(b",\"level\":");
        object.raw(LEVELS[rank(level)]);
        object.raw(b",\"_level_name\":\"");
        object.raw(level.as_bytes());
        object.raw(b"\"");
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

    fn field(object: &mut Object, name: &str, value: Borrowed<'_>) {
        put::<Self>(object, &NAMES, name, value);
    }

    fn message(object: &mut Object, value: Borrowed<'_>) {
        if !object.message_as(Self::MESSAGE, value) {
            return Self::field(object, key::MESSAGE, value);
        }
        if is_blank(object.last_text()) {
            object.replace_last_text(Self::NO_MESSAGE);
        }
    }
}

/// The machine; where nobody knows it, the service, which the format allows as well.
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

/// Is there nothing to see in an escaped text?
fn is_blank(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let blank = match c {
            // Escaped as a number is only what steers or ends a line.
            '\\' => match chars.next() {
                Some('u') => chars.nth(3).is_some(),
                Some('b' | 'f' | 'n' | 'r' | 't') => true,
                _ => false,
            },
            c => c.is_whitespace(),
        };
        if !blank {
            return false;
        }
    }
    true
}

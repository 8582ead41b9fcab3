//! How JSON is written piece by piece: serde_json for texts, the rest has nothing to escape.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

/// Writes what needs no escape. Writing into memory does not fail.
pub(super) fn write(out: &mut Vec<u8>, what: fmt::Arguments<'_>) {
    let _ = out.write_fmt(what);
}

/// Writes a text with its quotes.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

/// Writes an object of texts.
pub(super) fn object(out: &mut Vec<u8>, pairs: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) {
    let _ = serde_json::to_writer(out, pairs);
}

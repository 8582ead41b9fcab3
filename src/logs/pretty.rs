//! One line for a person at a terminal.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::fields::{Borrowed, Put};
use super::line;
use super::time::rfc3339;
use super::told::Fields;
use crate::clock::Moment;
use crate::names::key;
use crate::record::{End, Hop, Joined, Piece, Subject};
use crate::terminal::{DIM, PLAIN, RED, visible};

/// The format `pretty`.
#[derive(Debug)]
pub(super) struct Pretty;

/// A line in the making: the message comes first, whenever it is known.
#[derive(Debug)]
pub(super) struct Row {
    head: String,
    message: String,
    fields: String,
    names: Vec<String>,
    color: bool,
}

impl Row {
    pub(super) fn begin(at: Moment, level: &'static str, target: &str, color: bool) -> Self {
        let mut row = Self {
            head: String::with_capacity(256),
            message: String::new(),
            fields: String::new(),
            names: Vec::new(),
            color,
        };
        let time = rfc3339(at);
        let clock = time.get(11..23).and_then(|time| std::str::from_utf8(time).ok()).unwrap_or_default();
        let _ = write!(
            row.head,
            "{}{clock}{} {}{level:>5}{} {}{}{}: ",
            row.style(DIM),
            row.style(PLAIN),
            row.style(color_of(level)),
            row.style(PLAIN),
            row.style(DIM),
            // Of our own lines what is left is a word: `request`, `client`, `work`.
            visible(target.strip_prefix("tower_observability::").unwrap_or(target)),
            row.style(PLAIN),
        );
        row
    }

    /// Puts the fields of the spans around an event on the line.
    pub(super) fn spans(&mut self, fields: Fields<'_>) {
        fields.each(|name, value| self.field(name, value));
    }

    pub(super) fn hop(&mut self, hop: &Hop, end: &End) {
        let _ = self.subject(hop);
        let _ = line::ending(&mut self.message, end);
        let millis = end.at.since(hop.start).as_secs_f64() * 1_000.0;
        self.own("", &format!("{millis:.1}ms"));
        if end.response_bytes > 0 {
            self.own("", &format!("{}B", end.response_bytes));
        }
        let notes = hop.notes();
        let Some(notes) = notes.as_deref() else { return };
        if let Some(error) = notes.error.as_deref() {
            self.own(key::ERROR, &error.join(": "));
        }
        notes.fields.iter().for_each(|(name, value)| self.field(name, value.into()));
    }

    /// What was asked for is the path; the route stands behind it where it is another word.
    fn subject(&mut self, hop: &Hop) -> fmt::Result {
        let Subject::Http(http) = &hop.subject else { return line::subject(&mut self.message, hop) };
        let path = http.piece(Piece::Path);
        line::subject_of_http(&mut self.message, hop.kind, http, path)?;
        if let Some(route) = hop.route.get().filter(|route| route.as_str() != path) {
            self.own(key::ROUTE, route.as_str());
        }
        Ok(())
    }

    /// Ends the line; the trace id finds the others of its request, here and elsewhere.
    pub(super) fn end(mut self, trace: Option<crate::context::TraceId>) -> Vec<u8> {
        if let Some(trace) = trace {
            self.own("trace", &trace.to_string());
        }
        let mut bytes = std::mem::take(&mut self.head).into_bytes();
        bytes.extend_from_slice(visible(&self.message).as_bytes());
        bytes.extend_from_slice(self.fields.as_bytes());
        bytes.push(b'\n');
        bytes
    }

    /// Writes something of ours behind the message.
    pub(super) fn own(&mut self, name: &str, value: &str) {
        let (dim, plain) = (self.style(DIM), self.style(PLAIN));
        let equals = if name.is_empty() { "" } else { "=" };
        let _ = write!(self.fields, " {dim}{name}{equals}{plain}{}", word(value));
    }

    fn style(&self, code: &'static str) -> &'static str {
        if self.color { code } else { "" }
    }
}

impl Put<Pretty> for Row {
    fn message(&mut self, value: Borrowed<'_>) {
        if self.message.is_empty() {
            self.message = text(value).into_owned();
        } else {
            self.field(key::MESSAGE, value);
        }
    }

    fn field(&mut self, name: &str, value: Borrowed<'_>) {
        if self.names.iter().any(|known| known == name) {
            return;
        }
        self.names.push(name.to_owned());
        self.own(&visible(name), &text(value));
    }
}

fn color_of(level: &str) -> &'static str {
    match level {
        "ERROR" | "FATAL" => RED,
        "WARN" => "\x1b[33m",
        "INFO" => "\x1b[32m",
        "DEBUG" => "\x1b[34m",
        _ => "\x1b[35m",
    }
}

fn text(value: Borrowed<'_>) -> Cow<'_, str> {
    match value {
        Borrowed::Bool(value) => value.to_string().into(),
        Borrowed::I64(value) => value.to_string().into(),
        Borrowed::U64(value) => value.to_string().into(),
        Borrowed::F64(value) => value.to_string().into(),
        Borrowed::Str(text) => text.into(),
        Borrowed::List(texts) => Joined(texts).to_string().into(),
        Borrowed::Told(text) => std::str::from_utf8(text).unwrap_or_default().into(),
        Borrowed::Error(text, chain) => std::str::from_utf8(chain.unwrap_or(text)).unwrap_or_default().into(),
    }
}

/// A value as one word: quoted where a blank or nothing would hide where it ends.
fn word(value: &str) -> Cow<'_, str> {
    let shown = visible(value);
    if shown.is_empty() || shown.contains([' ', '"', '=']) {
        format!("\"{}\"", shown.replace('"', "\\\"")).into()
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(write: impl FnOnce(&mut Row)) -> String {
        let mut row = Row::begin(Moment::now(), "INFO", "app", false);
        write(&mut row);
        let line = String::from_utf8(row.end(None)).expect("UTF-8");
        line.get(13..).expect("a time").to_owned()
    }

    #[test]
    fn the_message_comes_first_and_each_field_once() {
        let line = row(|row| {
            row.field("a", Borrowed::I64(1));
            row.message(Borrowed::Str("hello \"you\""));
            row.field("a", Borrowed::I64(2));
            row.field("b", Borrowed::Str("two words"));
            row.field("c", Borrowed::Bool(true));
        });
        assert_eq!(line, " INFO app: hello \"you\" a=1 b=\"two words\" c=true\n");
    }

    #[test]
    fn nothing_in_a_line_ends_it_or_steers_the_terminal() {
        let line = row(|row| {
            row.message(Borrowed::Str("a\nb\x1b[2J\u{9b}"));
            row.field("x\n", Borrowed::Str("\u{2028}\r"));
            row.field("d", Borrowed::Told(b"\x1b]0;\x07"));
        });
        assert!(
            !line.trim_end_matches('\n').contains(|c: char| c.is_control() || c == '\u{2028}'),
            "{line:?}"
        );
    }

    #[test]
    fn colours_are_there_only_where_they_are_wanted() {
        let line = |color| Row::begin(Moment::now(), "ERROR", "app", color).end(None);
        assert!(line(true).contains(&0x1b) && !line(false).contains(&0x1b));
    }
}

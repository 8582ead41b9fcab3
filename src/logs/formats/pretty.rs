//! One line for a person at a terminal.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::formatter::Format;
use super::object::Object;
use super::time::Calendar;
use crate::clock::Moment;
use crate::context::TraceId;
use crate::logs::hop_line;
use crate::names::key;
use crate::record::{End, Event, FieldValue, Hop, Notes, Piece, Severity, Subject};
use crate::terminal::{DIM, PLAIN, RED, visible};

/// The format `pretty`.
#[derive(Debug)]
pub(super) struct Pretty {
    pub(super) color: bool,
}

/// A line in the making: the message comes first, whenever it is known.
#[derive(Debug)]
struct Row {
    head: String,
    message: String,
    fields: String,
    names: Vec<String>,
    color: bool,
}

impl Format for Pretty {
    fn event(&self, object: &mut Object, event: &Event<'_>) {
        let info = event.info;
        let mut row = Row::begin(info.at, info.severity, &text(event.target()), self.color);
        row.message.push_str(&text(event.message()));
        event.all_fields(|name, value| row.field(&text(name), value));
        if let Some((file, line)) = event.origin() {
            row.own("at", &format!("{}:{line}", text(file)));
        }
        row.end(object, info.trace.map(|trace| trace.trace_id));
    }

    fn hop(&self, object: &mut Object, hop: &Arc<Hop>, end: &End, notes: Option<&Notes>) {
        let severity = hop_line::level(hop.kind, end.outcome).into();
        let mut row = Row::begin(end.at, severity, hop_line::target(hop.kind), self.color);
        row.hop(hop, end, notes);
        row.end(object, Some(hop.trace.trace_id));
    }

    fn keeps_order(&self) -> bool {
        true
    }
}

impl Row {
    fn begin(at: Moment, severity: Severity, target: &str, color: bool) -> Self {
        let mut row = Self {
            head: String::with_capacity(256),
            message: String::new(),
            fields: String::new(),
            names: Vec::new(),
            color,
        };
        let mut calendar = Calendar::default();
        let time = calendar.rfc3339(at);
        let clock = time.get(11..23).and_then(|time| std::str::from_utf8(time).ok()).unwrap_or_default();
        let _ = write!(
            row.head,
            "{}{clock}{} {}{:>5}{} {}{}{}: ",
            row.style(DIM),
            row.style(PLAIN),
            row.style(color_of(severity)),
            severity.as_str(),
            row.style(PLAIN),
            row.style(DIM),
            // Of our own lines what is left is a word: `request`, `client`, `work`.
            visible(target.strip_prefix("tower_observability::").unwrap_or(target)),
            row.style(PLAIN),
        );
        row
    }

    fn hop(&mut self, hop: &Hop, end: &End, notes: Option<&Notes>) {
        let _ = self.subject(hop);
        let _ = hop_line::ending(&mut self.message, end);
        let millis = end.at.since(hop.start).as_secs_f64() * 1_000.0;
        self.own("", &format!("{millis:.1}ms"));
        if end.response_bytes > 0 {
            self.own("", &format!("{}B", end.response_bytes));
        }
        if let Some(error) = notes.and_then(|notes| notes.error.as_deref()) {
            self.own(key::ERROR, &error.join(": "));
        }
        let own = notes.iter().flat_map(|notes| notes.fields.iter());
        own.for_each(|(name, value)| self.field(&text(name), value));
        if let Some(fields) = hop.on_lines() {
            fields.iter().for_each(|(name, value)| self.field(&text(name), value));
        }
    }

    /// What was asked for is the path; the route stands behind it where it is another word.
    fn subject(&mut self, hop: &Hop) -> fmt::Result {
        let Subject::Http(http) = &hop.subject else { return hop_line::subject(&mut self.message, hop) };
        let path = http.piece(Piece::Path);
        hop_line::subject_of_http(&mut self.message, hop.kind, http, path)?;
        if let Some(route) = hop.route.get().filter(|route| route.as_str() != path) {
            self.own(key::ROUTE, route.as_str());
        }
        Ok(())
    }

    /// Ends the line; the trace id finds the others of its request, here and elsewhere.
    fn end(mut self, object: &mut Object, trace: Option<TraceId>) {
        if let Some(trace) = trace {
            self.own("trace", &trace.to_string());
        }
        object.begin();
        object.raw(self.head.as_bytes());
        object.cuttable(visible(&self.message).as_bytes());
        object.cuttable(self.fields.as_bytes());
        object.raw(b"\n");
    }

    /// Writes something of ours behind the message.
    fn own(&mut self, name: &str, value: &str) {
        let (dim, plain) = (self.style(DIM), self.style(PLAIN));
        let equals = if name.is_empty() { "" } else { "=" };
        let _ = write!(self.fields, " {dim}{name}{equals}{plain}{}", word(value));
    }

    fn style(&self, code: &'static str) -> &'static str {
        if self.color { code } else { "" }
    }

    fn field(&mut self, name: &str, value: FieldValue<'_>) {
        if self.names.iter().any(|known| known == name) {
            return;
        }
        self.names.push(name.to_owned());
        self.own(&visible(name), &shown(value));
    }
}

fn color_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Error | Severity::Fatal => RED,
        Severity::Warn => "\x1b[33m",
        Severity::Info => "\x1b[32m",
        Severity::Debug => "\x1b[34m",
        Severity::Trace => "\x1b[35m",
    }
}

fn shown(value: FieldValue<'_>) -> Cow<'_, str> {
    let joined =
        |texts: &mut dyn Iterator<Item = &[u8]>, between| texts.map(text).collect::<Vec<_>>().join(between);
    match value {
        FieldValue::Bool(value) => value.to_string().into(),
        FieldValue::I64(value) => value.to_string().into(),
        FieldValue::U64(value) => value.to_string().into(),
        FieldValue::F64(value) => value.to_string().into(),
        FieldValue::Text(value) => text(value),
        FieldValue::List(mut texts) => joined(&mut texts, ", ").into(),
        FieldValue::Error(error, causes) => joined(&mut std::iter::once(error).chain(causes), ": ").into(),
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
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
        let mut row = Row::begin(Moment::now(), Severity::Info, "app", false);
        write(&mut row);
        let mut object = Object::default();
        row.end(&mut object, None);
        let line = String::from_utf8(object.bytes).expect("UTF-8");
        line.get(13..).expect("a time").to_owned()
    }

    #[test]
    fn the_message_comes_first_and_each_field_once() {
        let line = row(|row| {
            row.field("a", FieldValue::I64(1));
            row.message.push_str("hello \"you\"");
            row.field("a", FieldValue::I64(2));
            row.field("b", FieldValue::Text(b"two words"));
            row.field("c", FieldValue::Bool(true));
        });
        assert_eq!(line, " INFO app: hello \"you\" a=1 b=\"two words\" c=true\n");
    }

    #[test]
    fn nothing_in_a_line_ends_it_or_steers_the_terminal() {
        let line = row(|row| {
            row.message.push_str("a\nb\x1b[2J\u{9b}\u{202e}");
            row.field("x\n", FieldValue::Text("\u{2028}\r".as_bytes()));
            row.field("d", FieldValue::Text(b"\x1b]0;\x07"));
        });
        let steers = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
        assert!(!line.trim_end_matches('\n').contains(steers), "{line:?}");
    }

    #[test]
    fn colours_are_there_only_where_they_are_wanted() {
        let line = |color| {
            let mut object = Object::default();
            Row::begin(Moment::now(), Severity::Error, "app", color).end(&mut object, None);
            object.bytes
        };
        assert!(line(true).contains(&0x1b) && !line(false).contains(&0x1b));
    }
}

//! What waits in the queue of log records: a finished hop, or what a line of an event says.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::Level;

use super::packed::Packed;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::export::Weigh;
use crate::record::{Fields, Hop, Value};

/// One record, compact: attributes are built behind the queue.
#[derive(Debug)]
pub(crate) enum Record {
    Hop(Arc<Hop>),
    Event(Box<Event>),
}

/// What an event's line says.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) at: Moment,
    pub(crate) severity: Severity,
    /// The event's name in the data model; empty if it has none.
    pub(crate) name: &'static str,
    pub(crate) target: Cow<'static, str>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) hop: Option<Arc<Hop>>,
    /// Where in the code.
    pub(crate) origin: Option<(Cow<'static, str>, u32)>,
    pub(crate) said: Packed,
    /// Of the enclosing spans, innermost first.
    pub(crate) spans: Vec<Fields>,
}

/// How bad it is: the specification's number and our word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Severity {
    pub(crate) number: i32,
    pub(crate) text: &'static str,
}

impl Severity {
    /// A panic.
    pub(crate) const FATAL: Self = Self { number: 21, text: "FATAL" };
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        let number = match level {
            Level::TRACE => 1,
            Level::DEBUG => 5,
            Level::INFO => 9,
            Level::WARN => 13,
            Level::ERROR => 17,
        };
        Self { number, text: level.as_str() }
    }
}

impl Event {
    /// An event that says only this, now, outside of any trace.
    pub(crate) fn saying(severity: Severity, target: &'static str, message: &str) -> Self {
        let mut said = Packed::default();
        said.message_text(message);
        Self {
            at: Moment::now(),
            severity,
            name: "",
            target: Cow::Borrowed(target),
            trace: None,
            hop: None,
            origin: None,
            said,
            spans: Vec::new(),
        }
    }

    /// Adds a field.
    pub(crate) fn add(&mut self, name: &str, value: &Value) {
        self.said.value(name, value);
    }
}

impl Weigh for Record {
    fn text_length(&self) -> usize {
        match self {
            Self::Hop(hop) => hop.text_length(),
            Self::Event(event) => {
                event.said.length() + event.spans.iter().map(Fields::text_length).sum::<usize>()
            }
        }
    }
}

//! What is kept of spans, log records and their resources: in our own types, so that their size is known.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::names::attribute;

/// What each allocation costs beside its bytes, roughly.
const ALLOCATION: usize = 16;
/// The largest whole number that JavaScript reads exactly.
const EXACT: u64 = 1 << 53;

/// An id of so many bytes, written in lowercase hexadecimal. All zero means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id<const N: usize>(u128);

pub(super) type TraceId = Id<16>;
pub(super) type SpanId = Id<8>;

/// The value of an attribute.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Box<str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A list or a map.
    Nested(Box<serde_json::Value>),
}

/// Names and values, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Attributes(pub(super) Box<[(Box<str>, Value)]>);

/// Who sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Resource {
    pub(super) service: Box<str>,
    pub(super) instance: Box<str>,
    pub(super) version: Box<str>,
    pub(super) attributes: Attributes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Unset,
    Ok,
    Error,
}

#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    pub(super) parent: SpanId,
    pub(super) resource: Arc<Resource>,
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    /// Microseconds since 1970.
    pub(super) start: i64,
    /// Milliseconds.
    pub(super) duration: f64,
    pub(super) status: Status,
    /// What the status says beside its code.
    pub(super) message: Box<str>,
    pub(super) scope: Box<str>,
    pub(super) attributes: Attributes,
    pub(super) events: Box<[Event]>,
    pub(super) links: Box<[Link]>,
    pub(super) failed: bool,
}

#[derive(Debug, serde::Serialize)]
pub(super) struct Event {
    pub(super) at: i64,
    pub(super) name: Box<str>,
    pub(super) attributes: Attributes,
}

#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Link {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
}

/// A log record.
#[derive(Debug)]
pub(super) struct Line {
    /// Microseconds since 1970.
    pub(super) at: i64,
    /// OpenTelemetry's number, 1 to 24; 0 if nobody said.
    pub(super) severity: u8,
    pub(super) level: Box<str>,
    pub(super) message: Box<str>,
    pub(super) event_name: Box<str>,
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) resource: Arc<Resource>,
    pub(super) attributes: Attributes,
}

/// What kind of series it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Instrument {
    Gauge,
    Counter,
    UpDownCounter,
    Histogram,
    Summary,
}

/// A series at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Point {
    /// Microseconds since 1970.
    pub(super) at: i64,
    /// Since when it is counted, microseconds since 1970; 0 if nobody said, or of a gauge.
    pub(super) start: i64,
    /// Of a gauge or a counter.
    pub(super) value: f64,
    /// Of a histogram or a summary.
    pub(super) count: u64,
    pub(super) sum: f64,
    /// One more than there are bounds, or none.
    pub(super) buckets: Box<[u64]>,
}

/// Of each series, the latest.
pub(super) const MOST_EXEMPLARS: usize = 20;

/// One value of a series that was measured in a trace.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Exemplar {
    pub(super) at: i64,
    pub(super) value: f64,
    pub(super) trace: TraceId,
}

/// A point that came, and the series that it belongs to.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) resource: Arc<Resource>,
    pub(super) scope: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) unit: Arc<str>,
    pub(super) instrument: Instrument,
    pub(super) labels: Attributes,
    /// Does it count since the point before it?
    pub(super) is_delta: bool,
    pub(super) bounds: Box<[f64]>,
    pub(super) point: Point,
    pub(super) exemplars: Vec<Exemplar>,
}

/// What is looked for in texts, without regard to case.
#[derive(Debug)]
pub(super) struct Needle {
    lower: String,
    is_ascii: bool,
}

impl<const N: usize> Id<N> {
    /// None if it has another length or is all zero.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let number = bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
        (bytes.len() == N && number != 0).then_some(Self(number))
    }

    pub(super) fn parse(hex: &str) -> Option<Self> {
        let is_hex = hex.len() == N * 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hex.then(|| u128::from_str_radix(hex, 16).ok())??;
        (number != 0).then_some(Self(number))
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl<const N: usize> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() { Ok(()) } else { write!(f, "{:0width$x}", self.0, width = N * 2) }
    }
}

impl<const N: usize> Serialize for Id<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A number that is none equals itself, so that whoever sends it is known again.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one.to_bits() == other.to_bits(),
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Nested(one), Self::Nested(other)) => one == other,
            _ => false,
        }
    }
}

impl Value {
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Text(text) => (&**text).into(),
            Self::Int(number) => number.to_string().into(),
            Self::Float(number) => number.to_string().into(),
            Self::Bool(truth) => (if *truth { "true" } else { "false" }).into(),
            Self::Nested(value) => value.to_string().into(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + ALLOCATION,
            Self::Nested(value) => nested_bytes(value),
            _ => 0,
        }
    }
}

fn nested_bytes(value: &serde_json::Value) -> usize {
    let inside = match value {
        serde_json::Value::String(text) => text.len() + ALLOCATION,
        serde_json::Value::Array(values) => values.iter().map(nested_bytes).sum(),
        serde_json::Value::Object(map) => {
            map.iter().map(|(name, value)| name.len() + 4 * ALLOCATION + nested_bytes(value)).sum()
        }
        _ => 0,
    };
    size_of::<serde_json::Value>() + ALLOCATION + inside
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            // JavaScript would round what is larger, and JSON has no NaN.
            Self::Int(number) if number.unsigned_abs() > EXACT => serializer.collect_str(number),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) if !number.is_finite() => serializer.collect_str(number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Nested(value) => value.serialize(serializer),
        }
    }
}

impl Attributes {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| &**found == name).map(|(_, value)| value)
    }

    /// The text of the first of these names that is there.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.get(name)).map(|value| value.text().into_owned())
    }

    pub(super) fn has(&self, name: &str, text: &str) -> bool {
        self.get(name).is_some_and(|value| value.text() == text)
    }

    pub(super) fn mention(&self, needle: &Needle) -> bool {
        self.0.iter().any(|(name, value)| needle.is_in(name) || needle.is_in(&value.text()))
    }

    pub(super) fn bytes(&self) -> usize {
        let each = size_of::<(Box<str>, Value)>() + ALLOCATION;
        self.0.iter().map(|(name, value)| each + name.len() + value.bytes()).sum()
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Resource {
    pub(super) fn bytes(&self) -> usize {
        let texts = self.service.len() + self.instance.len() + self.version.len();
        size_of::<Self>() + 4 * ALLOCATION + texts + self.attributes.bytes()
    }
}

impl Kind {
    pub(super) fn of(number: i32) -> Self {
        match number {
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Internal,
        }
    }

    /// Does work come in by it from outside of the process?
    pub(super) fn is_entry(self) -> bool {
        matches!(self, Self::Server | Self::Consumer)
    }

    /// Does it ask somebody else?
    pub(super) fn is_exit(self) -> bool {
        matches!(self, Self::Client | Self::Producer)
    }
}

impl Span {
    pub(super) fn end(&self) -> i64 {
        self.start.saturating_add((self.duration * 1e3) as i64)
    }

    /// Of how it ended: our own word where it is there, else what the conventions say.
    pub(super) fn is_failed(&self) -> bool {
        if self.status == Status::Error || self.attributes.get(attribute::ERROR_TYPE).is_some() {
            return true;
        }
        match self.attributes.text(&[attribute::OUTCOME]).as_deref() {
            Some("ok" | "upgraded" | "client_error") => false,
            Some(_) => true,
            None => self.http_status().is_some_and(|status| status >= 500),
        }
    }

    pub(super) fn http_status(&self) -> Option<u16> {
        self.attributes.text(&["http.response.status_code", "http.status_code"])?.parse().ok()
    }

    /// In one word, as this crate has it; of other languages' spans what their attributes say.
    pub(super) fn outcome(&self) -> String {
        if let Some(outcome) = self.attributes.text(&[attribute::OUTCOME]) {
            return outcome;
        }
        let grpc = self.attributes.text(&["rpc.grpc.status_code", "rpc.response.status_code"]);
        let timed_out = matches!(grpc.as_deref(), Some("4" | "DEADLINE_EXCEEDED"));
        let word = match self.http_status() {
            Some(504) => "timeout",
            _ if timed_out => "timeout",
            Some(500..) => "server_error",
            Some(400..) => "client_error",
            _ if self.failed => "error",
            _ => "ok",
        };
        word.to_owned()
    }

    pub(super) fn method(&self) -> Option<String> {
        self.attributes.text(&[
            "http.request.method",
            "http.method",
            "rpc.method",
            "messaging.operation.name",
        ])
    }

    /// The route of a request, the method of an RPC, or the destination of a message.
    pub(super) fn route(&self) -> Option<String> {
        route(&self.attributes)
    }

    /// Why it failed, in the words that say the most.
    pub(super) fn error(&self) -> Option<String> {
        if !self.failed {
            return None;
        }
        let of_event = |event: &Event| event.attributes.text(&[attribute::EXCEPTION_MESSAGE]);
        let text = self.attributes.text(&[attribute::EXCEPTION_MESSAGE]);
        let text = text.or_else(|| self.events.iter().rev().find_map(of_event));
        let text = text.or_else(|| Some(self.message.to_string())).filter(|text| !text.is_empty());
        let names = [attribute::ERROR_TYPE, attribute::OUTCOME, attribute::HTTP_RESPONSE_STATUS_CODE];
        text.or_else(|| self.attributes.text(&names)).or_else(|| Some("error".to_owned()))
    }

    pub(super) fn mentions(&self, needle: &Needle) -> bool {
        let in_event = |event: &Event| needle.is_in(&event.name) || event.attributes.mention(needle);
        needle.is_in(&self.name)
            || needle.is_in(&self.message)
            || needle.is_in(&self.resource.service)
            || self.attributes.mention(needle)
            || self.events.iter().any(in_event)
    }

    pub(super) fn bytes(&self) -> usize {
        let event =
            |event: &Event| size_of::<Event>() + 2 * ALLOCATION + event.name.len() + event.attributes.bytes();
        let texts = self.name.len() + self.message.len() + self.scope.len();
        // A trace's list of spans grows in steps, and has an index beside it.
        size_of::<Self>() * 3 / 2
            + 2 * size_of::<SpanId>()
            + 8 * ALLOCATION
            + texts
            + self.attributes.bytes()
            + self.events.iter().map(event).sum::<usize>()
            + size_of_val(&*self.links)
    }
}

impl Line {
    /// OpenTelemetry's number; where nobody said one, that of the level's name.
    pub(super) fn severity(&self) -> u8 {
        if self.severity > 0 {
            return self.severity;
        }
        match self.level.to_ascii_uppercase().as_str() {
            "TRACE" => 1,
            "DEBUG" => 5,
            "WARN" | "WARNING" => 13,
            "ERROR" => 17,
            "FATAL" | "CRITICAL" => 21,
            _ => 9,
        }
    }

    pub(super) fn mentions(&self, needle: &Needle) -> bool {
        needle.is_in(&self.message)
            || needle.is_in(&self.resource.service)
            || needle.is_in(&self.event_name)
            || self.attributes.mention(needle)
    }

    pub(super) fn bytes(&self) -> usize {
        let texts = self.level.len() + self.message.len() + self.event_name.len();
        size_of::<Self>() * 3 / 2 + 6 * ALLOCATION + texts + self.attributes.bytes()
    }
}

impl Point {
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() * 3 / 2 + ALLOCATION + size_of_val(&*self.buckets)
    }

    /// Was the count begun again between the two? Another start says so, also where the new count has passed the old one.
    pub(super) fn is_anew_since(&self, before: &Self) -> bool {
        self.count < before.count || (before.start > 0 && self.start > before.start)
    }

    /// The same but for its time?
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.start == other.start
            && self.value == other.value
            && self.count == other.count
            && self.buckets == other.buckets
    }
}

impl Needle {
    /// None if there is nothing to look for.
    pub(super) fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self { lower: text.to_lowercase(), is_ascii: text.is_ascii() })
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        // In lower case a text is longer by a half at most. Most attributes are short, and need not be looked at.
        if text.len() / 2 * 3 + 3 < self.lower.len() {
            return false;
        }
        if !self.is_ascii || !text.is_ascii() {
            return text.to_lowercase().contains(&self.lower);
        }
        let (needle, text) = (self.lower.as_bytes(), text.as_bytes());
        let first = needle[0];
        let ends = text.len().checked_sub(needle.len());
        let at = |start: usize| {
            text[start].to_ascii_lowercase() == first
                && text[start..start + needle.len()].eq_ignore_ascii_case(needle)
        };
        ends.is_some_and(|last| (0..=last).any(at))
    }
}

/// The route of a request, the method of an RPC, or the destination of a message.
pub(super) fn route(attributes: &Attributes) -> Option<String> {
    let name = attributes.text(&["http.route", "rpc.method", "messaging.destination.name"])?;
    // Older conventions have the service by itself.
    match attributes.get("rpc.service").filter(|_| attributes.get("http.route").is_none()) {
        Some(service) => Some(format!("{}/{name}", service.text())),
        None => Some(name),
    }
}

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written_in_hexadecimal() {
        let id = SpanId::parse("00f067aa0ba902b7").unwrap();
        assert_eq!(id.to_string(), "00f067aa0ba902b7");
        assert_eq!(SpanId::of(&[0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]), Some(id));
        for wrong in ["", "00f067aa0ba902b", "00f067aa0ba902b7f", "+0f067aa0ba902b7", "0000000000000000"] {
            assert_eq!(SpanId::parse(wrong), None, "{wrong}");
        }
        assert_eq!(TraceId::of(&[1; 15]), None);
        assert_eq!(TraceId::of(&[0; 16]), None);
    }

    #[test]
    fn a_text_is_found_without_regard_to_case() {
        for (needle, text) in [("card", "Credit CARD"), ("Ä", "wäre"), ("k", "\u{212a}"), ("x", "x")] {
            assert!(Needle::new(needle).unwrap().is_in(text), "{needle} in {text}");
        }
        for (needle, text) in [("card", "car"), ("a", ""), ("é", "e")] {
            assert!(!Needle::new(needle).unwrap().is_in(text), "{needle} in {text}");
        }
    }

    #[test]
    fn numbers_that_json_cannot_carry_are_texts() {
        let json = |value: Value| serde_json::to_string(&value).unwrap();
        assert_eq!(json(Value::Int(i64::MAX)), format!("\"{}\"", i64::MAX));
        assert_eq!(json(Value::Int(-7)), "-7");
        assert_eq!(json(Value::Float(f64::NAN)), "\"NaN\"");
    }
}

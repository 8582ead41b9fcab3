//! What was collected: spans, lines and samples, all as rows of texts, so that one query reads them all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// Keys and texts; a key that is absent reads as empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Row(BTreeMap<String, String>);

/// A log line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) row: Row,
}

/// A span, as the viewer got it. Its attributes are in the row, beside `service`, `name`, `kind` and the ids.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// Microseconds since 1970.
    pub(super) start: i64,
    pub(super) micros: i64,
    pub(super) row: Row,
}

/// Everything that was heard so far.
#[derive(Default)]
pub(super) struct Evidence {
    lines: Mutex<Vec<Line>>,
    spans: Mutex<Vec<Span>>,
    samples: Mutex<Vec<Row>>,
}

impl Row {
    pub(super) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    pub(super) fn set(&mut self, key: &str, text: impl Into<String>) {
        self.0.insert(key.to_owned(), text.into());
    }

    pub(super) fn is(&self, key: &str, text: &str) -> bool {
        self.get(key) == text
    }

    pub(super) fn json(&self) -> Map<String, Value> {
        self.0.iter().map(|(key, text)| (key.clone(), text.as_str().into())).collect()
    }
}

impl Line {
    pub(super) fn of(value: &Value) -> Self {
        let mut row = Row::default();
        for (key, value) in value.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => row.set(key, text),
                other => row.set(key, other.to_string()),
            }
        }
        let at = micros_of(row.get("timestamp")).unwrap_or_default();
        row.set("time", time_of_day(at));
        Self { at, row }
    }
}

impl Evidence {
    pub(super) fn add_line(&self, line: Line) {
        lock(&self.lines).push(line);
    }

    pub(super) fn add_spans(&self, spans: impl IntoIterator<Item = Span>) {
        lock(&self.spans).extend(spans);
    }

    pub(super) fn add_samples(&self, samples: impl IntoIterator<Item = Row>) {
        lock(&self.samples).extend(samples);
    }

    /// In the order of their time.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines = lock(&self.lines).clone();
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// In the order of their start.
    pub(super) fn spans(&self) -> Vec<Span> {
        let mut spans = lock(&self.spans).clone();
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// The first that came of those that ended at this time or later and are like this.
    pub(super) fn find_span(&self, from: i64, is_it: impl Fn(&Span) -> bool) -> Option<Span> {
        lock(&self.spans).iter().find(|span| span.start + span.micros >= from && is_it(span)).cloned()
    }

    /// The first that came of those of this time or later that are like this.
    pub(super) fn find_line(&self, from: i64, is_it: impl Fn(&Line) -> bool) -> Option<Line> {
        lock(&self.lines).iter().find(|line| line.at >= from && is_it(line)).cloned()
    }

    pub(super) fn samples(&self) -> Vec<Row> {
        lock(&self.samples).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Now, in microseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// `12:34:56.789012`, in UTC.
pub(super) fn time_of_day(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000).rem_euclid(86_400);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:06}", micros.rem_euclid(1_000_000))
}

/// Microseconds since 1970 of a line's timestamp, `2026-01-31T12:34:56.789012Z`.
fn micros_of(timestamp: &str) -> Option<i64> {
    let number = |from: usize, to: usize| timestamp.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Days since 1970, counted in years that begin in March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = ((days * 24 + number(11, 13)?) * 60 + number(14, 16)?) * 60 + number(17, 19)?;
    Some(seconds * 1_000_000 + number(20, 26)?)
}

//! Queries that sqlx reports: it opens no span, but says each query in one event when it is over, on the target
//! `sqlx::query`. SeaORM's are the same. The event becomes the span that it should have been, with its own elapsed time.

use std::borrow::Cow;

use tracing::{Event, Metadata};

use crate::clock::Moment;
use crate::current::Current;
use crate::record::{Dialect, Outcome, Query, Recorded, Stated, Subject, TakeField, Visitor};
use crate::signals::{Observation, Signals};

/// The target of sqlx's events.
pub(super) const TARGET: &str = "sqlx::query";

/// What such an event says.
#[derive(Debug, Default)]
struct Reported {
    summary: String,
    /// Empty where the summary is all of it.
    statement: String,
    rows: Option<u64>,
    elapsed: Option<f64>,
}

impl TakeField for Reported {
    fn take(&mut self, name: &'static str, value: Recorded<'_>) {
        match (name, value) {
            ("summary", Recorded::Str(text)) => text.clone_into(&mut self.summary),
            ("db.statement", Recorded::Str(text)) => text.clone_into(&mut self.statement),
            ("rows_returned", Recorded::U64(rows)) => self.rows = Some(rows),
            ("elapsed_secs", Recorded::F64(elapsed)) => self.elapsed = Some(elapsed),
            _ => {}
        }
    }
}

/// Is it one of sqlx's events, and wanted?
pub(super) fn wants(signals: &Signals, metadata: &Metadata<'_>) -> bool {
    // sqlx asks first whether anybody is interested, which is neither a span nor an event.
    metadata.target() == TARGET && !metadata.is_span() && is_on(signals)
}

/// Is anything recorded of queries?
pub(super) fn is_on(signals: &Signals) -> bool {
    signals.spans.is_on() || signals.red.is_on()
}

/// Records the query that this event reports; false if it is none.
pub(super) fn record(signals: &'static Signals, event: &Event<'_>, here: Option<&Current>) -> bool {
    let mut reported = Reported::default();
    event.record(&mut Visitor(&mut reported));
    let Some(elapsed) = reported.elapsed.filter(|elapsed| elapsed.is_finite() && *elapsed >= 0.0) else {
        return false;
    };
    let text = if reported.statement.is_empty() { &reported.summary } else { &reported.statement };
    let system = signals.database.unwrap_or_else(|| guessed(text));
    let mut query = Query::new(Stated::read(text.trim(), Dialect::of(system)));
    query.rows = reported.rows;
    let start = Moment::now().before_nanos((elapsed * 1e9) as u64);
    let hop = signals.hop_of_query(here, start, |hop| {
        hop.subject = Subject::Work(query.in_system(Cow::Borrowed(system)));
    });
    Observation::begin(signals, hop).finish(Outcome::Ok, None);
    true
}

/// Which system it is, where nobody said so: the parameters `$1`, `$2` are PostgreSQL's.
fn guessed(statement: &str) -> &'static str {
    let is_numbered = |at: usize| statement.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
    let is_postgres = statement.match_indices('$').any(|(at, _)| is_numbered(at));
    if is_postgres { "postgresql" } else { "other_sql" }
}

//! The questions one asks of evidence. What is printed is what is run.
//!
//! ```text
//! lines where customer_id=4711 and level=ERROR around 12:34:56 show time service message
//! spans where trace_id=4bf9…
//! samples where name=messages_out_of_order_total
//! ```

use super::evidence::{Evidence, Row};
use super::paint;
use crate::plumbing::BoxError;
use crate::screen::show;

/// "Around" a time means so many seconds before and after.
const AROUND: i64 = 60;

const MOST_SHOWN: usize = 12;

struct Query<'a> {
    source: &'a str,
    wanted: Vec<(&'a str, &'a str)>,
    around: Option<&'a str>,
    shown: Vec<&'a str>,
}

/// Prints the question, runs it, prints the answer and returns it.
pub(super) fn ask(evidence: &Evidence, text: &str) -> Result<Vec<Row>, BoxError> {
    show!("\n  {} {}", paint::faint("?"), paint::bold(text));
    let query = Query::parse(text).ok_or_else(|| format!("not a query: {text}"))?;
    let rows = query.run(evidence);
    match rows.len() {
        0 => show!("  nothing"),
        count if query.shown.is_empty() => show!("  {count} found"),
        count => {
            let cells = |row: &Row| query.shown.iter().map(|key| row.get(key).to_owned()).collect();
            let earlier = count.saturating_sub(MOST_SHOWN);
            paint::table(&query.shown, &rows.iter().skip(earlier).map(cells).collect::<Vec<_>>());
            if earlier > 0 {
                show!("  (the last {MOST_SHOWN} of {count})");
            }
        }
    }
    Ok(rows)
}

impl<'a> Query<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (text, shown) = text.split_once(" show ").unwrap_or((text, ""));
        let (text, around) =
            text.split_once(" around ").map_or((text, None), |(text, time)| (text, Some(time)));
        let (source, conditions) = text.split_once(" where ")?;
        let wanted = conditions.split(" and ").map(|one| one.split_once('=')).collect::<Option<_>>()?;
        Some(Self { source, wanted, around, shown: shown.split_whitespace().collect() })
    }

    fn run(&self, evidence: &Evidence) -> Vec<Row> {
        let rows: Vec<Row> = match self.source {
            "lines" => evidence.lines().into_iter().map(|line| line.row).collect(),
            "spans" => evidence.spans().into_iter().map(|span| span.row).collect(),
            _ => evidence.samples(),
        };
        rows.into_iter().filter(|row| self.wants(row)).collect()
    }

    fn wants(&self, row: &Row) -> bool {
        let near = match self.around {
            Some(time) => seconds(row.get("time")).zip(seconds(time)).is_some_and(|(this, that)| {
                let apart = (this - that).rem_euclid(86_400);
                apart.min(86_400 - apart) <= AROUND
            }),
            None => true,
        };
        near && self.wanted.iter().all(|(key, text)| row.is(key, text))
    }
}

/// Seconds of the day of `12:34:56`, whatever follows.
fn seconds(time: &str) -> Option<i64> {
    let mut parts = time.get(..8)?.split(':').map(|part| part.parse::<i64>().ok());
    Some((parts.next()?? * 60 + parts.next()??) * 60 + parts.next()??)
}

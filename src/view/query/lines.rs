//! `/api/lines`: log records.

use std::cmp::Reverse;

use serde::Serialize;

use super::super::model::{Line, TraceId};
use super::super::store::Held;
use super::parameters::{Parameters, Wrong};
use super::rows::LineRow;

#[derive(Serialize)]
pub(crate) struct Lines<'a> {
    version: u64,
    lines: Vec<LineRow<'a>>,
    more: bool,
}

/// The lines that are asked for, the latest first.
pub(crate) fn lines<'a>(held: &'a Held, asked: &Parameters) -> Result<Lines<'a>, Wrong> {
    let limit = asked.limit(200, 5_000)?;
    let trace = asked
        .text("trace")
        .map(|id| TraceId::parse(id).ok_or_else(|| format!("`trace` is not a trace id: {id}")));
    let (trace, service, needle) = (trace.transpose()?, asked.text("service"), asked.needle());
    let least = asked.text("level").map(least).transpose()?.unwrap_or_default();
    let fields = asked.fields()?;
    let (from, to) = around(asked)?;
    let before = asked.number("before")?.unwrap_or(i64::MAX);
    let has_fields = |line: &Line| {
        let has = |(name, value): &(&str, &str)| {
            line.attributes.has(name, value) || line.resource.attributes.has(name, value)
        };
        fields.iter().all(has)
    };
    let wanted = |line: &&Line| {
        line.severity() >= least
            && line.at < before
            && (from..=to).contains(&line.at)
            && trace.is_none_or(|trace| line.trace == trace)
            && service.is_none_or(|service| &*line.resource.service == service)
            && has_fields(line)
            && needle.as_ref().is_none_or(|needle| line.mentions(needle))
    };
    let mut found: Vec<&Line> = held.lines.iter().rev().filter(wanted).collect();
    found.sort_by_key(|line| Reverse(line.at));
    let more = found.len() > limit;
    Ok(Lines { version: held.version, lines: found.into_iter().take(limit).map(LineRow::of).collect(), more })
}

/// The bounds of the time that is asked for.
fn around(asked: &Parameters) -> Result<(i64, i64), Wrong> {
    let Some(at) = asked.number::<i64>("around")? else { return Ok((i64::MIN, i64::MAX)) };
    let within = asked.within(60_000)?;
    Ok((at.saturating_sub(within), at.saturating_add(within)))
}

/// The least severity of a level.
fn least(level: &str) -> Result<u8, Wrong> {
    match level.to_ascii_uppercase().as_str() {
        "TRACE" => Ok(1),
        "DEBUG" => Ok(5),
        "INFO" => Ok(9),
        "WARN" => Ok(13),
        "ERROR" => Ok(17),
        "FATAL" => Ok(21),
        _ => Err(format!("`level` is none of TRACE, DEBUG, INFO, WARN, ERROR and FATAL: {level}")),
    }
}

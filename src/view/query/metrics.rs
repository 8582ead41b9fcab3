//! `/api/metrics`: all series.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::super::model::{Attributes, Exemplar, Instrument};
use super::super::store::{Held, Series};
use super::parameters::{Parameters, Wrong};

/// So many series are sent, the first by service and name.
const MOST_SERIES: usize = 2_000;
const MOST_POINTS: usize = 120;

#[derive(Serialize)]
pub(crate) struct Metrics<'a> {
    version: u64,
    metrics: Vec<Metric<'a>>,
    /// How many series were left out.
    cut: usize,
}

#[derive(Serialize)]
struct Metric<'a> {
    service: &'a str,
    name: &'a str,
    scope: &'a str,
    unit: &'a str,
    r#type: Instrument,
    series: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    instance: &'a str,
    labels: &'a Attributes,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum: Option<f64>,
    /// Time and value; of a histogram its count.
    points: Vec<(i64, f64)>,
    exemplars: &'a VecDeque<Exemplar>,
}

pub(crate) fn metrics<'a>(held: &'a Held, asked: &Parameters) -> Result<Metrics<'a>, Wrong> {
    let (service, name) = (asked.text("service"), asked.text("name"));
    let is_wanted = |series: &&Series| {
        service.is_none_or(|service| *service == *series.resource.service)
            && name.is_none_or(|name| *name == *series.name)
            && !series.points.is_empty()
    };
    let mut found: BTreeMap<[&str; 4], Vec<&Series>> = BTreeMap::new();
    for series in held.metrics.iter().filter(is_wanted) {
        let names = [&*series.resource.service, &*series.name, &*series.scope, &*series.unit];
        found.entry(names).or_default().push(series);
    }
    let all: usize = found.values().map(Vec::len).sum();
    let mut left = MOST_SERIES;
    let mut metrics = Vec::new();
    for ([service, name, scope, unit], mut series) in found {
        let Some(first) = series.first().copied().filter(|_| left > 0) else { break };
        series.sort_by_cached_key(|series| serde_json::to_string(&series.labels).unwrap_or_default());
        series.truncate(left);
        left -= series.len();
        let series = series.into_iter().filter_map(Row::of).collect();
        metrics.push(Metric { service, name, scope, unit, r#type: first.instrument, series });
    }
    Ok(Metrics { version: held.version, metrics, cut: all.saturating_sub(MOST_SERIES) })
}

impl<'a> Row<'a> {
    fn of(series: &'a Series) -> Option<Self> {
        let is_distribution = matches!(series.instrument, Instrument::Histogram | Instrument::Summary);
        let last = series.points.back()?;
        let value = |value: f64, count: u64| if is_distribution { count as f64 } else { value };
        // Evenly thinned out; the last one is there always.
        let step = series.points.len().div_ceil(MOST_POINTS);
        let mut points: Vec<_> = series.points.iter().rev().step_by(step).collect();
        points.reverse();
        Some(Self {
            instance: &series.resource.instance,
            labels: &series.labels,
            value: value(last.value, last.count),
            count: is_distribution.then_some(last.count),
            sum: is_distribution.then_some(last.sum),
            points: points.into_iter().map(|point| (point.at, value(point.value, point.count))).collect(),
            exemplars: &series.exemplars,
        })
    }
}

//! How a family is written: its HELP, TYPE and UNIT, then a line for each value, in either format.

use ::metrics::SharedString;

use super::Exposition;
use super::buckets::Bounds;
use super::family::{Families, Family, Kind};
use super::gauge::Gauge;
use super::histogram::{Histogram, Reading};
use super::label::push_escaped;
use super::number::{push_count, push_timestamp, push_value};
use super::source::{Asked, Shape};
use crate::account::Tally;

const UNDESCRIBED: &str =
    "Not described; metrics::describe_counter!, describe_gauge! or describe_histogram! does.";
/// OpenMetrics' base units that a name may end with and that so are its unit.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

/// A text that is being written.
pub(super) struct Writing {
    pub(super) text: String,
    exposition: Exposition,
}

impl Writing {
    pub(super) fn new(exposition: Exposition, capacity: usize) -> Self {
        Self { text: String::with_capacity(capacity), exposition }
    }

    fn is_openmetrics(&self) -> bool {
        self.exposition == Exposition::OpenMetrics
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
    }

    /// `suffix` is what text 0.0.4 counts as part of the family's name.
    fn head(&mut self, name: &str, suffix: &str, kind: &str, unit: &str, help: &str) {
        let suffix = if self.is_openmetrics() { "" } else { suffix };
        self.push(&["# HELP ", name, suffix, " "]);
        let quotes = self.is_openmetrics();
        push_escaped(&mut self.text, help, quotes);
        self.push(&["\n# TYPE ", name, suffix, " ", kind, "\n"]);
        if self.is_openmetrics() && !unit.is_empty() {
            self.push(&["# UNIT ", name, " ", unit, "\n"]);
        }
    }

    /// A line up to its value.
    fn line(&mut self, name: &str, suffix: &str, labels: &str) {
        match labels {
            "" => self.push(&[name, suffix, " "]),
            _ => self.push(&[name, suffix, "{", labels, "} "]),
        }
    }

    /// A whole family of those that are asked.
    pub(super) fn asked(&mut self, asked: &Asked) {
        let (suffix, kind) = match asked.shape {
            Shape::Counter => ("_total", "counter"),
            Shape::Gauge => ("", "gauge"),
            Shape::Info if self.is_openmetrics() => ("_info", "info"),
            Shape::Info => ("_info", "gauge"),
        };
        self.head(asked.name, suffix, kind, asked.unit, asked.help);
        for (labels, value) in &asked.samples {
            self.line(asked.name, suffix, labels);
            push_value(&mut self.text, *value);
            self.text.push('\n');
        }
    }

    /// The head of a family of those that are kept.
    pub(super) fn kept(&mut self, families: &Families, family: &Family) {
        let kind = family.series.kind();
        let (help, unit) = described(families, family);
        let suffix = if kind == Kind::Counter { "_total" } else { "" };
        self.head(&family.name, suffix, kind.as_str(), unit, &help);
    }

    pub(super) fn counter(&mut self, name: &str, labels: &str, counter: &Tally) {
        self.line(name, "_total", labels);
        push_count(&mut self.text, counter.count());
        self.text.push('\n');
    }

    pub(super) fn gauge(&mut self, name: &str, labels: &str, gauge: &Gauge) {
        self.line(name, "", labels);
        push_value(&mut self.text, gauge.value());
        self.text.push('\n');
    }

    /// One histogram as it was read; only its exemplars are taken as they are now.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        labels: &str,
        bounds: &Bounds,
        histogram: &Histogram,
        reading: &Reading,
    ) {
        let mut total = 0;
        for (bucket, (count, le)) in reading.counts.iter().zip(bounds.texts()).enumerate() {
            total += count;
            let comma = if labels.is_empty() { "" } else { "," };
            self.push(&[name, "_bucket{", labels, comma, "le=\"", le, "\"} "]);
            push_count(&mut self.text, total);
            self.exemplar(histogram, bucket);
            self.text.push('\n');
        }
        // OpenMetrics: a sum that can fall is no sum, and without a sum there is no count; the last bucket is it.
        if !self.is_openmetrics() || !(bounds.has_negative() || reading.sum < 0.0) {
            self.line(name, "_sum", labels);
            push_value(&mut self.text, reading.sum);
            self.text.push('\n');
            self.line(name, "_count", labels);
            push_count(&mut self.text, total);
            self.text.push('\n');
        }
    }

    fn exemplar(&mut self, histogram: &Histogram, bucket: usize) {
        if !self.is_openmetrics() {
            return;
        }
        let Some(exemplar) = histogram.exemplar(bucket) else { return };
        let (trace, span) = (exemplar.trace_id.hex(), exemplar.span_id.hex());
        let hex = |digits| std::str::from_utf8(digits).unwrap_or_default();
        // 63 code points of the 128 that are allowed.
        self.push(&[" # {trace_id=\"", hex(&trace), "\",span_id=\"", hex(&span), "\"} "]);
        push_value(&mut self.text, exemplar.value);
        self.text.push(' ');
        push_timestamp(&mut self.text, exemplar.unix_nanos);
    }

    /// The end of the page, after the last family.
    pub(super) fn end(&mut self) {
        if self.is_openmetrics() {
            self.text.push_str("# EOF\n");
        }
    }
}

/// The help and the unit of a family.
pub(super) fn described<'a>(families: &Families, family: &'a Family) -> (SharedString, &'a str) {
    let described = families.description(family.series.kind(), &family.name);
    let unit = described.as_ref().and_then(|described| described.unit).map(|unit| unit.as_str());
    let unit = unit_of(&family.name, unit);
    let help = described.map(|described| described.help).filter(|help| !help.is_empty());
    (help.unwrap_or(SharedString::const_str(UNDESCRIBED)), unit)
}

/// The unit, which OpenMetrics allows only where the name ends with it.
fn unit_of<'a>(name: &str, described: Option<&'a str>) -> &'a str {
    let ends =
        |unit: &&str| *unit != "count" && name.strip_suffix(*unit).is_some_and(|rest| rest.ends_with('_'));
    described.filter(ends).or_else(|| UNITS.into_iter().find(ends)).unwrap_or_default()
}

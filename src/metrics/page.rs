//! Owns the page: all families in one order, each with its HELP, TYPE and UNIT, in either format.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Exposition;
use super::buckets::Bounds;
use super::family::{Families, Family, Kind, Series};
use super::group::Group;
use super::histogram::{Histogram, Reading};
use super::label::push_escaped;
use super::number::{push_count, push_timestamp, push_value};
use super::source::{Asked, Samples, Shape};
use crate::names::{label, metric};

const UNDESCRIBED: &str =
    "Not described; metrics::describe_counter!, describe_gauge! or describe_histogram! does.";
/// OpenMetrics' base units that a name may end with and that so are its unit.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

struct Page {
    text: String,
    exposition: Exposition,
}

enum Shown {
    Kept(Arc<Family>),
    Asked(Asked),
}

/// The whole page.
pub(super) fn page(families: &Families, mut samples: Samples, exposition: Exposition) -> String {
    refused(families, &mut samples);
    let mut shown: BTreeMap<String, Shown> =
        families.all().into_iter().map(|family| (family.name.clone(), Shown::Kept(family))).collect();
    for asked in samples.into_families() {
        // The user's own metric of that name goes first: they chose it knowingly.
        if asked.lines().all(|line| families.owner(&line).is_none()) {
            shown.insert(asked.name.to_string(), Shown::Asked(asked));
        }
    }
    let mut page = Page { text: String::with_capacity(16 * 1024), exposition };
    for family in shown.into_values() {
        match family {
            Shown::Kept(family) => page.kept(families, &family),
            Shown::Asked(asked) => page.asked(&asked),
        }
    }
    if exposition == Exposition::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

fn refused(families: &Families, samples: &mut Samples) {
    let help = "What the metrics themselves refused: label sets beyond a limit, clashing names, values.";
    let asked = samples.family(metric::OBSERVABILITY_METRICS_REFUSED, Shape::Counter, "", help);
    for (reason, count) in families.refused().counts() {
        asked.sample(&[(label::REASON, reason)], count as f64);
    }
}

impl Asked {
    /// The names that its lines begin with.
    fn lines(&self) -> impl Iterator<Item = String> {
        let suffixes: &[_] = match self.shape {
            Shape::Counter => &["", "_total"],
            Shape::Gauge => &[""],
            Shape::Info => &["", "_info"],
        };
        suffixes.iter().map(|suffix| format!("{}{suffix}", self.name))
    }
}

impl Page {
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

    fn asked(&mut self, asked: &Asked) {
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

    fn kept(&mut self, families: &Families, family: &Family) {
        let (name, kind) = (family.name.as_str(), family.series.kind());
        let described = families.description(kind, name);
        let help = described.as_ref().map(|described| &*described.help).filter(|help| !help.is_empty());
        let unit =
            unit_of(name, described.as_ref().and_then(|described| described.unit).map(|unit| unit.as_str()));
        let suffix = if kind == Kind::Counter { "_total" } else { "" };
        self.head(name, suffix, kind.as_str(), unit, help.unwrap_or(UNDESCRIBED));
        match &family.series {
            Series::Counters(group) => {
                for (labels, counter) in group.series() {
                    self.line(name, "_total", &labels);
                    push_count(&mut self.text, counter.value());
                    self.text.push('\n');
                }
            }
            Series::Gauges(group) => {
                for (labels, gauge) in group.series() {
                    self.line(name, "", &labels);
                    push_value(&mut self.text, gauge.value());
                    self.text.push('\n');
                }
            }
            Series::Histograms(bounds, group) => self.histograms(name, bounds, group),
        }
    }

    fn histograms(&mut self, name: &str, bounds: &Bounds, group: &Group<Histogram>) {
        let mut reading = Reading::default();
        for (labels, histogram) in group.series() {
            histogram.read(&mut reading);
            let mut total = 0;
            for (bucket, (count, le)) in reading.counts.iter().zip(bounds.texts()).enumerate() {
                total += count;
                let comma = if labels.is_empty() { "" } else { "," };
                self.push(&[name, "_bucket{", &labels, comma, "le=\"", le, "\"} "]);
                push_count(&mut self.text, total);
                self.exemplar(&histogram, bucket);
                self.text.push('\n');
            }
            // OpenMetrics: a sum that can fall is no sum, and without a sum there is no count; the last bucket is it.
            if !self.is_openmetrics() || !(bounds.has_negative() || reading.sum < 0.0) {
                self.line(name, "_sum", &labels);
                push_value(&mut self.text, reading.sum);
                self.text.push('\n');
                self.line(name, "_count", &labels);
                push_count(&mut self.text, total);
                self.text.push('\n');
            }
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
}

/// The unit, which OpenMetrics allows only where the name ends with it.
fn unit_of<'a>(name: &str, described: Option<&'a str>) -> &'a str {
    let ends =
        |unit: &&str| *unit != "count" && name.strip_suffix(*unit).is_some_and(|rest| rest.ends_with('_'));
    described.filter(ends).or_else(|| UNITS.into_iter().find(ends)).unwrap_or_default()
}

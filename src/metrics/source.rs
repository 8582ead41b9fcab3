//! What is asked at each scrape instead of being kept: our own pipeline, the process, the target.

use std::collections::BTreeMap;

use super::label::label_text;
use crate::names::metric;

/// Something that adds its samples whenever a page is made.
pub(crate) struct Source {
    /// How the names of its families begin: they are reserved for it.
    pub(super) prefix: &'static str,
    pub(super) ask: Ask,
}

type Ask = Box<dyn Fn(&mut Samples) + Send + Sync>;

impl Source {
    pub(crate) fn new(prefix: &'static str, ask: impl Fn(&mut Samples) + Send + Sync + 'static) -> Self {
        Self { prefix, ask: Box::new(ask) }
    }
}

/// The type of an asked family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Counter,
    Gauge,
    /// Facts in labels, with the value 1.
    Info,
}

/// The families asked for one page.
#[derive(Debug, Default)]
pub(crate) struct Samples(BTreeMap<&'static str, Asked>);

/// One asked family.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Without the `_total` of a counter or the `_info` of an info.
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    /// Label texts and values.
    pub(super) samples: Vec<(String, f64)>,
}

impl Samples {
    /// A family, to be given its samples. The name is written as on the page, and says what it is: by its `_total` or
    /// `_info`, and by the unit before them. A name used twice goes on with the same family.
    pub(crate) fn family(&mut self, name: &'static str) -> &mut Asked {
        let (_, help) = metric::describe(name);
        let (name, shape) = match (name.strip_suffix("_total"), name.strip_suffix("_info")) {
            (Some(name), _) => (name, Shape::Counter),
            (None, Some(name)) => (name, Shape::Info),
            (None, None) => (name, Shape::Gauge),
        };
        let is_in = |unit: &&str| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        let unit = ["seconds", "bytes"].into_iter().find(is_in).unwrap_or_default();
        self.0.entry(name).or_insert_with(|| Asked { name, shape, unit, help, samples: Vec::new() })
    }

    /// A family of one sample without labels. What has no value is absent, not zero.
    pub(crate) fn single(&mut self, name: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            self.family(name).sample(&[], value);
        }
    }

    pub(super) fn into_families(self) -> impl Iterator<Item = Asked> {
        self.0.into_values()
    }
}

impl Asked {
    /// Adds one sample.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.samples.push((label_text(labels.iter().copied()), value));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_its_description_says() {
        for (name, about) in metric::TABLE {
            let mut samples = Samples::default();
            let asked = samples.family(name);
            let unit = if asked.unit.is_empty() { String::new() } else { format!(", {}", asked.unit) };
            let kind = format!("{:?}{unit}: {}", asked.shape, asked.help);
            let is_histogram = *about == kind.replacen("Gauge", "Histogram", 1);
            assert!(
                *about == kind || is_histogram || *name == metric::OBSERVABILITY_ROUTE_PRIORITY,
                "{name}: {kind}"
            );
        }
    }
}

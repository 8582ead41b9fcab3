//! What is asked at each scrape instead of being kept: our own pipeline, the process, the target.

use std::collections::BTreeMap;

use super::label::label_text;

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
pub(crate) enum Shape {
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
    /// A family, to be given its samples. The name is written as on the page, with `_total` or `_info`; the
    /// unit is the word that the name ends with, or empty. A name used twice goes on with the same family.
    pub(crate) fn family(
        &mut self,
        name: &'static str,
        shape: Shape,
        unit: &'static str,
        help: &'static str,
    ) -> &mut Asked {
        let suffix = match shape {
            Shape::Counter => "_total",
            Shape::Gauge => "",
            Shape::Info => "_info",
        };
        let name = name.strip_suffix(suffix).unwrap_or(name);
        self.0.entry(name).or_insert_with(|| Asked { name, shape, unit, help, samples: Vec::new() })
    }

    /// A family of one sample without labels. What has no value is absent, not zero.
    pub(crate) fn single(
        &mut self,
        name: &'static str,
        shape: Shape,
        unit: &'static str,
        help: &'static str,
        value: Option<f64>,
    ) {
        if let Some(value) = value {
            self.family(name, shape, unit, help).sample(&[], value);
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

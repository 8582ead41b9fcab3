//! The families: each name once, of one type, so that a page is valid whatever the user calls things.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ::metrics::{SharedString, Unit};

use super::Metrics;
use super::buckets::Bounds;
use super::counter::Counter;
use super::gauge::Gauge;
use super::group::{Group, Placed};
use super::histogram::Histogram;
use super::label::metric_name;
use super::refused::{Reason, Refused};

/// How many names one process tells apart; a name made of an id would otherwise fill the memory.
const MOST_FAMILIES: usize = 2_000;

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// All families of one recorder.
#[derive(Debug)]
pub(super) struct Families {
    names: RwLock<Names>,
    described: Mutex<HashMap<(Kind, String), Description>>,
    buckets: Vec<(String, Arc<Bounds>)>,
    durations: Option<Vec<f64>>,
    exemplars: bool,
    refused: Arc<Refused>,
}

#[derive(Debug, Default)]
struct Names {
    families: BTreeMap<String, Arc<Family>>,
    // Every name that a family's lines begin with, and whose it is.
    taken: HashMap<String, String>,
}

/// One family: a name, a type, its series.
#[derive(Debug)]
pub(super) struct Family {
    /// Without the `_total` of a counter.
    pub(super) name: String,
    pub(super) series: Series,
}

#[derive(Debug)]
pub(super) enum Series {
    Counters(Group<Counter>),
    Gauges(Group<Gauge>),
    Histograms(Arc<Bounds>, Group<Histogram>),
}

/// What the user said of a family.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub(super) unit: Option<Unit>,
    pub(super) help: SharedString,
}

/// What a family's series are made of.
pub(super) trait Instrument: Sized {
    const KIND: Kind;

    /// The instrument's place in a family of its type.
    fn place(families: &Families, family: &Family, labels: String) -> Option<Placed<Self>>;
}

impl Kind {
    /// The family's name for what the user called it.
    pub(super) fn family_name(self, raw: &str) -> String {
        let name = metric_name(raw);
        match name.strip_suffix("_total") {
            Some(base) if self == Self::Counter && !base.is_empty() => base.to_owned(),
            _ => name,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["", "_total", "_created"],
            Self::Gauge => &[""],
            Self::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        }
    }
}

impl Series {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Counters(_) => Kind::Counter,
            Self::Gauges(_) => Kind::Gauge,
            Self::Histograms(..) => Kind::Histogram,
        }
    }
}

impl Families {
    pub(super) fn new(options: &Metrics) -> Self {
        let buckets = options.buckets.iter();
        Self {
            names: RwLock::default(),
            described: Mutex::default(),
            buckets: buckets
                .map(|(name, bounds)| (metric_name(name), Arc::new(Bounds::new(bounds))))
                .collect(),
            durations: options.durations.clone(),
            exemplars: options.exemplars,
            refused: Arc::default(),
        }
    }

    pub(super) fn refused(&self) -> &Refused {
        &self.refused
    }

    pub(super) fn describe(&self, kind: Kind, raw: &str, unit: Option<Unit>, help: SharedString) {
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (kind, kind.family_name(raw));
        if described.len() < MOST_FAMILIES || described.contains_key(&name) {
            described.insert(name, Description { unit, help });
        }
    }

    pub(super) fn description(&self, kind: Kind, name: &str) -> Option<Description> {
        let described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        described.get(&(kind, name.to_owned())).cloned()
    }

    /// All families, in the order of their names.
    pub(super) fn all(&self) -> Vec<Arc<Family>> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.families.values().cloned().collect()
    }

    /// Whose a name is, if a family's lines begin with it.
    pub(super) fn owner(&self, name: &str) -> Option<Kind> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.families.get(names.taken.get(name)?).map(|family| family.series.kind())
    }

    /// The family that the user means; `None`, counted and said, if there cannot be one.
    pub(super) fn family(&self, kind: Kind, raw: &str) -> Option<Arc<Family>> {
        let name = kind.family_name(raw);
        let known = {
            let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
            names.families.get(&name).cloned()
        };
        match known.map_or_else(|| self.new_family(kind, &name), Ok) {
            Ok(family) if family.series.kind() == kind => Some(family),
            Ok(family) => self.clash(kind, &name, &family.name),
            Err(Some(owner)) => self.clash(kind, &name, &owner),
            Err(None) => {
                let message =
                    format_args!("{kind:?} {name:?} is not shown: there are {MOST_FAMILIES} metrics already");
                self.refused.count(Reason::Families, message);
                None
            }
        }
    }

    fn new_family(&self, kind: Kind, name: &str) -> Result<Arc<Family>, Option<String>> {
        // Asked before the names are locked: one lock at a time.
        let series = self.new_series(kind, name);
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.families.get(name) {
            return Ok(Arc::clone(known));
        }
        let own = || kind.suffixes().iter().map(|suffix| format!("{name}{suffix}"));
        if let Some(owner) = own().find_map(|own| names.taken.get(&own)) {
            return Err(Some(owner.clone()));
        }
        if names.families.len() >= MOST_FAMILIES {
            return Err(None);
        }
        names.taken.extend(own().map(|own| (own, name.to_owned())));
        let family = Arc::new(Family { name: name.to_owned(), series });
        names.families.insert(name.to_owned(), Arc::clone(&family));
        Ok(family)
    }

    fn new_series(&self, kind: Kind, name: &str) -> Series {
        match kind {
            Kind::Counter => Series::Counters(Group::default()),
            Kind::Gauge => Series::Gauges(Group::default()),
            Kind::Histogram => Series::Histograms(self.bounds(name), Group::default()),
        }
    }

    fn bounds(&self, name: &str) -> Arc<Bounds> {
        let chosen = self.buckets.iter().find(|(chosen, _)| chosen == name);
        chosen.map_or_else(
            || {
                let unit = self.description(Kind::Histogram, name).and_then(|description| description.unit);
                Arc::new(Bounds::fitting(name, unit, self.durations.as_deref()))
            },
            |(_, bounds)| Arc::clone(bounds),
        )
    }

    fn clash(&self, kind: Kind, name: &str, owner: &str) -> Option<Arc<Family>> {
        let kind = kind.as_str();
        let message =
            format_args!("the {kind} {name:?} is not shown: {owner:?} has that name already; rename one");
        self.refused.count(Reason::NameClash, message);
        None
    }
}

impl Instrument for Counter {
    const KIND: Kind = Kind::Counter;

    fn place(_: &Families, family: &Family, labels: String) -> Option<Placed<Self>> {
        let Series::Counters(group) = &family.series else { return None };
        Some(group.place(labels, Self::new))
    }
}

impl Instrument for Gauge {
    const KIND: Kind = Kind::Gauge;

    fn place(_: &Families, family: &Family, labels: String) -> Option<Placed<Self>> {
        let Series::Gauges(group) = &family.series else { return None };
        Some(group.place(labels, Self::default))
    }
}

impl Instrument for Histogram {
    const KIND: Kind = Kind::Histogram;

    fn place(families: &Families, family: &Family, labels: String) -> Option<Placed<Self>> {
        let Series::Histograms(bounds, group) = &family.series else { return None };
        let make = || Self::new(Arc::clone(bounds), families.exemplars, Arc::clone(&families.refused));
        Some(group.place(labels, make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_type_and_the_second_is_refused_and_counted() {
        let families = Families::new(&Metrics::default());
        assert!(families.family(Kind::Counter, "orders").is_some());
        assert!(families.family(Kind::Counter, "orders_total").is_some());
        for (kind, name) in
            [(Kind::Gauge, "orders"), (Kind::Gauge, "orders_total"), (Kind::Histogram, "orders")]
        {
            assert!(families.family(kind, name).is_none(), "{kind:?} {name}");
        }
        assert!(families.family(Kind::Histogram, "wait_seconds").is_some());
        assert!(families.family(Kind::Gauge, "wait_seconds_bucket").is_none());
        assert_eq!(families.all().len(), 2);
        assert!(families.refused().counts().any(|counted| counted == ("name_clash", 4)));
    }

    #[test]
    fn names_made_of_ids_do_not_fill_the_memory() {
        let families = Families::new(&Metrics::default());
        let placed =
            (0..MOST_FAMILIES + 3).filter(|n| families.family(Kind::Gauge, &format!("g{n}")).is_some());
        assert_eq!(placed.count(), MOST_FAMILIES);
        assert!(families.refused().counts().any(|counted| counted == ("too_many_families", 3)));
    }
}

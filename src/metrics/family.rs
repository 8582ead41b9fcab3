//! The families: each name once, of one type, so that a page is valid whatever the user calls things.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ::metrics::{SharedString, Unit};

use super::Metrics;
use super::buckets::Bounds;
use super::gauge::Gauge;
use super::group::{Group, Placed};
use super::histogram::Histogram;
use super::label::{label_name, metric_name};
use super::refused::{Reason, Refused};
use crate::account::Tally;
use crate::names::metric;
use crate::threads::lock;

/// How many names the user may have; a name made of an id would otherwise fill the memory.
const MOST_FAMILIES: usize = 2_000;
/// How many labels of one family are remembered in the user's spelling.
const MOST_SPELLINGS: usize = 64;
/// The names that are always reserved for this crate, by how they begin: all that it registers itself, whether it has done
/// so yet or not. A [`Source`](super::Source) adds its own.
const RESERVED: [&str; 13] = [
    "breaker_",
    "cache_",
    "db_client_connection_timeouts_",
    "db_client_connection_wait_time_",
    "db_client_operation_",
    "http_",
    "messages_",
    "messaging_",
    "observability_",
    "otel_sdk_",
    "retries_",
    "rpc_",
    "work_duration_",
];

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Who registers an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registrant {
    /// This crate, whose names are reserved and do not count towards the limit of families.
    Crate,
    User,
}

/// All families of one recorder.
#[derive(Debug)]
pub(super) struct Families {
    names: RwLock<Names>,
    described: Mutex<HashMap<(Kind, String), Description>>,
    buckets: Vec<(String, Arc<Bounds>)>,
    durations: Option<Vec<f64>>,
    exemplars: bool,
    exponential: bool,
    refused: Arc<Refused>,
}

#[derive(Debug, Default)]
struct Names {
    families: BTreeMap<String, Arc<Family>>,
    // Every name that a family's lines begin with, and whose it is.
    taken: HashMap<String, String>,
    // Every name that the lines of this crate's own families begin with, whether they are there yet or not.
    reserved: HashSet<String>,
}

/// One family: a name, a type, its series.
#[derive(Debug)]
pub(super) struct Family {
    /// Without the `_total` of a counter.
    pub(super) name: String,
    /// What the user called it; `None` of this crate's own.
    pub(super) called: Option<String>,
    pub(super) series: Series,
    // The user's own spelling of labels that Prometheus does not allow.
    spellings: Mutex<HashMap<String, String>>,
}

#[derive(Debug)]
pub(super) enum Series {
    Counters(Group<Tally>),
    Gauges(Group<Gauge>),
    Histograms(Arc<Bounds>, Group<Histogram>),
}

/// The user's description of a family.
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

/// The names that the lines of one of this crate's families begin with; `name` is as in [`metric::TABLE`].
fn lines_of(name: &str) -> impl Iterator<Item = String> {
    let (base, suffixes): (_, &[_]) = if let Some(base) = name.strip_suffix("_total") {
        (base, Kind::Counter.suffixes())
    } else if let Some(base) = name.strip_suffix("_info") {
        (base, &["", "_info"])
    } else if name.ends_with("_duration_seconds") || name.ends_with("_wait_time_seconds") {
        (name, Kind::Histogram.suffixes())
    } else {
        (name, Kind::Gauge.suffixes())
    };
    suffixes.iter().map(move |suffix| format!("{base}{suffix}"))
}

impl Names {
    /// Reserves the names of this crate's that begin so. Returns what the user had registered under them, which is no
    /// longer shown: two families of one name make the whole page invalid.
    fn reserve(&mut self, prefix: &str) -> Vec<Arc<Family>> {
        let ours = metric::TABLE.iter().map(|(name, _)| *name).filter(|name| name.starts_with(prefix));
        self.reserved.extend(ours.flat_map(lines_of));
        let is_lost =
            |family: &Family| family.called.is_some() && self.is_reserved(family.series.kind(), &family.name);
        let lost: Vec<_> = self.families.values().filter(|family| is_lost(family)).cloned().collect();
        for family in &lost {
            self.families.remove(&family.name);
            self.taken.retain(|_, owner| *owner != family.name);
        }
        lost
    }

    /// Does a line of such a family begin with a name of this crate's?
    fn is_reserved(&self, kind: Kind, name: &str) -> bool {
        kind.suffixes().iter().any(|suffix| self.reserved.contains(&format!("{name}{suffix}")))
    }

    /// The family of that name, new if need be; else whose the name is, or `None` if there are too many.
    fn family(
        &mut self,
        called: Option<&str>,
        name: &str,
        series: Series,
    ) -> Result<Arc<Family>, Option<String>> {
        if let Some(known) = self.families.get(name) {
            return Ok(Arc::clone(known));
        }
        let own = || series.kind().suffixes().iter().map(|suffix| format!("{name}{suffix}"));
        if let Some(owner) = own().find_map(|own| self.taken.get(&own)) {
            return Err(Some(owner.clone()));
        }
        // It may have been reserved since it was asked for.
        if called.is_some() && self.is_reserved(series.kind(), name) {
            return Err(Some(name.to_owned()));
        }
        if called.is_some() && self.families.len() >= MOST_FAMILIES {
            return Err(None);
        }
        self.taken.extend(own().map(|own| (own, name.to_owned())));
        let (name, called) = (name.to_owned(), called.map(str::to_owned));
        let family = Arc::new(Family { name, called, series, spellings: Mutex::default() });
        self.families.insert(family.name.clone(), Arc::clone(&family));
        Ok(family)
    }
}

impl Family {
    /// Remembers how the user spells a label that is another one on the page.
    pub(super) fn spell(&self, raw: &str) {
        let name = label_name(raw);
        if name != raw {
            let mut spellings = lock(&self.spellings);
            if spellings.len() < MOST_SPELLINGS {
                spellings.entry(name).or_insert_with(|| raw.to_owned());
            }
        }
    }

    /// How the user spells this label.
    #[cfg(feature = "otlp")]
    pub(super) fn spelling(&self, name: &str) -> Option<String> {
        lock(&self.spellings).get(name).cloned()
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
        let mut names = Names::default();
        for prefix in RESERVED {
            names.reserve(prefix);
        }
        Self {
            names: RwLock::new(names),
            described: Mutex::default(),
            buckets: buckets
                .map(|(name, bounds)| (metric_name(name), Arc::new(Bounds::new(bounds))))
                .collect(),
            durations: options.durations.clone(),
            exemplars: options.exemplars,
            exponential: options.has_exponential(),
            refused: Arc::default(),
        }
    }

    /// From now on the names of this crate's that begin so are not the user's; what is registered already is refused now,
    /// and its handles write to nothing.
    pub(super) fn reserve(&self, prefix: &str) {
        let lost = self.names.write().unwrap_or_else(PoisonError::into_inner).reserve(prefix);
        for family in lost {
            self.refuse_reserved(family.series.kind(), &family.name);
        }
    }

    fn is_reserved(&self, kind: Kind, name: &str) -> bool {
        self.names.read().unwrap_or_else(PoisonError::into_inner).is_reserved(kind, name)
    }

    pub(super) fn refused(&self) -> &Refused {
        &self.refused
    }

    /// Sets unit and help. The first description of a reserved name stays: it is ours.
    pub(super) fn describe(&self, kind: Kind, raw: &str, unit: Option<Unit>, help: SharedString) {
        let name = kind.family_name(raw);
        let is_reserved = self.is_reserved(kind, &name);
        let key = (kind, name);
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = described.contains_key(&key);
        if is_known && is_reserved {
            drop(described);
            self.refuse_reserved(kind, &key.1);
        } else if is_known || is_reserved || described.len() < MOST_FAMILIES {
            described.insert(key, Description { unit, help });
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

    /// The family that the registrant means; `None`, counted and reported, if there cannot be one.
    pub(super) fn family(&self, registrant: Registrant, kind: Kind, raw: &str) -> Option<Arc<Family>> {
        let name = kind.family_name(raw);
        if registrant == Registrant::User && self.is_reserved(kind, &name) {
            self.refuse_reserved(kind, &name);
            return None;
        }
        let called = (registrant == Registrant::User).then_some(raw);
        let known = {
            let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
            names.families.get(&name).cloned()
        };
        let family = known.map_or_else(|| self.new_family(called, kind, &name), Ok);
        match family {
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

    fn new_family(
        &self,
        called: Option<&str>,
        kind: Kind,
        name: &str,
    ) -> Result<Arc<Family>, Option<String>> {
        // Asked before the names are locked: one lock at a time.
        let series = self.new_series(kind, name);
        self.names.write().unwrap_or_else(PoisonError::into_inner).family(called, name, series)
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

    /// Have histograms exponential buckets as well?
    pub(super) fn has_exponential(&self) -> bool {
        self.exponential
    }

    fn clash(&self, kind: Kind, name: &str, owner: &str) -> Option<Arc<Family>> {
        let kind = kind.as_str();
        let message =
            format_args!("the {kind} {name:?} is not shown: {owner:?} has that name already; rename one");
        self.refused.name(name, message);
        None
    }

    fn refuse_reserved(&self, kind: Kind, name: &str) {
        let kind = kind.as_str();
        let message = format_args!(
            "the {kind} {name:?} of this service is not taken: tower-observability has a metric of that name; \
             rename yours"
        );
        self.refused.name(name, message);
    }
}

impl Instrument for Tally {
    const KIND: Kind = Kind::Counter;

    fn place(_: &Families, family: &Family, labels: String) -> Option<Placed<Self>> {
        let Series::Counters(group) = &family.series else { return None };
        Some(group.place(labels, Self::default))
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
        let make = || {
            let made = Self::new(Arc::clone(bounds), families.exemplars, Arc::clone(&families.refused));
            if families.exponential { made.with_exponential() } else { made }
        };
        Some(group.place(labels, make))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_type_and_the_second_is_refused_and_counted() {
        let families = Families::new(&Metrics::default());
        let family = |kind, name| families.family(Registrant::User, kind, name);
        assert!(family(Kind::Counter, "orders").is_some());
        assert!(family(Kind::Counter, "orders_total").is_some());
        for (kind, name) in
            [(Kind::Gauge, "orders"), (Kind::Gauge, "orders_total"), (Kind::Histogram, "orders")]
        {
            assert!(family(kind, name).is_none(), "{kind:?} {name}");
        }
        assert!(family(Kind::Histogram, "wait_seconds").is_some());
        assert!(family(Kind::Gauge, "wait_seconds_bucket").is_none());
        assert_eq!(families.all().len(), 2);
        assert!(families.refused().counts().any(|counted| counted == ("name_clash", 4)));
    }

    #[test]
    fn what_a_name_of_ours_is_can_be_read_from_it() {
        for (name, about) in metric::TABLE {
            let lines: Vec<_> = lines_of(name).collect();
            let ends = |suffix: &str| lines.iter().any(|line| line.ends_with(suffix));
            let found = match (ends("_bucket"), ends("_total"), ends("_info")) {
                (true, ..) => "Histogram",
                (_, true, _) => "Counter",
                (.., true) => "Info",
                _ => "Gauge",
            };
            assert_eq!(about.split([':', ',']).next(), Some(found), "{name}");
        }
    }

    #[test]
    fn whatever_would_write_a_line_of_ours_is_refused_to_the_user_and_not_to_us() {
        let families = Families::new(&Metrics::default());
        families.reserve(metric::TARGET_INFO);
        for (kind, name) in [
            (Kind::Counter, "http_server_request_duration_seconds"),
            (Kind::Histogram, "http_server_request_duration_seconds"),
            (Kind::Histogram, "http.server.request.duration.seconds"),
            (Kind::Gauge, "http_server_request_duration_seconds_count"),
            (Kind::Counter, "http_server_request_duration_seconds_sum_total"),
            (Kind::Gauge, "http_server_active_requests"),
            (Kind::Gauge, "target"),
            (Kind::Gauge, "target_info"),
            (Kind::Counter, "target"),
            (Kind::Counter, "observability_metrics_refused"),
        ] {
            assert!(families.family(Registrant::User, kind, name).is_none(), "{kind:?} {name}");
        }
        assert!(families.refused().counts().any(|counted| counted == ("name_clash", 10)));
        // What only begins like one is no line of ours, and what no source shows is free.
        for name in ["http_requests", "observability_of_stars", "targets", "process_threads"] {
            assert!(families.family(Registrant::User, Kind::Gauge, name).is_some(), "{name}");
        }
        let ours = families.family(Registrant::Crate, Kind::Histogram, metric::HTTP_SERVER_REQUEST_DURATION);
        assert!(ours.is_some());
        assert!(
            families
                .family(Registrant::User, Kind::Histogram, "http_server_request_duration_seconds")
                .is_none()
        );
    }

    #[test]
    fn a_description_of_ours_stays() {
        let families = Families::new(&Metrics::default());
        let name = metric::HTTP_SERVER_REQUEST_DURATION;
        families.describe(Kind::Histogram, name, Some(Unit::Seconds), "ours".into());
        families.describe(Kind::Histogram, name, Some(Unit::Bytes), "theirs".into());
        let described = families.description(Kind::Histogram, name).expect("described");
        assert_eq!((described.unit, &*described.help), (Some(Unit::Seconds), "ours"));
    }

    #[test]
    fn names_made_of_ids_do_not_fill_the_memory() {
        let families = Families::new(&Metrics::default());
        let placed = (0..MOST_FAMILIES + 3)
            .filter(|n| families.family(Registrant::User, Kind::Gauge, &format!("g{n}")).is_some());
        assert_eq!(placed.count(), MOST_FAMILIES);
        let ours = families.family(Registrant::Crate, Kind::Histogram, metric::HTTP_SERVER_REQUEST_DURATION);
        assert!(ours.is_some(), "the limit is the user's");
        assert!(families.refused().counts().any(|counted| counted == ("too_many_families", 3)));
    }
}

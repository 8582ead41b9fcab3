//! The recorder: what the `metrics` facade's macros reach, the user's and ours.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ::metrics::{Key, KeyName, Metadata, SharedString, Unit};
use metrics_util::registry::{Registry, Storage};

use super::family::{Families, Instrument, Kind, Registrant};
use super::gauge::Gauge;
use super::group::Placed;
use super::histogram::{Fine, Histogram};
use super::label::label_text;
#[cfg(feature = "otlp")]
use super::native::NativePage;
use super::page::Pieces;
#[cfg(feature = "otlp")]
use super::page::Shown;
use super::refused::Reason;
use super::{Exposition, Metrics, Page, Samples, Source};
use crate::account::Tally;
use crate::clock::Moment;
use crate::threads::rest_after_long_step;

/// The target of the registrations that this crate makes through the facade.
pub(super) const TARGET: &str = module_path!();

/// The recorder of one process, or of one test.
pub(crate) struct Recorder {
    registry: Registry<Key, Store>,
    families: Arc<Families>,
    sources: RwLock<Vec<Source>>,
    #[allow(dead_code)] // without the feature `otlp` nothing asks for it
    since: Moment,
}

// The registry finds a key's series again; the families own it.
struct Store(Arc<Families>);

impl Recorder {
    pub(crate) fn new(options: &Metrics) -> Self {
        let families = Arc::new(Families::new(options));
        let registry = Registry::new(Store(Arc::clone(&families)));
        Self { registry, families, sources: RwLock::default(), since: Moment::now() }
    }

    /// Adds a source that is read at each scrape.
    pub(crate) fn add_source(&self, source: Source) {
        self.families.reserve(source.prefix);
        self.sources.write().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    /// The page, to be written a piece at a time. Recording goes on meanwhile.
    pub(crate) fn page(&self, exposition: Exposition) -> Page {
        Page::new(Arc::clone(&self.families), self.samples(), exposition)
    }

    /// The page in any format.
    pub(crate) fn pieces(&self, exposition: Exposition) -> Box<dyn Pieces> {
        match exposition {
            Exposition::Native => native(self),
            Exposition::Text | Exposition::OpenMetrics => Box::new(self.page(exposition)),
        }
    }

    /// Are there native histograms?
    pub(crate) fn has_native(&self) -> bool {
        HAS_NATIVE && self.families.has_exponential()
    }

    #[cfg(feature = "otlp")]
    pub(super) fn families(&self) -> &Families {
        &self.families
    }

    /// When everything here was zero.
    #[cfg(feature = "otlp")]
    pub(super) fn since(&self) -> Moment {
        self.since
    }

    /// What is asked instead of being kept.
    pub(super) fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        for source in self.sources.read().unwrap_or_else(PoisonError::into_inner).iter() {
            (source.ask)(&mut samples);
            // Each may ask the system for several files.
            rest_after_long_step();
        }
        self.families.refused().show(&mut samples);
        samples
    }

    /// The whole page at once, where it is small.
    pub(crate) fn render(&self, exposition: Exposition) -> String {
        self.page(exposition).collect()
    }
}

#[cfg(feature = "otlp")]
const HAS_NATIVE: bool = true;
#[cfg(not(feature = "otlp"))]
const HAS_NATIVE: bool = false;

#[cfg(feature = "otlp")]
fn native(recorder: &Recorder) -> Box<dyn Pieces> {
    let shown = Shown::all(&recorder.families, recorder.samples());
    Box::new(NativePage::new(Arc::clone(&recorder.families), shown))
}

#[cfg(not(feature = "otlp"))]
fn native(recorder: &Recorder) -> Box<dyn Pieces> {
    Box::new(recorder.page(Exposition::Text))
}

macro_rules! find_or_place {
    ($find:ident, $instrument:ty, $known:ident, $remember:ident) => {
        /// The instrument of this key; `None` if the name cannot be one of its type.
        pub(super) fn $find(&self, registrant: Registrant, key: &Key) -> Option<Arc<$instrument>> {
            let place = || self.registry.storage().place::<$instrument>(registrant, key);
            if registrant == Registrant::Crate {
                // Not in the registry, where the user's key of that name would find it.
                return place().map(|placed| placed.instrument);
            }
            self.registry.$known(key).or_else(|| {
                let placed = place()?;
                Some(match placed.remember {
                    true => self.registry.$remember(key, Arc::clone),
                    false => placed.instrument,
                })
            })
        }
    };
}

impl Recorder {
    find_or_place!(counter, Tally, get_counter, get_or_create_counter);
    find_or_place!(gauge, Gauge, get_gauge, get_or_create_gauge);
    find_or_place!(histogram, Histogram, get_histogram, get_or_create_histogram);
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("families", &self.families.all().len()).finish_non_exhaustive()
    }
}

fn registrant(metadata: &Metadata<'_>) -> Registrant {
    if metadata.target() == TARGET { Registrant::Crate } else { Registrant::User }
}

fn labels(key: &Key) -> String {
    label_text(key.labels().map(|label| (label.key(), label.value())))
}

impl Store {
    fn place<I: Instrument>(&self, registrant: Registrant, key: &Key) -> Option<Placed<I>> {
        let family = self.0.family(registrant, I::KIND, key.name())?;
        let placed = I::place(&self.0, &family, labels(key))?;
        if family.called.is_some() {
            key.labels().for_each(|label| family.spell(label.key()));
        }
        if placed.overflowed {
            let message = format_args!(
                "the metric {:?} has too many label sets; further ones share one series, otel_metric_overflow",
                family.name
            );
            self.0.refused().count(Reason::Overflow, message);
        }
        Some(placed)
    }
}

// Asked by the registry only for a key that was placed just before, so the families know it.
impl Storage<Key> for Store {
    type Counter = Arc<Tally>;
    type Gauge = Arc<Gauge>;
    type Histogram = Arc<Histogram>;

    fn counter(&self, key: &Key) -> Self::Counter {
        self.place(Registrant::User, key).map_or_else(Arc::default, |placed| placed.instrument)
    }

    fn gauge(&self, key: &Key) -> Self::Gauge {
        self.place(Registrant::User, key).map_or_else(Arc::default, |placed| placed.instrument)
    }

    fn histogram(&self, key: &Key) -> Self::Histogram {
        self.place(Registrant::User, key).map_or_else(
            || Arc::new(Histogram::new(Arc::new(super::buckets::Bounds::new(&[])), false, Arc::default())),
            |placed| placed.instrument,
        )
    }
}

impl ::metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.families.describe(Kind::Counter, key.as_str(), unit, help);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.families.describe(Kind::Gauge, key.as_str(), unit, help);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.families.describe(Kind::Histogram, key.as_str(), unit, help);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> ::metrics::Counter {
        self.counter(registrant(metadata), key).map_or_else(::metrics::Counter::noop, Into::into)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> ::metrics::Gauge {
        self.gauge(registrant(metadata), key).map_or_else(::metrics::Gauge::noop, Into::into)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> ::metrics::Histogram {
        match self.histogram(registrant(metadata), key) {
            Some(histogram) if histogram.has_exponential() => Arc::new(Fine(histogram)).into(),
            Some(histogram) => histogram.into(),
            None => ::metrics::Histogram::noop(),
        }
    }
}

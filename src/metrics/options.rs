//! The options of metrics.

use std::path::PathBuf;

use super::otlp::{self, Export, Temporality};
use crate::otlp::{Otlp, Shared};
use crate::variable::{Refusal, Variable, boolean, count, table, words};

/// The rows, by subject.
const GROUPS: &[&[Variable<Metrics>]] = &[Metrics::OWN, otlp::VARIABLES];

/// How many bounds a histogram may have: each costs every one of its series a counter and a line of the page.
const MOST_BUCKETS: usize = 100;

/// Options for metrics.
///
/// ```
/// use tower_observability::Metrics;
///
/// let metrics = Metrics::new()
///     .duration_buckets([0.001, 0.01, 0.1, 1.0, 10.0])
///     .buckets("basket_size", [1.0, 2.0, 5.0, 10.0])
///     .disk_paths(["/var/lib/bookings"]);
/// # let _ = metrics;
/// ```
#[derive(Clone, Debug)]
#[must_use = "hand it to `Builder::metrics`"]
pub struct Metrics {
    /// Is the page shown?
    pub(crate) page: bool,
    pub(crate) export: Export,
    /// Have histograms exponential buckets as well?
    pub(super) exponential: bool,
    pub(crate) exemplars: bool,
    /// Are requests counted by the recorder that the process has, instead of ours?
    pub(crate) installed: bool,
    pub(crate) buckets: Vec<(String, Vec<f64>)>,
    /// Those of every duration in seconds.
    pub(crate) durations: Option<Vec<f64>>,
    /// Lists of bounds that were ignored.
    refused: Vec<String>,
    pub(crate) process: bool,
    pub(crate) disk_paths: Vec<PathBuf>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            page: true,
            export: Export::default(),
            exponential: false,
            exemplars: true,
            installed: false,
            buckets: Vec::new(),
            durations: None,
            refused: Vec::new(),
            process: true,
            disk_paths: Vec::new(),
        }
    }
}

impl Metrics {
    /// The default bucket bounds of durations, in seconds, for a recorder of your own.
    pub const SECONDS: &'static [f64] = super::buckets::SECONDS;

    /// Metrics on, with exemplars.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records nothing, shows no page and sends nothing. Default: on. Variable: `OTEL_METRICS_EXPORTER=none`.
    pub fn off(mut self) -> Self {
        (self.page, self.export.on) = (false, false);
        self
    }

    /// Sends all metrics over OTLP, too: to the endpoint of `otlp`, else to a collector of the same machine. Its
    /// [`batch_delay`](Otlp::batch_delay) is the time between two collections, by default a minute.
    ///
    /// Default: not called. Variables: `OTEL_METRICS_EXPORTER` (`otlp`, or `prometheus,otlp`), `OTEL_METRIC_EXPORT_INTERVAL`;
    /// of the rest see [`Otlp`].
    ///
    /// ```
    /// use tower_observability::{Metrics, Otlp};
    ///
    /// let metrics = Metrics::new().otlp(Otlp::new().endpoint("http://collector:4318")).without_page();
    /// # let _ = metrics;
    /// ```
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.export.on = true;
        self.export.otlp.choose(otlp);
        self
    }

    /// No page `/metrics`; metrics are still sent if [`Metrics::otlp`] says so. Default: shown. Variable:
    /// `OTEL_METRICS_EXPORTER` (`otlp`).
    pub fn without_page(mut self) -> Self {
        self.page = false;
        self
    }

    /// Sends what was added since the last delivery instead of since the start, of counters and histograms.
    ///
    /// Default: not called. Variable: `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` (`delta`).
    pub fn delta(mut self) -> Self {
        self.export.temporality = Temporality::Delta;
        self
    }

    /// The same of what is recorded only; what is asked at each collection, such as CPU time, is sent as it is.
    ///
    /// Default: not called. Variable: `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` (`lowmemory`).
    pub fn low_memory(mut self) -> Self {
        self.export.temporality = Temporality::LowMemory;
        self
    }

    /// Counts in base-2 exponential buckets as well, eight to each power of two, which are sent over OTLP instead of the
    /// fixed ones, and are native histograms on the page for a scraper that asks for Prometheus' protobuf. A request then
    /// takes up to 150 instructions more, and a series 4 KiB for each processor, up to eight.
    ///
    /// Default: not called. Variable: `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`
    /// (`base2_exponential_bucket_histogram`).
    pub fn exponential_histograms(mut self) -> Self {
        self.exponential = true;
        self
    }

    /// Is anything shown or sent, and therefore recorded?
    pub(crate) fn is_on(&self) -> bool {
        self.page || self.export.on
    }

    pub(super) fn has_exponential(&self) -> bool {
        self.exponential
    }

    /// What the general variables of OTLP say.
    pub(crate) fn inherit(&mut self, general: &Shared) {
        self.export.inherit(general);
    }

    /// No exemplars. They are also left out if this process exports no traces, because there would be no trace to open.
    /// Default: on. Variable: `OTEL_METRICS_EXEMPLAR_FILTER=always_off`.
    pub fn without_exemplars(mut self) -> Self {
        self.exemplars = false;
        self
    }

    /// Records requests, calls and work with the `metrics` recorder that the process has installed, instead of ours.
    ///
    /// They are then on that recorder's page, with the same names and labels, and without exemplars, because the `metrics`
    /// facade has no ids. Configure its buckets ([`Self::SECONDS`]), and install it before the first request. Our page
    /// still has the metrics of the process and of this crate. Default: ours. Variable: none.
    ///
    /// ```
    /// use tower_observability::Metrics;
    ///
    /// let metrics = Metrics::new().installed_recorder();
    /// # let _ = metrics;
    /// ```
    pub fn installed_recorder(mut self) -> Self {
        self.installed = true;
        self
    }

    /// Sets the upper bounds of the buckets of one histogram, ours (such as `http_server_request_duration_seconds`) or your
    /// own. `+Inf` is added.
    ///
    /// The bounds are sorted. A list of more than 100 bounds, or with one that is not a number, is ignored with a warning.
    /// Default: by unit or by the name's last word: seconds 0.005 to 10, bytes 64 to 64 MiB, ratios 0.01 to 1,
    /// else 0 to 10,000. Variable: none.
    pub fn buckets(mut self, name: impl Into<String>, bounds: impl IntoIterator<Item = f64>) -> Self {
        let name = name.into();
        if let Some(bounds) = self.checked(&name, bounds) {
            self.buckets.retain(|(known, _)| *known != name);
            self.buckets.push((name, bounds));
        }
        self
    }

    /// Sets the upper bounds of all durations in seconds that have no list of their own: requests, calls, work, and your own
    /// histograms with that unit or a name that ends in `_seconds`. Default: 0.005, 0.01, 0.025, 0.05, 0.075,
    /// 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10. Variable: none.
    pub fn duration_buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        if let Some(bounds) = self.checked("every duration", bounds) {
            self.durations = Some(bounds);
        }
        self
    }

    /// The bounds, unless there is no sense in them.
    fn checked(&mut self, of: &str, bounds: impl IntoIterator<Item = f64>) -> Option<Vec<f64>> {
        // One more than is taken shows that there are too many, even in an endless list.
        let mut bounds: Vec<f64> = bounds.into_iter().take(MOST_BUCKETS + 2).collect();
        // `+Inf` is always there, and some users list it.
        bounds.retain(|bound| *bound != f64::INFINITY);
        let why = match bounds.iter().find(|bound| !bound.is_finite()) {
            Some(bound) => format!("{bound} is not a bound"),
            None if bounds.len() > MOST_BUCKETS => format!("there are more than {MOST_BUCKETS}"),
            None => return Some(bounds),
        };
        self.refused.push(format!("the buckets of {of} are ignored: {why}"));
        None
    }

    /// What is wrong with what the code chose.
    pub(crate) fn complaints(&self) -> &[String] {
        &self.refused
    }

    /// No metrics of the process, its container and its runtime (`process_…`, `container_…`, `tokio_…`), except the
    /// process's start time. Default: on. Variable: `OBSERVABILITY_PROCESS_METRICS=false`.
    pub fn without_process(mut self) -> Self {
        self.process = false;
        self
    }

    /// Shows the size and the free space of the file systems of these paths.
    ///
    /// A path that does not exist, or whose network mount hangs, is not on the page. Default: none. Variable:
    /// `OBSERVABILITY_DISK_PATHS`.
    pub fn disk_paths(mut self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        self.disk_paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// The rows of the variables.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &table::<_, { count(GROUPS) }>(GROUPS);

    const OWN: &'static [Variable<Self>] = &[
        Variable {
            name: "OTEL_METRICS_EXPORTER",
            default: "prometheus",
            about: "Where metrics go: `prometheus` (the page `/metrics`), `otlp`, `prometheus,otlp` (both) or `none`.",
            set: Self::set_exporter,
            show: |metrics| {
                match (metrics.page, metrics.export.on) {
                    (true, false) => "prometheus",
                    (false, true) => "otlp",
                    (true, true) => "prometheus,otlp",
                    (false, false) => "none",
                }
                .to_owned()
            },
        },
        Variable {
            name: "OTEL_METRICS_EXEMPLAR_FILTER",
            default: "trace_based",
            about: "Which values carry a trace id: `trace_based` (those of sampled traces) or `always_off`.",
            set: Self::set_exemplars,
            show: |metrics| if metrics.exemplars { "trace_based" } else { "always_off" }.to_owned(),
        },
        Variable {
            name: "OBSERVABILITY_PROCESS_METRICS",
            default: "true",
            about: "`true`: `/metrics` includes the process, its container and its tokio runtime.",
            set: |metrics, value| boolean(value).map(|on| metrics.process = on),
            show: |metrics| metrics.process.to_string(),
        },
        Variable {
            name: "OBSERVABILITY_DISK_PATHS",
            default: "",
            about: "Paths, separated by commas, whose file systems are shown on `/metrics`.",
            set: Self::set_disk_paths,
            show: Self::show_disk_paths,
        },
    ];

    fn set_exporter(&mut self, value: &str) -> Result<(), Refusal> {
        let (mut page, mut otlp, mut none, mut unserved) = (false, false, false, None);
        for name in words(value) {
            match &*name {
                "prometheus" => page = true,
                "otlp" => otlp = true,
                "none" => none = true,
                "console" | "otlp/stdout" => unserved = Some(name),
                _ => {
                    let right = "a list of prometheus and otlp (`prometheus,otlp` is both), or none";
                    return Err(Refusal::expected(right));
                }
            }
        }
        if none && (page || otlp) {
            return Err(Refusal::expected("`none` alone, or exporters without it"));
        }
        if page || otlp || none {
            (self.page, self.export.on) = (page, otlp);
        }
        unserved.map_or(Ok(()), |name| {
            Err(Refusal::NotServed(format!("`{name}` is ignored; the page /metrics shows all metrics")))
        })
    }

    fn set_disk_paths(&mut self, value: &str) -> Result<(), Refusal> {
        let paths = value.split(',').map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from);
        let paths: Vec<_> = paths.collect();
        if paths.is_empty() || !paths.iter().all(|path| path.is_absolute()) {
            return Err(Refusal::expected("absolute paths, separated by commas"));
        }
        self.disk_paths.clear();
        for path in paths {
            if !self.disk_paths.contains(&path) {
                self.disk_paths.push(path);
            }
        }
        Ok(())
    }

    fn show_disk_paths(&self) -> String {
        let paths: Vec<_> = self.disk_paths.iter().map(|path| path.to_string_lossy()).collect();
        paths.join(",")
    }

    fn set_exemplars(&mut self, value: &str) -> Result<(), Refusal> {
        self.exemplars = match &*value.to_ascii_lowercase() {
            "trace_based" => true,
            "always_off" => false,
            "always_on" => {
                let instead = "an exemplar without a trace opens nothing; trace_based is used";
                self.exemplars = true;
                return Err(Refusal::NotServed(instead.to_owned()));
            }
            _ => return Err(Refusal::Expected("`trace_based` or `always_off`".to_owned())),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> (Metrics, Result<(), Refusal>) {
        let mut metrics = Metrics::new();
        let variable = Metrics::VARIABLES.iter().find(|variable| variable.name == name).expect("a row");
        let result = (variable.set)(&mut metrics, value);
        (metrics, result)
    }

    #[test]
    fn metrics_go_to_the_page_to_a_collector_to_both_or_nowhere() {
        let chosen = |value| {
            let (metrics, result) = set("OTEL_METRICS_EXPORTER", value);
            (metrics.page, metrics.export.on, result.is_ok())
        };
        assert_eq!(chosen("prometheus"), (true, false, true));
        assert_eq!(chosen("none"), (false, false, true));
        assert_eq!(chosen("otlp"), (false, true, true));
        assert_eq!(chosen("otlp, prometheus"), (true, true, true));
        assert_eq!(chosen("none,prometheus"), (true, false, false));
        assert_eq!(chosen("otlp,console"), (false, true, false));
        assert!(matches!(set("OTEL_METRICS_EXPORTER", "console").1, Err(Refusal::NotServed(_))));
        assert!(matches!(set("OTEL_METRICS_EXPORTER", "influx").1, Err(Refusal::Expected(_))));
    }

    #[test]
    fn a_list_of_bounds_without_sense_is_refused_and_what_was_chosen_before_stays() {
        let chosen = Metrics::new().buckets("wait", [2.0, 1.0, f64::INFINITY]).duration_buckets([0.5]);
        assert!(chosen.complaints().is_empty());
        let refused = chosen
            .buckets("wait", [1.0, f64::NAN])
            .duration_buckets([f64::NEG_INFINITY])
            .duration_buckets((0..).map(f64::from));
        assert_eq!(refused.buckets, [("wait".to_owned(), vec![2.0, 1.0])]);
        assert_eq!(refused.durations, Some(vec![0.5]));
        let expected = [
            "the buckets of wait are ignored: NaN is not a bound",
            "the buckets of every duration are ignored: -inf is not a bound",
            "the buckets of every duration are ignored: there are more than 100",
        ];
        assert_eq!(refused.complaints(), expected);
        assert!(Metrics::new().duration_buckets((0..100).map(f64::from)).complaints().is_empty());
    }

    #[test]
    fn exemplars_follow_the_filter() {
        assert!(!set("OTEL_METRICS_EXEMPLAR_FILTER", "always_off").0.exemplars);
        let (metrics, result) = set("OTEL_METRICS_EXEMPLAR_FILTER", "always_on");
        assert!(metrics.exemplars && matches!(result, Err(Refusal::NotServed(_))));
        assert!(matches!(set("OTEL_METRICS_EXEMPLAR_FILTER", "ON").1, Err(Refusal::Expected(_))));
    }

    #[test]
    fn the_paths_are_absolute_or_the_list_is_refused() {
        let (metrics, result) = set("OBSERVABILITY_DISK_PATHS", "/, /var/lib ,");
        assert_eq!((metrics.show_disk_paths().as_str(), result), ("/,/var/lib", Ok(())));
        for bad in ["data", "/,data", ","] {
            let (metrics, result) = set("OBSERVABILITY_DISK_PATHS", bad);
            assert!(metrics.disk_paths.is_empty() && matches!(result, Err(Refusal::Expected(_))), "{bad}");
        }
    }

    #[test]
    fn every_row_shows_its_default() {
        for variable in Metrics::VARIABLES {
            assert_eq!((variable.show)(&Metrics::new()), variable.default, "{}", variable.name);
        }
    }
}

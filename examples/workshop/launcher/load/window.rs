//! What the services' `/metrics` said from the beginning of a load to its end, as series of samples.

use std::collections::BTreeMap;

use crate::launcher::exposition;

/// Labels of a series, `job` among them; one that is absent is empty, as in PromQL.
pub(super) type Labels = BTreeMap<String, String>;

/// What is kept of each page.
const KEPT: [&str; 12] = [
    "breaker_state",
    "container_cpu_",
    "db_client_connection_",
    "db_client_operation_duration_seconds",
    "http_client_request_duration_seconds",
    "http_server_active_requests",
    "http_server_request_duration_seconds",
    "messaging_client_operation_duration_seconds",
    "process_cpu_seconds_total",
    "queue_depth",
    "tokio_workers",
    "tokio_workers_busy_seconds_total",
];

/// A page that was read, or what is kept of it.
#[derive(Debug)]
pub(super) struct Page {
    job: &'static str,
    /// Seconds since 1970.
    at: f64,
    text: String,
}

/// A series: seconds since 1970, value.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) labels: Labels,
    pub(super) samples: Vec<(f64, f64)>,
}

/// All series of a span of time.
#[derive(Debug, Default)]
pub(super) struct Window {
    series: BTreeMap<(String, Labels), Vec<(f64, f64)>>,
    /// When each job was read for the first and for the last time.
    read: BTreeMap<&'static str, (f64, f64)>,
}

impl Page {
    /// Of a page between two others only what a plot shows is kept: a histogram needs its beginning and its end.
    pub(super) fn new(job: &'static str, at: f64, text: &str, is_between: bool) -> Self {
        let kept = |line: &&str| {
            KEPT.iter().any(|name| line.starts_with(name))
                && !(is_between && line.contains("_seconds_bucket{"))
        };
        Self { job, at, text: text.lines().filter(kept).flat_map(|line| [line, "\n"]).collect() }
    }

    /// The sum of the series whose lines begin so.
    pub(super) fn sum(&self, begin: &str) -> f64 {
        let these = self.text.lines().filter(|line| line.starts_with(begin));
        these.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}

impl Window {
    /// What these pages say, which are in the order of their time.
    pub(super) fn of(pages: &[Page]) -> Self {
        let mut window = Self::default();
        pages.iter().for_each(|page| window.add(page));
        window
    }

    fn add(&mut self, page: &Page) {
        self.read.entry(page.job).or_insert((page.at, page.at)).1 = page.at;
        for row in exposition::read(page.job, &page.text) {
            let Ok(value) = row.get("value").parse::<f64>() else { continue };
            let name = row.get("name").to_owned();
            let labels = row
                .json()
                .into_iter()
                .filter(|(key, _)| !matches!(key.as_str(), "service" | "name" | "value"));
            let labels = labels.filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())));
            let labels = labels.chain([("job".to_owned(), page.job.to_owned())]).collect();
            self.series.entry((name, labels)).or_default().push((page.at, value));
        }
    }

    /// The series of this name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = Series> {
        let from = (name.to_owned(), Labels::new());
        let these = self.series.range(from..).take_while(move |((its, _), _)| its == name);
        these.map(|((_, labels), samples)| Series { labels: labels.clone(), samples: samples.clone() })
    }

    /// From when to when a job was read.
    pub(super) fn read(&self, job: &str) -> Option<(f64, f64)> {
        self.read.get(job).copied()
    }

    /// The first and the last time of all.
    pub(super) fn span(&self) -> (f64, f64) {
        let from = self.read.values().map(|(from, _)| *from).fold(f64::INFINITY, f64::min);
        let to = self.read.values().map(|(_, to)| *to).fold(f64::NEG_INFINITY, f64::max);
        if from <= to { (from, to) } else { (0.0, 0.0) }
    }

    /// The whole seconds of it, for a query's range.
    pub(super) fn seconds(&self) -> u32 {
        let (from, to) = self.span();
        (to - from).round().max(1.0) as u32
    }
}

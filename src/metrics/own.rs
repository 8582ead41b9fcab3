//! The sources about ourselves: each signal's account, the target.

use super::source::{Asked, Samples, Source};
use crate::account::{FlowReport, KeepCounts, LeftOut, PeerCounts};
use crate::names::{label, metric};
use crate::resource::Resource;

/// What only lines have: their buffer is bounded by bytes, and a line that is too long is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineBuffer {
    pub(crate) bytes: usize,
    pub(crate) capacity: usize,
    pub(crate) shortened: u64,
}

/// What a series is of, where a process may have several: the conventions' `otel.component.*`.
#[derive(Clone, Debug)]
struct Component {
    kind: &'static str,
    name: String,
}

/// What the conventions call the parts of one signal's account.
struct Names {
    created: &'static str,
    size: &'static str,
    processed: &'static str,
    exported: &'static str,
    /// The conventions' word for what keeps the queue.
    processor: &'static str,
    /// Which losses there can be behind the queue: their series begin at zero, so that a first loss is seen.
    losses: &'static [&'static str],
}

const SPANS: Names = Names {
    created: metric::OTEL_SDK_SPAN_STARTED,
    size: metric::OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE,
    processed: metric::OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
    exported: metric::OTEL_SDK_EXPORTER_SPAN_EXPORTED,
    processor: "batching_span_processor",
    losses: &["rejected", "timeout", "too_large"],
};

const LINES: Names = Names {
    created: metric::OTEL_SDK_LOG_CREATED,
    size: metric::OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE,
    processed: metric::OTEL_SDK_PROCESSOR_LOG_PROCESSED,
    exported: metric::OTEL_SDK_EXPORTER_LOG_EXPORTED,
    processor: "batching_log_processor",
    losses: &["timeout", "too_large", "write_failed"],
};

const RECORDS: Names = Names { losses: SPANS.losses, ..LINES };

const REPORTS: Names = Names {
    created: metric::OBSERVABILITY_REPORTS_CREATED,
    size: metric::OBSERVABILITY_REPORTS_QUEUE_SIZE,
    processed: metric::OBSERVABILITY_REPORTS_PROCESSED,
    exported: metric::OBSERVABILITY_REPORTS_EXPORTED,
    processor: "report_processor",
    losses: SPANS.losses,
};

// Reasons for which a record never entered the queue; all others are the exporter's.
const BEFORE_THE_QUEUE: [&str; 2] = ["queue_full", "already_shutdown"];
const UNCONFIRMED: &str = "unconfirmed";

// No convention has a word for it.
const STDOUT: &str = "stdout_log_exporter";

impl Component {
    /// The first of its kind; its name is the same after each restart, as the conventions want it.
    fn first(kind: &'static str) -> Self {
        Self { kind, name: format!("{kind}/0") }
    }

    fn second(kind: &'static str) -> Self {
        Self { kind, name: format!("{kind}/1") }
    }

    /// The one in front of this exporter.
    fn of(kind: &'static str, exporter: &str) -> Self {
        Self { kind, name: format!("{kind}/{exporter}") }
    }

    fn labels(&self) -> [(&str, &str); 2] {
        [(label::OTEL_COMPONENT_NAME, &self.name), (label::OTEL_COMPONENT_TYPE, self.kind)]
    }
}

/// The spans' account, under the names of the conventions for SDKs; with the capacity of the queue; `exporter` is
/// the conventions' word for how they leave.
pub(crate) fn spans(
    exporter: &'static str,
    capacity: usize,
    report: impl Fn() -> FlowReport + Send + Sync + 'static,
    shortened: impl Fn() -> u64 + Send + Sync + 'static,
) -> Source {
    let (processor, exporter) = (Component::first(SPANS.processor), Component::first(exporter));
    Source::new("otel_sdk_", move |samples| {
        let created = [(label::OTEL_SPAN_SAMPLING_RESULT, "RECORD_AND_SAMPLE")];
        account(samples, &SPANS, &created, [&processor, &exporter], &report());
        samples
            .family(metric::OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY)
            .sample(&processor.labels(), capacity as f64);
        samples.single(metric::OBSERVABILITY_SPANS_SHORTENED, Some(shortened() as f64));
    })
}

/// The lines' account, under the names of the conventions for SDKs; what no convention has, under ours.
pub(crate) fn lines(
    report: impl Fn() -> FlowReport + Send + Sync + 'static,
    buffer: impl Fn() -> LineBuffer + Send + Sync + 'static,
) -> Source {
    let (processor, exporter) = (Component::first(LINES.processor), Component::first(STDOUT));
    Source::new("otel_sdk_", move |samples| {
        let report = report();
        account(samples, &LINES, &[], [&processor, &exporter], &report);
        left_out(samples, &report);
        let LineBuffer { bytes, capacity, shortened } = buffer();
        samples.single(metric::OBSERVABILITY_LOG_QUEUE_BYTES, Some(bytes as f64));
        samples.single(metric::OBSERVABILITY_LOG_QUEUE_CAPACITY, Some(capacity as f64));
        samples.single(metric::OBSERVABILITY_LOG_SHORTENED, Some(shortened as f64));
    })
}

/// The log records' account, under the names of the lines': another processor and another exporter of the same
/// signal; `exporter` is the conventions' word for how they leave. Where there are lines too, what was created is said
/// once, by them.
pub(crate) fn records(
    exporter: &'static str,
    beside_lines: bool,
    capacity: usize,
    report: impl Fn() -> FlowReport + Send + Sync + 'static,
    shortened: impl Fn() -> u64 + Send + Sync + 'static,
) -> Source {
    let (processor, exporter) = (Component::second(RECORDS.processor), Component::first(exporter));
    Source::new("otel_sdk_", move |samples| {
        let report = report();
        if !beside_lines {
            samples.family(RECORDS.created).sample(&[], report.created as f64);
            left_out(samples, &report);
        }
        ends(samples, &RECORDS, [&processor, &exporter], &report);
        samples
            .family(metric::OTEL_SDK_PROCESSOR_LOG_QUEUE_CAPACITY)
            .sample(&processor.labels(), capacity as f64);
        samples.single(metric::OBSERVABILITY_LOG_RECORDS_SHORTENED, Some(shortened() as f64));
    })
}

/// The account of data points over OTLP. The conventions have no queue for them; each is in flight until it is exported.
pub(crate) fn points(
    exporter: &'static str,
    report: impl Fn() -> FlowReport + Send + Sync + 'static,
) -> Source {
    let exporter = Component::first(exporter);
    Source::new("otel_sdk_", move |samples| {
        let report = report();
        let inflight = samples.family(metric::OTEL_SDK_EXPORTER_POINT_INFLIGHT);
        inflight.sample(&exporter.labels(), report.queued() as f64);
        let losses = report.dropped.iter().map(|(reason, _)| reason.as_str());
        let losses = losses.filter(|reason| !SPANS.losses.contains(reason));
        let losses: Vec<_> = SPANS.losses.iter().copied().chain(losses).collect();
        let exported = samples.family(metric::OTEL_SDK_EXPORTER_POINT_EXPORTED);
        exports(exported, &exporter, losses, &report);
    })
}

/// The account of error reports, of one way out; `all` is that of all of them, which one says.
pub(crate) fn reports(
    exporter: &'static str,
    capacity: usize,
    all: impl Fn() -> Option<FlowReport> + Send + Sync + 'static,
    report: impl Fn() -> FlowReport + Send + Sync + 'static,
    shortened: impl Fn() -> u64 + Send + Sync + 'static,
) -> Source {
    let (processor, exporter) = (Component::of(REPORTS.processor, exporter), Component::first(exporter));
    Source::new("observability_", move |samples| {
        if let Some(all) = all() {
            samples.family(REPORTS.created).sample(&[], all.created as f64);
            let asked = samples.family(metric::OBSERVABILITY_REPORTS_LEFT_OUT);
            sample_reasons(asked, &all);
        }
        ends(samples, &REPORTS, [&processor, &exporter], &report());
        samples
            .family(metric::OBSERVABILITY_REPORTS_QUEUE_CAPACITY)
            .sample(&processor.labels(), capacity as f64);
        samples
            .family(metric::OBSERVABILITY_REPORTS_SHORTENED)
            .sample(&exporter.labels(), shortened() as f64);
    })
}

/// What became of traces that the sampler left out; `None` where none is held.
pub(crate) fn kept(report: impl Fn() -> Option<KeepCounts> + Send + Sync + 'static) -> Source {
    Source::new("observability_", move |samples| {
        let Some(KeepCounts { kept, discarded, spans, bytes, capacity, peers }) = report() else { return };
        let family = samples.family(metric::OBSERVABILITY_TRACES_KEPT);
        sample_each(family, label::REASON, &kept);
        let family = samples.family(metric::OBSERVABILITY_SPANS_DISCARDED);
        sample_each(family, label::REASON, &discarded);
        samples.single(metric::OBSERVABILITY_SPANS_HELD, Some(spans as f64));
        samples.single(metric::OBSERVABILITY_SPANS_HELD_BYTES, Some(bytes as f64));
        samples.single(metric::OBSERVABILITY_SPANS_HELD_CAPACITY, Some(capacity as f64));
        let Some(PeerCounts { messages, bytes }) = peers else { return };
        let family = samples.family(metric::OBSERVABILITY_PEER_MESSAGES);
        sample_each(family, label::DIRECTION, &messages);
        let family = samples.family(metric::OBSERVABILITY_PEER_BYTES);
        sample_each(family, label::DIRECTION, &bytes);
    })
}

/// Every value of the label from the start, so that a first count is seen.
fn sample_each(family: &mut Asked, label: &str, counts: &[(&'static str, u64)]) {
    for (value, count) in counts {
        family.sample(&[(label, value)], *count as f64);
    }
}

fn account(
    samples: &mut Samples,
    names: &Names,
    created: &[(&str, &str)],
    components: [&Component; 2],
    report: &FlowReport,
) {
    samples.family(names.created).sample(created, report.created as f64);
    ends(samples, names, components, report);
}

/// What became of what was created.
fn ends(samples: &mut Samples, names: &Names, [processor, exporter]: [&Component; 2], report: &FlowReport) {
    samples.family(names.size).sample(&processor.labels(), report.queued() as f64);
    let is_before = |reason: &str| BEFORE_THE_QUEUE.contains(&reason);
    let count = |reason: &str| lost(report, reason);
    let losses = report.dropped.iter().map(|(reason, _)| reason.as_str());
    let losses = losses.filter(|reason| !is_before(reason) && !names.losses.contains(reason));
    let losses: Vec<_> = names.losses.iter().copied().chain(losses).collect();
    let after: u64 = losses.iter().map(|reason| count(reason)).sum();
    let processed = samples.family(names.processed);
    processed.sample(&processor.labels(), (report.delivered + report.unconfirmed + after) as f64);
    BEFORE_THE_QUEUE.into_iter().for_each(|reason| failed(processed, processor, reason, count(reason)));
    exports(samples.family(names.exported), exporter, losses, report);
}

/// What was delivered, and what was lost for these reasons.
fn exports(exported: &mut Asked, exporter: &Component, losses: Vec<&str>, report: &FlowReport) {
    exported.sample(&exporter.labels(), report.delivered as f64);
    failed(exported, exporter, UNCONFIRMED, report.unconfirmed);
    losses.into_iter().for_each(|reason| failed(exported, exporter, reason, lost(report, reason)));
}

fn lost(report: &FlowReport, reason: &str) -> u64 {
    report.dropped.iter().find(|(dropped, _)| dropped.as_str() == reason).map_or(0, |(_, count)| *count)
}

/// What was created and never meant to leave; every reason from the start, so that a first one is seen.
fn left_out(samples: &mut Samples, report: &FlowReport) {
    let asked = samples.family(metric::OBSERVABILITY_LOG_LEFT_OUT);
    sample_reasons(asked, report);
}

fn sample_reasons(asked: &mut Asked, report: &FlowReport) {
    for reason in LeftOut::ALL {
        let count = report.left_out.iter().find(|(name, _)| *name == reason).map_or(0, |(_, count)| *count);
        asked.sample(&[(label::REASON, reason.as_str())], count as f64);
    }
}

fn failed(asked: &mut Asked, component: &Component, reason: &str, count: u64) {
    let [name, kind] = component.labels();
    asked.sample(&[(label::ERROR_TYPE, reason), name, kind], count as f64);
}

/// Which service this is, for joins: the resource as labels of one sample.
pub(crate) fn target(resource: &Resource) -> Source {
    let attributes: Vec<(String, String)> =
        resource.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Source::new(metric::TARGET_INFO, move |samples| {
        let labels: Vec<_> = attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let asked = samples.family(metric::TARGET_INFO);
        asked.sample(&labels, 1.0);
    })
}

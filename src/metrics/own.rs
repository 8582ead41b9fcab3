//! The sources about ourselves: each signal's account, the target.

use super::source::{Asked, Samples, Shape, Source};
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
    created: (&'static str, &'static str),
    size: (&'static str, &'static str),
    processed: (&'static str, &'static str),
    exported: (&'static str, &'static str),
    /// The conventions' word for what keeps the queue.
    processor: &'static str,
    /// Which losses there can be behind the queue: their series begin at zero, so that a first loss is seen.
    losses: &'static [&'static str],
}

const SPANS: Names = Names {
    created: (metric::OTEL_SDK_SPAN_STARTED, "Spans handed to the pipeline."),
    size: (metric::OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE, "Spans that are queued or being sent."),
    processed: (
        metric::OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
        "Spans that left the queue, or why they did not enter it.",
    ),
    exported: (
        metric::OTEL_SDK_EXPORTER_SPAN_EXPORTED,
        "Spans that the receiver confirmed, or why it did not.",
    ),
    processor: "batching_span_processor",
    losses: &["rejected", "timeout", "too_large"],
};

const LINES: Names = Names {
    created: (metric::OTEL_SDK_LOG_CREATED, "Log lines, or log records, handed to the pipeline."),
    size: (metric::OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE, "Log lines and log records that are queued."),
    processed: (
        metric::OTEL_SDK_PROCESSOR_LOG_PROCESSED,
        "Log lines and log records that left the queue, or why they did not enter it.",
    ),
    exported: (
        metric::OTEL_SDK_EXPORTER_LOG_EXPORTED,
        "Log lines that were written and log records that the receiver confirmed, or why not.",
    ),
    processor: "batching_log_processor",
    losses: &["timeout", "too_large", "write_failed"],
};

const RECORDS: Names = Names { losses: SPANS.losses, ..LINES };

const REPORTS: Names = Names {
    created: (metric::OBSERVABILITY_REPORTS_CREATED, "Error reports handed to the pipeline, or left out."),
    size: (metric::OBSERVABILITY_REPORTS_QUEUE_SIZE, "Error reports that are queued or being sent."),
    processed: (
        metric::OBSERVABILITY_REPORTS_PROCESSED,
        "Error reports that left the queue, or why they did not enter it.",
    ),
    exported: (
        metric::OBSERVABILITY_REPORTS_EXPORTED,
        "Error reports that the receiver took, or why it did not.",
    ),
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
        let help = "How many spans the queue holds.";
        samples
            .family(metric::OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY, Shape::Gauge, "", help)
            .sample(&processor.labels(), capacity as f64);
        let help = "Spans whose texts were shortened, because they alone were larger than a request may be.";
        samples
            .family(metric::OBSERVABILITY_SPANS_SHORTENED, Shape::Counter, "", help)
            .sample(&[], shortened() as f64);
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
        let mut own = |name, shape, unit, help, value| {
            samples.family(name, shape, unit, help).sample(&[], value);
        };
        let help = "Bytes of log lines that are queued.";
        own(metric::OBSERVABILITY_LOG_QUEUE_BYTES, Shape::Gauge, "bytes", help, bytes as f64);
        let help = "How many bytes of log lines may be queued.";
        own(metric::OBSERVABILITY_LOG_QUEUE_CAPACITY, Shape::Gauge, "bytes", help, capacity as f64);
        let help = "Log lines whose longest values were cut.";
        own(metric::OBSERVABILITY_LOG_SHORTENED, Shape::Counter, "", help, shortened as f64);
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
            family(samples, RECORDS.created, Shape::Counter).sample(&[], report.created as f64);
            left_out(samples, &report);
        }
        ends(samples, &RECORDS, [&processor, &exporter], &report);
        let help = "How many log records the queue holds.";
        samples
            .family(metric::OTEL_SDK_PROCESSOR_LOG_QUEUE_CAPACITY, Shape::Gauge, "", help)
            .sample(&processor.labels(), capacity as f64);
        let help = "Log records whose longest values were cut.";
        samples
            .family(metric::OBSERVABILITY_LOG_RECORDS_SHORTENED, Shape::Counter, "", help)
            .sample(&[], shortened() as f64);
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
        let help = "Data points that were collected and are not delivered or dropped yet.";
        let inflight = family(samples, (metric::OTEL_SDK_EXPORTER_POINT_INFLIGHT, help), Shape::Gauge);
        inflight.sample(&exporter.labels(), report.queued() as f64);
        let losses = report.dropped.iter().map(|(reason, _)| reason.as_str());
        let losses = losses.filter(|reason| !SPANS.losses.contains(reason));
        let losses: Vec<_> = SPANS.losses.iter().copied().chain(losses).collect();
        let help = "Data points that the receiver confirmed, or why it did not.";
        let exported = family(samples, (metric::OTEL_SDK_EXPORTER_POINT_EXPORTED, help), Shape::Counter);
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
            family(samples, REPORTS.created, Shape::Counter).sample(&[], all.created as f64);
            let help = "Error reports left out on purpose.";
            let asked = samples.family(metric::OBSERVABILITY_REPORTS_LEFT_OUT, Shape::Counter, "", help);
            sample_reasons(asked, &all);
        }
        ends(samples, &REPORTS, [&processor, &exporter], &report());
        let help = "How many error reports the queue holds, long ones several times.";
        samples
            .family(metric::OBSERVABILITY_REPORTS_QUEUE_CAPACITY, Shape::Gauge, "", help)
            .sample(&processor.labels(), capacity as f64);
        let help = "Error reports without some of their fields and lines, which had no room.";
        samples
            .family(metric::OBSERVABILITY_REPORTS_SHORTENED, Shape::Counter, "", help)
            .sample(&exporter.labels(), shortened() as f64);
    })
}

/// What became of traces that the sampler left out; `None` where none is held.
pub(crate) fn kept(report: impl Fn() -> Option<KeepCounts> + Send + Sync + 'static) -> Source {
    Source::new("observability_", move |samples| {
        let Some(KeepCounts { kept, discarded, spans, bytes, capacity, peers }) = report() else { return };
        let help = "Traces that were kept although they were not sampled, by reason.";
        let family = samples.family(metric::OBSERVABILITY_TRACES_KEPT, Shape::Counter, "", help);
        sample_each(family, label::REASON, &kept);
        let help = "Spans of traces that were not sampled and not kept, by what ended their time.";
        let family = samples.family(metric::OBSERVABILITY_SPANS_DISCARDED, Shape::Counter, "", help);
        sample_each(family, label::REASON, &discarded);
        let mut gauge = |name, unit, help, value: usize| {
            samples.family(name, Shape::Gauge, unit, help).sample(&[], value as f64);
        };
        gauge(metric::OBSERVABILITY_SPANS_HELD, "", "Spans that are held.", spans);
        gauge(metric::OBSERVABILITY_SPANS_HELD_BYTES, "bytes", "Bytes of spans that are held.", bytes);
        let help = "How many bytes of spans may be held.";
        gauge(metric::OBSERVABILITY_SPANS_HELD_CAPACITY, "bytes", help, capacity);
        let Some(PeerCounts { messages, bytes }) = peers else { return };
        let help = "Messages about kept traces, to and from other services.";
        let family = samples.family(metric::OBSERVABILITY_PEER_MESSAGES, Shape::Counter, "", help);
        sample_each(family, label::DIRECTION, &messages);
        let help = "Bytes of messages about kept traces.";
        let family = samples.family(metric::OBSERVABILITY_PEER_BYTES, Shape::Counter, "bytes", help);
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
    family(samples, names.created, Shape::Counter).sample(created, report.created as f64);
    ends(samples, names, components, report);
}

/// What became of what was created.
fn ends(samples: &mut Samples, names: &Names, [processor, exporter]: [&Component; 2], report: &FlowReport) {
    family(samples, names.size, Shape::Gauge).sample(&processor.labels(), report.queued() as f64);
    let is_before = |reason: &str| BEFORE_THE_QUEUE.contains(&reason);
    let count = |reason: &str| lost(report, reason);
    let losses = report.dropped.iter().map(|(reason, _)| reason.as_str());
    let losses = losses.filter(|reason| !is_before(reason) && !names.losses.contains(reason));
    let losses: Vec<_> = names.losses.iter().copied().chain(losses).collect();
    let after: u64 = losses.iter().map(|reason| count(reason)).sum();
    let processed = family(samples, names.processed, Shape::Counter);
    processed.sample(&processor.labels(), (report.delivered + report.unconfirmed + after) as f64);
    BEFORE_THE_QUEUE.into_iter().for_each(|reason| failed(processed, processor, reason, count(reason)));
    exports(family(samples, names.exported, Shape::Counter), exporter, losses, report);
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
    let help = "Log lines, or log records, left out on purpose.";
    let asked = samples.family(metric::OBSERVABILITY_LOG_LEFT_OUT, Shape::Counter, "", help);
    sample_reasons(asked, report);
}

fn sample_reasons(asked: &mut Asked, report: &FlowReport) {
    for reason in LeftOut::ALL {
        let count = report.left_out.iter().find(|(name, _)| *name == reason).map_or(0, |(_, count)| *count);
        asked.sample(&[(label::REASON, reason.as_str())], count as f64);
    }
}

fn family<'a>(
    samples: &'a mut Samples,
    (name, help): (&'static str, &'static str),
    shape: Shape,
) -> &'a mut Asked {
    samples.family(name, shape, "", help)
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
        let asked = samples.family(metric::TARGET_INFO, Shape::Info, "", "The service that is scraped.");
        asked.sample(&labels, 1.0);
    })
}

//! Owns the sources about ourselves: each signal's account, the process, the target.

use super::source::{Asked, Samples, Shape, Source};
use crate::clock::Moment;
use crate::names::{label, metric};
use crate::pipeline::FlowReport;
use crate::resource::Resource;

/// Which signal's account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowSignal {
    Spans,
    Lines,
}

/// What the conventions call the parts of one signal's account.
struct Names {
    created: (&'static str, &'static str),
    size: (&'static str, &'static str),
    processed: (&'static str, &'static str),
    exported: (&'static str, &'static str),
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
};

const LINES: Names = Names {
    created: (metric::OTEL_SDK_LOG_CREATED, "Log lines handed to the pipeline."),
    size: (metric::OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE, "Log lines that are queued."),
    processed: (
        metric::OTEL_SDK_PROCESSOR_LOG_PROCESSED,
        "Log lines that left the queue, or why they did not enter it.",
    ),
    exported: (metric::OTEL_SDK_EXPORTER_LOG_EXPORTED, "Log lines that were written, or why they were not."),
};

// What never entered the queue; every other reason is the exporter's.
const BEFORE_THE_QUEUE: [&str; 2] = ["queue_full", "already_shutdown"];
const UNCONFIRMED: &str = "unconfirmed";

/// One signal's account, under the names of the conventions for SDKs.
///
/// `capacity` is `None` where the queue is not bounded by a number of items: that of lines is bounded by bytes.
pub(crate) fn flow(
    signal: FlowSignal,
    capacity: Option<usize>,
    report: impl Fn() -> FlowReport + Send + Sync + 'static,
) -> Source {
    Box::new(move |samples| {
        let report = report();
        account(samples, signal, &report);
        if let Some(capacity) = capacity {
            let name = metric::OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY;
            let help = "How many spans the queue holds.";
            samples.family(name, Shape::Gauge, "", help).sample(&[], capacity as f64);
        }
    })
}

const fn names(signal: FlowSignal) -> &'static Names {
    match signal {
        FlowSignal::Spans => &SPANS,
        FlowSignal::Lines => &LINES,
    }
}

fn account(samples: &mut Samples, signal: FlowSignal, report: &FlowReport) {
    let names = names(signal);
    // Only what is sampled enters the pipeline.
    let created: &[_] = match signal {
        FlowSignal::Spans => &[(label::OTEL_SPAN_SAMPLING_RESULT, "RECORD_AND_SAMPLE")],
        FlowSignal::Lines => &[],
    };
    samples
        .family(names.created.0, Shape::Counter, "", names.created.1)
        .sample(created, report.created as f64);
    samples.family(names.size.0, Shape::Gauge, "", names.size.1).sample(&[], report.queued() as f64);
    let is_before = |reason: &str| BEFORE_THE_QUEUE.contains(&reason);
    let after: u64 =
        report.dropped.iter().filter(|(reason, _)| !is_before(reason)).map(|(_, count)| count).sum();
    let processed = samples.family(names.processed.0, Shape::Counter, "", names.processed.1);
    processed.sample(&[], (report.delivered + report.unconfirmed + after) as f64);
    for reason in BEFORE_THE_QUEUE {
        let count =
            report.dropped.iter().find(|(dropped, _)| *dropped == reason).map_or(0, |(_, count)| *count);
        failed(processed, reason, count);
    }
    let exported = samples.family(names.exported.0, Shape::Counter, "", names.exported.1);
    exported.sample(&[], report.delivered as f64);
    failed(exported, UNCONFIRMED, report.unconfirmed);
    for (reason, count) in report.dropped.iter().filter(|(reason, _)| !is_before(reason)) {
        failed(exported, reason, *count);
    }
}

fn failed(asked: &mut Asked, reason: &str, count: u64) {
    asked.sample(&[(label::ERROR_TYPE, reason)], count as f64);
}

/// When this process started, as seen by its first call here; `init` calls it early.
pub(crate) fn process_start() -> Source {
    let start = Moment::now().unix_nanos() / 1_000_000;
    Box::new(move |samples| {
        let help = "When the process started, in seconds since 1970.";
        let asked = samples.family(metric::PROCESS_START_TIME, Shape::Gauge, "seconds", help);
        asked.sample(&[], start as f64 / 1_000.0);
    })
}

/// Which service this is, for joins: the resource as labels of one sample.
pub(crate) fn target(resource: &Resource) -> Source {
    let attributes: Vec<(String, String)> =
        resource.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Box::new(move |samples| {
        let labels: Vec<_> = attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let asked = samples.family(metric::TARGET_INFO, Shape::Info, "", "The service that is scraped.");
        asked.sample(&labels, 1.0);
    })
}

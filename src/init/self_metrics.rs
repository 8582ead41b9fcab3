//! What the metrics page says beside the metrics: each signal's account, the process, its machine, the target.

use tokio::runtime::Handle;

use crate::config::Options;
use crate::metrics::{
    LineBuffer, Metrics, Recorder, container, disk_space, kept, lines, network, points, process_start,
    records, reports, runtime, spans, target, usage,
};
use crate::resource::Resource;
use crate::signals::Signals;
use crate::traces::{Format, Traces};

/// Adds what the process, its container and its disks do. Called from the user's thread: the runtime that is
/// there is the user's.
pub(super) fn add_machine(recorder: &Recorder, metrics: &Metrics) {
    recorder.add_source(process_start());
    if metrics.process {
        let runtime = Handle::try_current().ok().map(|handle| runtime(handle.metrics()));
        let sources = [usage(), network(), container(), runtime];
        sources.into_iter().flatten().for_each(|source| recorder.add_source(source));
    }
    disk_space(&metrics.disk_paths).into_iter().for_each(|source| recorder.add_source(source));
}

/// Adds what we say of ourselves.
pub(super) fn add(recorder: &Recorder, signals: &'static Signals, resource: &Resource, options: &Options) {
    let Options { traces, logs, metrics, .. } = options;
    recorder.add_source(target(resource));
    if signals.spans.is_on() {
        let report = || signals.spans.report().unwrap_or_default();
        let shortened = || signals.spans.shortened();
        recorder.add_source(spans(span_exporter(traces), traces.queue_capacity(), report, shortened));
    }
    if signals.spans.keep_report().is_some() {
        recorder.add_source(kept(|| signals.spans.keep_report()));
    }
    for (place, way) in signals.reports.ways().enumerate() {
        let all = move || signals.reports.report().filter(|_| place == 0);
        recorder.add_source(reports(
            way.exporter(),
            way.capacity(),
            all,
            || way.report(),
            || way.shortened(),
        ));
    }
    if signals.lines.are_written() {
        let buffer = || {
            let (bytes, capacity) = signals.lines.fill();
            LineBuffer { bytes, capacity, shortened: signals.lines.shortened() }
        };
        recorder.add_source(lines(|| signals.lines.report(), buffer));
    }
    if let Some(handle) = signals.lines.records() {
        let exporter = if logs.is_grpc() { "otlp_grpc_log_exporter" } else { "otlp_http_log_exporter" };
        recorder.add_source(records(
            exporter,
            signals.lines.are_written(),
            handle.capacity(),
            || signals.lines.report_of_records().unwrap_or_default(),
            || handle.shortened(),
        ));
    }
    if let Some(handle) = &signals.points {
        let is_grpc = metrics.export.is_grpc();
        let exporter = if is_grpc { "otlp_grpc_metric_exporter" } else { "otlp_http_metric_exporter" };
        recorder.add_source(points(exporter, || handle.report()));
    }
}

/// The conventions' word for how spans leave.
fn span_exporter(traces: &Traces) -> &'static str {
    match traces.format() {
        Some(Format::Zipkin) => "zipkin_http_span_exporter",
        Some(Format::Console) => "console_span_exporter",
        _ if traces.is_grpc() => "otlp_grpc_span_exporter",
        _ => "otlp_http_span_exporter",
    }
}

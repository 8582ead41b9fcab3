//! Owns what the metrics page says of ourselves: each signal's account, the process, the target.

use crate::hop::Core;
use crate::metrics::{LineBuffer, Recorder, lines, process_start, records, spans, target};
use crate::resource::Resource;
use crate::spans::{Format, Traces};

/// Adds them.
pub(super) fn add(recorder: &Recorder, core: &'static Core, resource: &Resource, traces: &Traces) {
    recorder.add_source(process_start());
    recorder.add_source(target(resource));
    if core.spans.is_on() {
        let report = || core.spans.report().unwrap_or_default();
        recorder.add_source(spans(span_exporter(traces), traces.queue_capacity(), report));
    }
    if core.lines.are_written() {
        let buffer = || {
            let (bytes, capacity) = core.lines.fill();
            LineBuffer { bytes, capacity, shortened: core.lines.shortened() }
        };
        recorder.add_source(lines(|| core.lines.report(), buffer));
    }
    if let Some(handle) = core.lines.records() {
        recorder.add_source(records(
            core.lines.are_written(),
            handle.capacity(),
            || handle.report(),
            || handle.shortened(),
        ));
    }
}

/// The conventions' word for how spans leave.
fn span_exporter(traces: &Traces) -> &'static str {
    match traces.format() {
        Some(Format::Zipkin) => "zipkin_http_span_exporter",
        _ => "otlp_http_span_exporter",
    }
}
